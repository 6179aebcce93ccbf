package limit

import (
	"fmt"
	"math"
	"testing"
	"time"

	"sim2reald/robot"
)

// TestEdges drives each joint of each robot into each of its ends as hard as it may and back out, and asks not only
// that nothing is passed but that each limit is used to the full: a limiter that keeps the arm still is safe too.
func TestEdges(t *testing.T) {
	for _, name := range robot.Names() {
		for _, dt := range []time.Duration{time.Millisecond, 2500 * time.Microsecond, 10 * time.Millisecond} {
			m, _ := robot.ByName(name)
			for j := range m.N() {
				for _, sign := range []float64{-1, 1} {
					t.Run(fmt.Sprintf("%s/%d/%g/%s", name, j, sign, dt), func(t *testing.T) { intoTheEnd(t, m, j, sign, dt) })
				}
			}
		}
	}
}

func intoTheEnd(t *testing.T, m robot.Model, j int, sign float64, dt time.Duration) {
	a := armOf(m, dt)
	a.q[j] = (m.Limits.QMin[j] + m.Limits.QMax[j]) / 2
	full := sign * m.Limits.DQMax[j]
	if err := a.push(j, full, 6*time.Second); err != nil {
		t.Fatal(err)
	}
	end := m.Limits.QMax[j]
	if sign < 0 {
		end = m.Limits.QMin[j]
	}
	gap := 0.0 // where the taper ends
	if d := m.Limits.Taper.Decel[j]; d > 0 {
		gap = m.Limits.Taper.Offset[j] * m.Limits.Taper.Offset[j] / (2 * d)
	}
	if left := math.Abs(end-a.q[j]) - gap; math.Abs(left) > 1e-6 {
		t.Errorf("the joint stays %g rad from where it may go", left)
	}
	if err := a.push(j, -full, time.Second); err != nil {
		t.Fatal(err)
	}
	want := ratios{1, 1, 1, 2 * m.Limits.DDQMax[j] / dt.Seconds() / m.Limits.DDDQMax[j]}
	if got := a.max; got.acceleration < 1-1e-9 || got.speed < 1-1e-9 || got.jerk < min(1, want.jerk/2)-1e-9 {
		t.Errorf("used only %+v of the limits", got)
	}
}

// push wishes for a velocity of joint j for some time.
func (a *arm) push(j int, dq float64, for_ time.Duration) error {
	for range int(for_ / a.dt) {
		c, v := Apply(robot.Command{Mode: robot.Velocity, DQ: oneOf(j, dq)}, &a.sent, &a.q, a.n, a.dt, &a.lim)
		if v.Refused != Accepted {
			return fmt.Errorf("refused: %v", v.Refused)
		}
		if r := a.obey(&c); !r.inside() {
			return fmt.Errorf("outside: %+v", r)
		}
	}
	return nil
}

func oneOf(j int, x float64) (v robot.Vector) {
	v[j] = x
	return v
}

// simple is a joint whose numbers are easy: a period of 1 s, full acceleration 2, let go of in two periods.
func simple() robot.Limits {
	return robot.Limits{
		QMin: robot.Vector{-100}, QMax: robot.Vector{100}, DQMax: robot.Vector{10}, DDQMax: robot.Vector{2}, DDDQMax: robot.Vector{1},
	}
}

func simpleJoint() joint { l := simple(); return jointOf(0, 1, &l) }

// TestStop holds the stop, worked out by hand, step by step.
func TestStop(t *testing.T) {
	cases := []struct {
		name string
		v, a float64
		want []float64 // accelerations until rest
	}{
		{"at rest", 0, 0, []float64{0}},
		{"down in equal steps", 3, -2, []float64{-2, -1, 0}},
		{"one period", 0.5, 0, []float64{-0.5, 0}},
		{"the least for two", 1, 0, []float64{-1, 0}},
		{"two periods", 2, 0, []float64{-1, -1, 0}},
		{"full braking", 8, 0, []float64{-1, -2, -2, -2, -1, 0}},
		{"not a whole number of full brakings", 7, 0, []float64{-1, -2, -2, -1.5, -0.5, 0}},
		{"pushed on", 5, 2, []float64{1, 0, -1, -2, -2, -1, 0}},
		{"pushed on from standstill", 0, 2, []float64{1, 0, -1, 0}},
		{"braking too hard", 0, -2, []float64{-1, 0, 1, 0}},
		{"just braking enough", 1, -2, []float64{-1, 0}},
		{"swings through", 0.5, -2, []float64{-1, 0, 0.5, 0}},
	}
	for _, c := range cases {
		for _, sign := range []float64{1, -1} {
			t.Run(fmt.Sprintf("%s/%g", c.name, sign), func(t *testing.T) {
				x, m := simpleJoint(), motion{v: sign * c.v, a: sign * c.a}
				at := m
				for i, want := range c.want {
					a := x.towardsRest(at.v, at.a)
					if math.Abs(a-sign*want) > 1e-12 {
						t.Fatalf("period %d: %g rad/s², want %g", i, a, sign*want)
					}
					at = at.step(a, 1)
				}
				if math.Abs(at.v) > 1e-12 {
					t.Errorf("not at rest: %+v", at)
				}
				if end, inside := x.stop(m); math.Abs(end-at.q) > 1e-12 || !inside {
					t.Errorf("the stop ends at %g (%t), walked to %g", end, inside, at.q)
				}
			})
		}
	}
}

// TestStopStaysInside moves each bound to just where the stop touches it, and a hair further.
func TestStopStaysInside(t *testing.T) {
	const hair = 1e-9
	pushed := motion{q: 0, v: 8, a: 0} // 7, 5, 3, 1, 0 rad/s: to 16 rad
	swings := motion{q: 0, v: 1, a: 2} // 2, 2, 1, 0: to 5 rad, at 2 rad/s
	dips := motion{q: 0, v: -2, a: 2}  // with half the jerk -0.5, 0.5, 1 rad/s and on: down to -0.5 rad
	cases := []struct {
		name   string
		from   motion
		narrow func(x *joint, by float64)
	}{
		{"upper end", pushed, func(x *joint, by float64) { x.hi = 16 - by }},
		{"upper end, pushed on", swings, func(x *joint, by float64) { x.hi = 5 - by }},
		{"lower end on the way", dips, func(x *joint, by float64) { x.change, x.lo = 0.5, -0.5+by }},
		{"speed on the way", swings, func(x *joint, by float64) { x.speed = 2 - by }},
		{"speed now", pushed, func(x *joint, by float64) { x.speed = 8 - by }},
		{"position now", motion{q: 3}, func(x *joint, by float64) { x.hi = 3 - by }},
	}
	for _, c := range cases {
		for _, mirrored := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/mirrored %t", c.name, mirrored), func(t *testing.T) {
				for _, by := range []float64{0, hair} {
					x, m := simpleJoint(), c.from
					c.narrow(&x, by)
					x.holdFrom = x.spends(x.accel)
					if mirrored {
						x.lo, x.hi = -x.hi, -x.lo
						m = motion{-m.q, -m.v, -m.a}
					}
					if _, inside := x.stop(m); inside != (by == 0) {
						t.Errorf("narrower by %g: inside is %t", by, inside)
					}
				}
			})
		}
	}
}

// TestStridesAreSteps holds the sums of full braking against its single periods, and the taper's check in between
// against asking every period.
func TestStridesAreSteps(t *testing.T) {
	fr3 := robot.FR3().Limits
	for _, h := range []float64{0.0005, 0.001, 0.003} {
		for _, v := range []float64{0.03, 0.5, 1.7, 4, 5.2} {
			for _, room := range []float64{0.01, 0.1, 0.3, 0.6, 0.9, 1, 1.1, 1.2, 1.25, 1.3, 1.35, 1.4, 1.5, 2} {
				x := jointOf(4, h, &fr3)
				m := motion{q: x.hi - room, v: v, a: -x.accel}
				end, inside := x.stop(m)
				at, each := m, x.holds(m)
				for !x.rests(at) {
					at = at.step(x.brake(at.v, at.a), h)
					each = each && x.holds(at)
				}
				if inside && (!each || math.Abs(end-at.q) > 1e-10) {
					t.Errorf("h %g v %g room %g: to %g inside, by single periods to %g inside: %t", h, v, room, end, at.q, each)
				}
				if each && !inside && x.holds(motion{q: m.q + 1e-4, v: v + 1e-3, a: m.a}) && reachesInside(x, m, 1e-4) {
					t.Errorf("h %g v %g room %g: every period holds, with room to spare, and the stop does not", h, v, room)
				}
			}
		}
	}
}

// reachesInside reports whether every single period of the stop holds with some rad to spare.
func reachesInside(x joint, m motion, spare float64) bool {
	x.hi -= spare
	for !x.rests(m) {
		if m = m.step(x.brake(m.v, m.a), x.h); !x.holds(m) {
			return false
		}
	}
	return true
}

// TestAStopTooLongToFollowIsNoStop: what cannot be gone through to its end is not admissible.
func TestAStopTooLongToFollowIsNoStop(t *testing.T) {
	x := simpleJoint()
	x.lo, x.hi, x.speed = math.Inf(-1), math.Inf(1), math.Inf(1)
	for periods, want := range map[float64]bool{60: true, 1000: false} {
		x.change = x.accel / periods
		x.holdFrom = x.spends(x.accel)
		if _, inside := x.stop(motion{v: 9, a: 1}); inside != want {
			t.Errorf("a stop whose acceleration takes %g periods to let go of is inside: %t", periods, inside)
		}
	}
}

// TestHoldsToTheLastBit holds what a check allows for rounding.
func TestHoldsToTheLastBit(t *testing.T) {
	x := simpleJoint()
	for _, m := range []motion{{q: x.hi + slack}, {q: x.lo - slack}, {v: x.speed + slack}, {v: -x.speed - slack}} {
		if !x.holds(m) {
			t.Errorf("%+v is out", m)
		}
		m.q, m.v = m.q*(1+1e-13), m.v*(1+1e-12)
		if x.holds(m) {
			t.Errorf("%+v is in", m)
		}
	}
}

// TestOutsideByExactly holds where an end's neighbourhood ends.
func TestOutsideByExactly(t *testing.T) {
	x := simpleJoint()
	for q, want := range map[float64]float64{x.hi + outsideBy: x.speed, x.lo - outsideBy: x.speed, x.hi + 0.021: 1, x.lo - 0.021: 1} {
		if got := x.comingBack(q); got != want {
			t.Errorf("at %g: %g rad/s, want %g", q, got, want)
		}
	}
}
