package main

import (
	"math"
	"math/rand/v2"
	"sync"

	"sim2reald/camera"
	"sim2reald/daemon/control"
	"sim2reald/daemon/topic"
	"sim2reald/robot"
)

// teacher is an actor that wants what the bridge's expert advises, disturbed by noise: the arm strays from
// the expert's path, the expert's advice from there is recorded, and a policy learns to come back.
type teacher struct {
	joints []string
	limits robot.Limits
	noise  float64 // standard deviation, as a part of each joint's velocity limit

	mu     sync.Mutex
	advice *topic.Expert
	rng    *rand.Rand
	drift  robot.Vector
	wanted robot.Command // what was advised for the observation acted on last
}

// correlation makes the noise last: about five steps, long enough to lead the arm away.
const correlation = 0.8

// onExpert keeps the newest advice.
func (t *teacher) onExpert(e *topic.Expert) {
	t.mu.Lock()
	t.advice = e
	t.mu.Unlock()
}

// begin starts an episode's noise from its seed.
func (t *teacher) begin(seed int64) {
	t.mu.Lock()
	t.rng, t.drift = rand.New(rand.NewPCG(uint64(seed), 0x6e6f697365)), robot.Vector{}
	t.mu.Unlock()
}

// Act waits for the advice that belongs to the observation.
func (t *teacher) Act(_ []*camera.Frame, state *robot.State, plan *control.Plan) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.advice == nil || t.advice.Seq != state.Seq || t.rng == nil {
		return control.ErrNothingSeen
	}
	advised, err := topic.DecodeAdvice(t.advice, t.joints)
	if err != nil {
		return err
	}
	t.wanted = advised
	plan.Rows, plan.Wanted[0] = 1, advised
	if state.Episode == robot.EpisodeRunning {
		// Drawn only for steps that are taken, so that an episode's noise depends on its seed alone.
		plan.Wanted[0] = t.disturb(advised)
	}
	return nil
}

// disturb adds first-order autoregressive noise to a moving command.
func (t *teacher) disturb(c robot.Command) robot.Command {
	for j := range t.joints {
		sigma := t.noise * t.limits.DQMax[j]
		t.drift[j] = correlation*t.drift[j] + math.Sqrt(1-correlation*correlation)*sigma*t.rng.NormFloat64()
		c.DQ[j] += t.drift[j]
	}
	return c
}

// advised is what the expert wanted for the observation acted on last.
func (t *teacher) advised() robot.Command {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.wanted
}
