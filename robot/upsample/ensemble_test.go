package upsample

import (
	"math"
	"testing"
	"time"

	"sim2reald/robot"
)

// TestEnsemble holds the weights of ACT: the oldest weighs most.
func TestEnsemble(t *testing.T) {
	const m = 0.5
	c := newChunks(t, 3, m)
	put(t, c, 0, rows(robot.Velocity, 9, 9, 9, 9, 9)) // gone by the time there are four
	put(t, c, 100*ms, rows(robot.Velocity, 1, 1, 1))
	put(t, c, 200*ms, rows(robot.Velocity, 2, 2, 2))
	put(t, c, 300*ms, rows(robot.Velocity, 4, 4, 4))
	w1, w2 := math.Exp(-m), math.Exp(-2*m)
	for at, want := range map[time.Duration]float64{
		350 * ms: (1 + 2*w1 + 4*w2) / (1 + w1 + w2),
		450 * ms: (2 + 4*w1) / (1 + w1), // the oldest has no row any more: the next is the oldest
		550 * ms: 4,
		800 * ms: 4,
	} {
		if got, ok := c.At(at); !ok || math.Abs(got.DQ[0]-want) > 1e-12 || math.Abs(got.Gripper-want/10) > 1e-12 {
			t.Errorf("at %v: %+v, want %g", at, got, want)
		}
	}
	if _, ok := c.At(800*ms + 1); ok {
		t.Error("the look-ahead has no end")
	}
	put(t, c, 300*ms, rows(robot.Position, 7))
	if got, _ := c.At(350 * ms); got.Mode != robot.Position || got.Q[0] != 7 {
		t.Errorf("modes were mixed: %+v", got)
	}
	c.Reset()
	if _, ok := c.At(350 * ms); ok {
		t.Error("a reset forgets nothing")
	}
}

// TestKeepNewest: at a start the arm does what the newest chunk says, and the next ones join that one.
func TestKeepNewest(t *testing.T) {
	c := newChunks(t, 3, 0)
	c.KeepNewest()
	put(t, c, 0, rows(robot.Velocity, 1, 1, 1))
	put(t, c, 0, rows(robot.Velocity, 3, 3, 3))
	c.KeepNewest()
	if got, ok := c.At(50 * ms); !ok || got.DQ[0] != 3 {
		t.Errorf("%+v %t, want the newest alone", got, ok)
	}
	put(t, c, 100*ms, rows(robot.Velocity, 5, 5, 5))
	if got, _ := c.At(150 * ms); got.DQ[0] != 4 {
		t.Errorf("%+v, want the mean of two", got)
	}
}

// TestSteps: in lock-step each chunk's row of the step counts, whole, and a nanosecond of rounding moves no row.
func TestSteps(t *testing.T) {
	c, err := New(Options{Joints: 2, Period: 100 * ms, Steps: true, LookAhead: 250 * ms, Chunks: 4})
	if err != nil {
		t.Fatal(err)
	}
	put(t, c, 0, rows(robot.Velocity, 1, 2, 4, 8))
	put(t, c, 100*ms, rows(robot.Velocity, 20, 40))
	for _, rounding := range []time.Duration{-1, 0, 1} {
		for step, want := range map[int]float64{1: (20 + 2) / 2., 2: (40 + 4) / 2., 3: 40} { // then the newest's last row stands alone
			now := max(100*ms, time.Duration(step)*100*ms+rounding)
			if got, ok := c.At(now); !ok || got.DQ[0] != want || got.DQ[1] != -want {
				t.Errorf("step %d, %v: %+v %t, want %g", step, rounding, got, ok, want)
			}
		}
	}
	if _, ok := c.At(351 * ms); ok {
		t.Error("the look-ahead has no end")
	}
}

// TestEnsembleHidesNothing: what is not finite stays so in every mean, from whichever chunk it comes.
func TestEnsembleHidesNothing(t *testing.T) {
	for _, x := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		for spoilt := range 3 {
			c := newChunks(t, 3, 0.01)
			for i := range 3 {
				r := rows(robot.Velocity, 1, 1)
				if i == spoilt {
					r[0].DQ[1], r[1].Gripper = x, x
				}
				put(t, c, 0, r)
			}
			first, _ := c.At(10 * ms)
			second, _ := c.At(190 * ms)
			if first.DQ.Finite(2) || !math.IsNaN(second.Gripper) && !math.IsInf(second.Gripper, 0) {
				t.Errorf("%g in chunk %d: %+v, %+v", x, spoilt, first, second)
			}
		}
	}
}

// TestEnsembleKeepsTheGripperInRange: a mean of closed grippers is closed, to the last bit.
func TestEnsembleKeepsTheGripperInRange(t *testing.T) {
	for decay := range 200 {
		c := newChunks(t, 7, float64(decay)*0.01)
		for range 7 {
			put(t, c, 0, rows(robot.Velocity, 10, 10))
		}
		if got, _ := c.At(0); got.Gripper != 1 {
			t.Fatalf("decay %g: gripper %v", float64(decay)*0.01, got.Gripper)
		}
	}
}
