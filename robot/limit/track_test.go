package limit

import (
	"fmt"
	"math"
	"testing"
	"time"

	"sim2reald/robot"
)

// TestTrack holds positions, velocities and verdicts of the position mode, in both directions.
func TestTrack(t *testing.T) {
	end := func(q float64) func(*robot.Limits) {
		return func(l *robot.Limits) { l.QMax[0], l.QMin[0] = q, -q }
	}
	cases := []struct {
		name    string
		given   one
		want    float64 // velocity
		verdict Verdict
	}{
		{"stays where it is", one{q: 1, wish: 1}, 0, Verdict{}},
		{"the ramp begins with jerk", one{wish: 1}, 0.2, Verdict{RateLimited: 1, JerkLimited: 1}},
		{"half a ramp to what is near", one{wish: 0.02}, 0.1, Verdict{}},
		{"lands", one{q: 0.02, v: 0.1, a: 0.5, wish: 0.02}, 0, Verdict{}},
		{"goes on with what moves on", one{q: 0, v: 1, wish: 0.2, with: 1}, 1, Verdict{}},
		{"full speed is all there is", one{q: 0, v: 10, wish: 2, with: 20}, 10, Verdict{}},
		{"behind it turns round", one{q: 0, v: 0.2, wish: -1}, 0, Verdict{RateLimited: 1, JerkLimited: 1}},
		{"no farther than its end", one{q: 3, wish: 3.5, with: 1, edit: end(3)}, 0, Verdict{Clamped: 1}},
		{"its end is no place to move on from", one{q: 2.99, v: 0, wish: 3, with: 1, edit: end(3)}, 0.05, Verdict{Clamped: 1}},
		{"outside it comes back", one{q: 3.01, wish: 3, edit: end(3)}, -0.05, Verdict{}},
		{"farther outside slowly", one{q: 4, v: -1, wish: 2.5, with: -4, edit: end(3)}, -1, Verdict{Clamped: 1}},
	}
	for _, c := range cases {
		for _, sign := range []float64{1, -1} {
			t.Run(fmt.Sprintf("%s/%g", c.name, sign), func(t *testing.T) {
				g := c.given
				g.mode, g.q, g.v, g.a, g.wish, g.with = robot.Position, sign*g.q, sign*g.v, sign*g.a, sign*g.wish, sign*g.with
				got, verdict := g.apply()
				if math.Abs(got.DQ[0]-sign*c.want) > 1e-6 || verdict != c.verdict {
					t.Errorf("%g rad/s, %+v; want %g, %+v", got.DQ[0], verdict, sign*c.want, c.verdict)
				}
				if want := g.q + 0.2*got.DQ[0]; got.Q[0] != want || got.Mode != robot.Position {
					t.Errorf("%v at %g rad, want %g", got.Mode, got.Q[0], want)
				}
			})
		}
	}
}

// TestTrackKeepsPaceExactly: what already moves as its wish does is not touched, not by a bisection's last step either.
func TestTrackKeepsPaceExactly(t *testing.T) {
	for _, v := range []float64{1, -1} {
		if got, verdict := (one{mode: robot.Position, v: v, wish: v * 0.2, with: v}).apply(); got.DQ[0] != v || verdict != (Verdict{}) {
			t.Errorf("%v rad/s %+v, want %v", got.DQ[0], verdict, v)
		}
	}
}

// TestTrackFollows goes along a sine whose speed is told: the arm lags behind it by far less than a stop is long,
// and comes to rest exactly where a standing wish is.
func TestTrackFollows(t *testing.T) {
	for _, dt := range []time.Duration{time.Millisecond, 10 * time.Millisecond} {
		a := armOf(robot.Panda(), dt)
		h, from := dt.Seconds(), a.q
		wanted := robot.Command{Mode: robot.Position, Q: from}
		const rate = 3.0 // 0.9 rad/s, 2.7 rad/s²
		for step := range int(4 / h) {
			at := float64(step+1) * h
			size, growing := 0.3, 0.0 // it grows for a second, so that it begins at rest
			if at < 1 {
				size, growing = 0.15*(1-math.Cos(math.Pi*at)), 0.15*math.Pi*math.Sin(math.Pi*at)
			}
			wanted.Q[0] = from[0] + size*math.Sin(rate*at)
			wanted.DQ[0] = size*rate*math.Cos(rate*at) + growing*math.Sin(rate*at)
			a.follow(t, wanted)
			if off := math.Abs(a.q[0] - wanted.Q[0]); off > 4*2.7*h*h+1e-6 {
				t.Fatalf("%v, step %d: %g rad off", dt, step, off)
			}
		}
		wanted.Q[0], wanted.DQ[0] = a.q[0]+0.1, 0
		for range int(2 / h) {
			a.follow(t, wanted)
		}
		if off := a.q[0] - wanted.Q[0]; math.Abs(off) > 1e-9 || math.Abs(a.sent.DQ[0]) > 1e-9 {
			t.Errorf("%v: at rest %g rad from where it was to be, at %g rad/s", dt, off, a.sent.DQ[0])
		}
	}
}

func (a *arm) follow(t *testing.T, wanted robot.Command) {
	t.Helper()
	c, v := Apply(wanted, &a.sent, &a.q, a.n, a.dt, &a.lim)
	if v.Refused != Accepted {
		t.Fatalf("refused: %v", v.Refused)
	}
	if r := a.obey(&c); !r.inside() {
		t.Fatalf("outside: %+v", r)
	}
}

// TestTrackDoesNotOvershoot: a place to stop at is never passed on the way to it.
func TestTrackDoesNotOvershoot(t *testing.T) {
	for _, name := range robot.Names() {
		m, _ := robot.ByName(name)
		a := armOf(m, time.Millisecond)
		a.follow(t, robot.Command{Mode: robot.Position, Q: a.q})
		wanted := robot.Command{Mode: robot.Position, Q: a.q}
		for j := range a.n {
			wanted.Q[j] += 0.19 * a.lim.DQMax[j]
		}
		for range 1500 {
			a.follow(t, wanted)
			for j := range a.n {
				if a.q[j] > wanted.Q[j]+1e-9 {
					t.Fatalf("%s joint %d: %g passed %g", name, j, a.q[j], wanted.Q[j])
				}
			}
		}
		for j := range a.n {
			if math.Abs(a.q[j]-wanted.Q[j]) > 1e-9 {
				t.Errorf("%s joint %d: %g, not %g", name, j, a.q[j], wanted.Q[j])
			}
		}
	}
}

// TestPositionBeginsAtTheMeasuredPose: whatever was sent before a hold is forgotten.
func TestPositionBeginsAtTheMeasuredPose(t *testing.T) {
	panda := robot.Panda()
	sent := Sent{Mode: robot.Position, Q: panda.Home, DQ: oneOf(0, 0.5), DDQ: oneOf(0, 3)}
	hold := robot.Command{Mode: robot.Hold}
	if sent = sent.Then(&hold, 7, tick); sent != (Sent{}) {
		t.Fatalf("after a hold: %+v", sent)
	}
	moved := panda.Home
	moved[0] += 0.3
	c, v := Apply(robot.Command{Mode: robot.Position, Q: moved}, &sent, &moved, 7, tick, &panda.Limits)
	if v != (Verdict{}) || c.Q != moved {
		t.Errorf("%+v to %v, want to stay at %v", v, c.Q, moved)
	}
}

// TestWhereItWasSentCounts: in position mode an arm that lags is not pulled back to where it was measured.
func TestWhereItWasSentCounts(t *testing.T) {
	panda := robot.Panda()
	lagging := panda.Home
	lagging[0] -= 0.1
	sent := Sent{Mode: robot.Position, Q: panda.Home}
	if c, v := Apply(robot.Command{Mode: robot.Position, Q: panda.Home}, &sent, &lagging, 7, tick, &panda.Limits); c.Q != panda.Home || v != (Verdict{}) {
		t.Errorf("%v %+v, want to stay at %v", c.Q, v, panda.Home)
	}
	lagging[0] = panda.Limits.QMax[0]
	if c, _ := Apply(robot.Command{Mode: robot.Velocity, DQ: oneOf(0, 1)}, &sent, &lagging, 7, tick, &panda.Limits); c.DQ[0] != 0 {
		t.Errorf("in velocity mode where it is measured counts: %g rad/s", c.DQ[0])
	}
}

func TestThen(t *testing.T) {
	sent := Sent{Mode: robot.Velocity, DQ: robot.Vector{1, 2}, DDQ: robot.Vector{9, 9}}
	c := robot.Command{Mode: robot.Position, Q: robot.Vector{5}, DQ: robot.Vector{1.5, 2, 7}}
	want := Sent{Mode: robot.Position, Q: robot.Vector{5}, DQ: robot.Vector{1.5, 2, 7}, DDQ: robot.Vector{5, 0}}
	if got := sent.Then(&c, 2, 100*time.Millisecond); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// TestRest holds what Rest keeps: the mode, the gripper, the position that was sent.
func TestRest(t *testing.T) {
	panda := robot.Panda()
	q := panda.Home
	measured := q
	measured[0] += 0.1
	for _, mode := range []robot.Mode{robot.Hold, robot.Velocity, robot.Position} {
		sent := Sent{Mode: mode, Q: q, DQ: oneOf(0, 0.1)}
		c, v := Rest(0.7, &sent, &measured, 7, tick, &panda.Limits)
		want := robot.Velocity
		if mode == robot.Position {
			want = robot.Position
		}
		if v.Refused != Accepted || c.Mode != want || c.Gripper != 0.7 || c.DQ != (robot.Vector{}) {
			t.Errorf("%v: %+v %+v", mode, c, v)
		}
		if mode == robot.Position && c.Q != q {
			t.Errorf("rests at %v, sent %v", c.Q, q)
		}
	}
	bad := Sent{Mode: robot.Position, DQ: oneOf(0, math.NaN())}
	if c, v := Rest(0, &bad, &q, 7, tick, &panda.Limits); v.Refused != NotFinite || c.Mode != robot.Hold {
		t.Errorf("what nobody sent: %+v %+v", c, v)
	}
}
