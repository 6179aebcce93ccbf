package control

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"sim2reald/daemon/control/supervisor"
	"sim2reald/robot"
)

// mischief is what a walk does to the loop before a tick. Most of it is nothing.
func mischief(b *bench, rng *rand.Rand) {
	const ms = time.Millisecond
	switch rng.IntN(200) {
	case 0:
		b.now += time.Duration(rng.IntN(600)) * ms // nothing comes meanwhile
	case 1:
		b.state.EmergencyStop = !b.state.EmergencyStop
	case 2:
		b.state.Q[rng.IntN(7)] += rng.NormFloat64() / 4
	case 3:
		b.way = Way{Heard: rng.IntN(8) > 0, EchoAge: time.Duration(rng.IntN(400)) * ms, Leased: rng.IntN(8) > 0, Taken: rng.IntN(16) == 0}
	case 4:
		b.err = nil
		if rng.IntN(4) == 0 {
			b.err = errors.New("out of memory")
		}
	case 5:
		b.wanted = robot.Command{Mode: robot.Velocity, DQ: robot.Vector{rng.NormFloat64() * 3, rng.NormFloat64()}}
		if rng.IntN(10) == 0 {
			b.wanted.DQ[rng.IntN(7)] = math.NaN()
		}
	case 6:
		b.loop.kept(uint64(rng.IntN(2)))
	case 7:
		b.state.Faulted = rng.IntN(4) == 0
	case 8:
		b.state.Episode = robot.EpisodePhase(rng.IntN(4))
	}
}

func request(b *bench, rng *rand.Rand) {
	kinds := []supervisor.Kind{
		supervisor.Arm, supervisor.Arm, supervisor.Start, supervisor.Start, supervisor.Start, supervisor.HoldStill,
		supervisor.Stop, supervisor.GoHome, supervisor.GoHome, supervisor.Shadow, supervisor.Acknowledge, supervisor.Acknowledge,
	}
	k := kinds[rng.IntN(len(kinds))]
	_ = b.loop.Ask(supervisor.Request{Kind: k, Fault: b.loop.Machine().Fault.ID}) // a refusal is as good a step
}

// mend lets what a person would see to be well again.
func mend(b *bench) {
	b.state.EmergencyStop, b.state.Faulted, b.state.Episode, b.err = false, false, robot.NoEpisode, nil
	b.way, b.wanted = Way{Heard: true, Leased: true}, robot.Command{Mode: robot.Velocity, DQ: robot.Vector{0.5}}
	b.state.Q, b.state.DQ, b.state.Moving = robot.Vector{0, -0.5, 0, -2, 0, 1.5, 0}, robot.Vector{}, false
	b.loop.kept(0)
}

// TestLoopWalks asserts over random walks of the whole loop what goes out, whatever comes in: nothing but holds while
// anything is wrong or no mode moves, and never faster than the limits.
func TestLoopWalks(t *testing.T) {
	limits := robot.Panda().Limits
	rng := rand.New(rand.NewPCG(5, 6))
	b := newBench(false)
	b.loop.cfg.Home = robot.Panda().Home
	seen := map[supervisor.Mode]int{}
	for step := range 200_000 {
		if rng.IntN(150) == 0 {
			mend(b)
		}
		mischief(b, rng)
		if rng.IntN(40) > 0 {
			b.pixels[0]++
			b.see(10 * time.Millisecond)
		}
		if rng.IntN(8) > 0 {
			_ = b.loop.Think() // its failure is reported to the loop
		}
		if rng.IntN(20) == 0 {
			request(b, rng)
		}
		out, m := b.loop.Step(), b.loop.Machine()
		seen[m.Mode]++
		if m.Mode == supervisor.Faulted && m.Fault.Cause.Class() == supervisor.Restart {
			t.Fatalf("step %d: %v", step, m.Fault)
		}
		if out.Command.Mode == robot.Hold {
			continue
		}
		wrong := b.loop.wrong(&out.State, true, b.now)
		if m.Mode == supervisor.Running && wrong != 0 || m.Mode == supervisor.Homing && wrong != wrong&set(supervisor.FrameStale, supervisor.PicturesApart, supervisor.ActionStale, supervisor.ThinkingLate) || !m.Mode.Moves() {
			t.Fatalf("step %d: %+v in mode %v while %v", step, out.Command, m.Mode, wrong)
		}
		for j := range 7 {
			if v := math.Abs(out.Command.DQ[j]); !(v <= limits.DQMax[j]) {
				t.Fatalf("step %d: joint %d at %v rad/s", step, j, v)
			}
		}
	}
	for mode := supervisor.Disarmed; mode <= supervisor.Shadowing; mode++ {
		if seen[mode] < 500 {
			t.Errorf("only %d ticks in mode %v", seen[mode], mode)
		}
	}
}

func set(cs ...supervisor.Cause) (s supervisor.Causes) {
	for _, c := range cs {
		s = s.With(c, true)
	}
	return s
}
