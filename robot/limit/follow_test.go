package limit

import (
	"fmt"
	"math"
	"testing"
	"time"

	"sim2reald/robot"
)

// one applies a wish to a one-joint arm with simple limits: periods of 200 ms, in which full acceleration, 2, is let
// go of in two, so that speeds come in steps of 0.2.
type one struct {
	mode       robot.Mode
	q, v, a    float64 // where it is, measured and sent
	wish, with float64 // velocity, or position and velocity there
	edit       func(*robot.Limits)
}

func (o one) apply() (robot.Command, Verdict) {
	l := simple()
	l.DDDQMax[0] = 5
	if o.edit != nil {
		o.edit(&l)
	}
	w := robot.Command{Mode: o.mode, DQ: robot.Vector{o.wish}}
	if o.mode == robot.Position {
		w.Q[0], w.DQ[0] = o.wish, o.with
	}
	q := robot.Vector{o.q}
	return Apply(w, &Sent{Mode: o.mode, Q: q, DQ: robot.Vector{o.v}, DDQ: robot.Vector{o.a}}, &q, 1, 200*time.Millisecond, &l)
}

// TestFollow holds velocities and verdicts where jerk binds, in both directions.
func TestFollow(t *testing.T) {
	end := func(q float64) func(*robot.Limits) {
		return func(l *robot.Limits) { l.QMax[0], l.QMin[0] = q, -q }
	}
	tapered := func(l *robot.Limits) { l.QMax[0], l.QMin[0], l.Taper.Offset[0], l.Taper.Decel[0] = 10, -10, 1, 2 }
	cases := []struct {
		name    string
		given   one
		want    float64
		verdict Verdict
	}{
		{"the ramp begins with jerk", one{wish: 5}, 0.2, Verdict{RateLimited: 1, JerkLimited: 1}},
		{"and goes on", one{v: 0.2, a: 1, wish: 5}, 0.6, Verdict{RateLimited: 1}},
		{"less than one jerk's worth passes", one{wish: 0.15}, 0.15, Verdict{}},
		{"exactly one passes", one{wish: 0.2}, 0.2, Verdict{}},
		{"just more is jerk limited", one{wish: 0.21}, 0.2, Verdict{JerkLimited: 1}},
		{"lands on the wish in time", one{v: 0.6, a: 2, wish: 0.8}, 0.8, Verdict{}},
		{"lets go before it", one{v: 0.6, a: 2, wish: 1}, 0.9, Verdict{JerkLimited: 1}},
		{"stays at full speed", one{v: 10, wish: 10}, 10, Verdict{}},
		{"no faster", one{v: 10, wish: 11}, 10, Verdict{Clamped: 1}},
		{"rest is exactly zero", one{v: 0.2, a: -1, wish: 0}, 0, Verdict{}},
		{"brakes before the end", one{q: 0, v: 2, wish: 2, edit: end(1)}, 1.8, Verdict{Clamped: 1}},
		{"not where the stop just fits", one{q: 0, v: 2, wish: 2, edit: end(1.4)}, 2, Verdict{}},
		{"as little as must be", one{q: 0, v: 2, wish: 2, edit: end(1.3)}, 1.95, Verdict{Clamped: 1}},
		{"where no stop is inside it brakes", one{q: 2.9, v: 5, wish: 5, edit: end(3)}, 4.8, Verdict{Clamped: 1}},
		{"at its end it stays", one{q: 3, wish: 1, edit: end(3)}, 0, Verdict{Clamped: 1}},
		{"away from its end it may", one{q: 3, wish: -0.1, edit: end(3)}, -0.1, Verdict{}},
		{"outside it may not go on", one{q: 3.01, wish: 1, edit: end(3)}, 0, Verdict{Clamped: 1}},
		{"a little outside it comes back", one{q: 3.01, v: -4, wish: -4, edit: end(3)}, -4, Verdict{}},
		{"at most that is a little", one{q: 3.0199, v: -4, wish: -4, edit: end(3)}, -4, Verdict{}},
		{"farther outside slowly", one{q: 3.0201, v: -1, wish: -4, edit: end(3)}, -1, Verdict{Clamped: 1}},
		{"in the taper it is slow", one{q: 9.5, wish: 1, edit: tapered}, 0.2, Verdict{Clamped: 1, RateLimited: 1, JerkLimited: 1}},
		{"where the taper ends it stays", one{q: 9.75, wish: 1, edit: tapered}, 0, Verdict{Clamped: 1}},
		{"the taper is the way out's as well", one{q: 9.75, wish: -0.1, edit: tapered}, -0.1, Verdict{}},
	}
	for _, c := range cases {
		for _, sign := range []float64{1, -1} {
			t.Run(fmt.Sprintf("%s/%g", c.name, sign), func(t *testing.T) {
				g := c.given
				g.mode, g.q, g.v, g.a, g.wish = robot.Velocity, sign*g.q, sign*g.v, sign*g.a, sign*g.wish
				got, verdict := g.apply()
				if math.Abs(got.DQ[0]-sign*c.want) > 1e-9 || verdict != c.verdict {
					t.Errorf("%g rad/s, %+v; want %g, %+v", got.DQ[0], verdict, sign*c.want, c.verdict)
				}
			})
		}
	}
}

// TestWhatRoundingLeavesIsRest: a speed of a ten-billionth of a milliradian is none.
func TestWhatRoundingLeavesIsRest(t *testing.T) {
	if got, _ := (one{mode: robot.Velocity, v: 1e-13, wish: 1e-13}).apply(); got.DQ[0] != 0 {
		t.Errorf("%g rad/s, want 0", got.DQ[0])
	}
	if got, _ := (one{mode: robot.Velocity, v: 1.1e-13, wish: 1.1e-13}).apply(); got.DQ[0] != 1.1e-13 {
		t.Errorf("%g rad/s, want what was wished", got.DQ[0])
	}
}

// TestWhyIsNotRounding: what rounding makes of a wish is not jerk's doing.
func TestWhyIsNotRounding(t *testing.T) {
	x := simpleJoint()
	for by, want := range map[float64]bool{rounding * x.accel: false, 1.01 * rounding * x.accel: true} {
		if _, jerky := x.why(motion{}, by, 0); jerky != want {
			t.Errorf("off by %g: jerk's doing is %t", by, jerky)
		}
	}
}

// TestWithoutJerk: where none is known, any change of acceleration is had at once.
func TestWithoutJerk(t *testing.T) {
	l := robot.Panda().Limits
	l.DDDQMax = robot.Vector{}
	q := robot.Panda().Home
	for mode, want := range map[robot.Mode]float64{robot.Velocity: 0.015, robot.Position: 0.015} {
		w := robot.Command{Mode: mode, Q: q, DQ: oneOf(0, 1)}
		w.Q[0] += 0.001
		got, v := Apply(w, &Sent{}, &q, 7, time.Millisecond, &l)
		if math.Abs(got.DQ[0]-want) > 1e-9 || v != (Verdict{RateLimited: 1}) {
			t.Errorf("%v: %g rad/s %+v, want %g", mode, got.DQ[0], v, want)
		}
	}
}
