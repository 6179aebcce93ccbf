package main

import (
	"fmt"
	"math"

	"sim2reald/daemon/topic"
	"sim2reald/robot"
)

// limits are what the suite's arm is held to: the Panda's table, at the bundle's part of its speeds.
func limits() robot.Limits { return robot.Panda().Limits.Scaled(speedScale) }

// slack is what numbers lose on their way through text.
const slack = 1e-6

// withinLimits finds the first number of a log that passes a limit: position, velocity, or acceleration from one tick
// to the next. A reset puts the arm elsewhere; ticks before an episode runs must stand still and are no motion.
func withinLimits(ticks []tick, lim *robot.Limits) error {
	if len(ticks) == 0 {
		return fmt.Errorf("the arm's log is empty")
	}
	for i := range ticks {
		if err := ticks[i].within(lim); err != nil {
			return err
		}
		if i == 0 || ticks[i].episode == "ready" {
			continue
		}
		for j := range joints {
			a := math.Abs(ticks[i].v[j]-ticks[i-1].v[j]) / armTick.Seconds()
			if !(a <= lim.DDQMax[j]*(1+slack)+slack) {
				return fmt.Errorf("joint %d accelerates with %.3f rad/s² of %.3f", j+1, a, lim.DDQMax[j])
			}
		}
	}
	return nil
}

// within is written as what must hold: a comparison with NaN is false.
func (t *tick) within(lim *robot.Limits) error {
	for j := range joints {
		if !(t.q[j] >= lim.QMin[j]-slack && t.q[j] <= lim.QMax[j]+slack) {
			return fmt.Errorf("joint %d is at %.4f rad, limits %.4f to %.4f", j+1, t.q[j], lim.QMin[j], lim.QMax[j])
		}
		if !(math.Abs(t.v[j]) <= lim.DQMax[j]+slack) {
			return fmt.Errorf("joint %d moves with %.4f rad/s of %.4f", j+1, t.v[j], lim.DQMax[j])
		}
	}
	return nil
}

// commandsWithin finds the first command that passes a limit of velocity, or holds what no number is.
func commandsWithin(all []sent, lim *robot.Limits) error {
	for i := range all {
		c := &all[i].msg
		if c.Mode != "velocity" {
			continue
		}
		if err := commandWithin(c, lim); err != nil {
			return fmt.Errorf("command %d: %w", c.Seq, err)
		}
	}
	return nil
}

func commandWithin(c *topic.JointCommand, lim *robot.Limits) error {
	if len(c.Velocity) != joints {
		return fmt.Errorf("%d velocities", len(c.Velocity))
	}
	for j, v := range c.Velocity {
		if !(math.Abs(v) <= lim.DQMax[j]+slack) {
			return fmt.Errorf("joint %d: %.4f rad/s of %.4f", j+1, v, lim.DQMax[j])
		}
	}
	return nil
}

// rest is how an arm came to rest after a moment.
type rest struct {
	after  moment  // until it stood, from the moment
	travel float64 // rad, the joint that went furthest
}

// comesToRest is an error unless the arm moved just before and stands for the rest of the log.
func comesToRest(ticks []tick, from moment) (rest, error) {
	var r rest
	after := since(ticks, from)
	if len(after) < 2 {
		return r, fmt.Errorf("the arm's log ends at the fault")
	}
	before := ticks[:len(ticks)-len(after)]
	if len(before) == 0 || before[len(before)-1].still() {
		return r, fmt.Errorf("the arm stood still before the fault")
	}
	stood := -1
	for i := range after {
		if !after[i].still() {
			stood = -1
		} else if stood < 0 {
			stood = i
		}
	}
	if stood < 0 {
		return r, fmt.Errorf("the arm still moves at the end of its log, %v after the fault", after[len(after)-1].at-from)
	}
	r.after = after[stood].at - from
	for j := range joints {
		r.travel = max(r.travel, math.Abs(after[len(after)-1].q[j]-before[len(before)-1].q[j]))
	}
	return r, nil
}

// stopTravel is the catalogue's bound on how far a joint goes when commands cease, in rad: the Panda's second joint, the
// slowest to brake, at its cap for the bridge's timeout of 200 ms, and then braking: 0.65·0.2 + 0.65²/(2·7.5).
const stopTravel = 0.16
