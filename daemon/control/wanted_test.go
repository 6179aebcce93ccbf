package control

import (
	"math"
	"testing"
	"time"

	"sim2reald/robot"
)

// TestWantedBetweenRows: in real time a plan of several rows is a smooth wish, in lock-step a row is a step.
func TestWantedBetweenRows(t *testing.T) {
	for _, lockstep := range []bool{false, true} {
		b := newBench(lockstep)
		b.loop.plan = Plan{Seen: time.Second, Rows: 2}
		b.loop.plan.Wanted[0] = robot.Command{Mode: robot.Velocity, DQ: robot.Vector{1}}
		b.loop.plan.Wanted[1] = robot.Command{Mode: robot.Velocity, DQ: robot.Vector{2}}
		middle := 1.0
		if !lockstep {
			middle = 1.296875 // halfway in time is a quarter into the way from the middle of one period to that of the other
		}
		for since, want := range map[time.Duration]float64{-1: 1, 0: 1, 60 * time.Millisecond: middle, 120 * time.Millisecond: 2, time.Second: 2} {
			if got := b.loop.wanted(time.Second + since).DQ[0]; math.Abs(got-want) > 1e-12 {
				t.Errorf("lock-step %t, after %v: %g rad/s, want %g", lockstep, since, got, want)
			}
		}
	}
}
