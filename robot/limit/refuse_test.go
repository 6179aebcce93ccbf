package limit

import (
	"fmt"
	"math"
	"testing"
	"time"

	"sim2reald/robot"
)

// TestRefuses holds each reason on both sides of its boundary.
func TestRefuses(t *testing.T) {
	type given struct {
		w    robot.Command
		sent Sent
		q    robot.Vector
		dt   time.Duration
		lim  robot.Limits
	}
	inf, nan := math.Inf(1), math.NaN()
	position := func(q float64) func(*given) {
		return func(g *given) { g.w.Mode, g.w.Q[1] = robot.Position, q }
	}
	followed := func(sent, measured, q float64) func(*given) {
		return func(g *given) {
			g.w.Mode, g.sent.Mode = robot.Position, robot.Position
			g.sent.Q[1], g.q[1], g.w.Q[1] = sent, measured, q
		}
	}
	cases := []struct {
		name string
		edit func(*given)
		want Reason
		who  uint16
	}{
		{"all well", func(*given) {}, Accepted, 0},
		{"no period", func(g *given) { g.dt = 0 }, BadPeriod, 0},
		{"a negative period", func(g *given) { g.dt = -time.Millisecond }, BadPeriod, 0},
		{"the longest period", func(g *given) { g.dt = 200 * time.Millisecond }, Accepted, 0},
		{"a longer one", func(g *given) { g.dt = 200*time.Millisecond + 1 }, BadPeriod, 0},
		{"the shortest period", func(g *given) { g.lim.DDDQMax[0] = 15.0 / 64 / 0.010 * 1.0000001 }, Accepted, 0},
		{"exactly the shortest", func(g *given) { g.dt, g.lim.DDDQMax[0] = time.Second/64, 15 }, Accepted, 0},
		{"a shorter one", func(g *given) { g.lim.DDDQMax[0] = 15.0 / 64 / 0.010 * 0.9999999 }, BadPeriod, 1},
		{"gripper NaN", func(g *given) { g.w.Gripper = nan }, NotFinite, 0},
		{"gripper infinite", func(g *given) { g.w.Gripper = inf }, NotFinite, 0},
		{"gripper open", func(g *given) { g.w.Gripper = 0 }, Accepted, 0},
		{"gripper closed", func(g *given) { g.w.Gripper = 1 }, Accepted, 0},
		{"gripper below open", func(g *given) { g.w.Gripper = -1e-9 }, OutOfRange, 0},
		{"gripper beyond closed", func(g *given) { g.w.Gripper = 1 + 1e-9 }, OutOfRange, 0},
		{"velocity NaN", func(g *given) { g.w.DQ[6] = nan }, NotFinite, 64},
		{"velocity infinite", func(g *given) { g.w.DQ[6] = -inf }, NotFinite, 64},
		{"two joints", func(g *given) { g.w.DQ[6], g.w.DQ[2] = nan, nan }, NotFinite, 64 + 4},
		{"two joints for different reasons", func(g *given) { g.w.DQ[6], g.w.DQ[2] = 1e30, nan }, NotFinite, 4},
		{"a joint that the robot has not", func(g *given) { g.w.DQ[7] = nan }, Accepted, 0},
		{"position NaN", func(g *given) { g.w.Q[1] = nan }, NotFinite, 2},
		{"measured NaN", func(g *given) { g.q[0] = nan }, NotFinite, 1},
		{"sent velocity NaN", func(g *given) { g.sent.DQ[0] = nan }, NotFinite, 1},
		{"sent acceleration infinite", func(g *given) { g.sent.DDQ[0] = inf }, NotFinite, 1},
		{"sent position NaN", func(g *given) { g.sent.Q[0] = nan }, NotFinite, 1},
		{"a wish to be clamped", func(g *given) { g.w.DQ[0] = 217.49 }, Accepted, 0},
		{"the last to be clamped", func(g *given) { g.w.DQ[0] = absurdFactor * g.lim.DQMax[0] }, Accepted, 0},
		{"an absurd one", func(g *given) { g.w.DQ[0] = 217.51 }, OutOfRange, 1},
		{"an absurd one backwards", func(g *given) { g.w.DQ[0] = -217.51 }, OutOfRange, 1},
		{"sent at full speed", func(g *given) { g.sent.DQ[0] = -2.175 }, Accepted, 0},
		{"sent as fast as rounding may take it", func(g *given) { g.sent.DQ[0] = 2.175 * (1 + 0.9e-9) }, Accepted, 0},
		{"sent faster than that", func(g *given) { g.sent.DQ[0] = 2.175 * (1 + 1.1e-9) }, BadSent, 1},
		{"sent at a very low full speed, and rounded", func(g *given) { g.lim.DQMax[0], g.sent.DQ[0] = 1e-5, 1e-5+0.9e-12 }, Accepted, 0},
		{"sent faster", func(g *given) { g.sent.DQ[0] = -2.1751 }, BadSent, 1},
		{"sent with full acceleration", func(g *given) { g.sent.DDQ[0] = 15 * (1 + 1e-10) }, Accepted, 0},
		{"sent with more", func(g *given) { g.sent.DDQ[0] = 15.001 }, BadSent, 1},
		{"no range", func(g *given) { g.lim.QMin[3] = g.lim.QMax[3] }, BadLimits, 8},
		{"no speed", func(g *given) { g.lim.DQMax[3] = 0 }, BadLimits, 8},
		{"no acceleration", func(g *given) { g.lim.DDQMax[3] = 0 }, BadLimits, 8},
		{"no jerk known", func(g *given) { g.lim.DDDQMax[3] = 0 }, Accepted, 0},
		{"negative jerk", func(g *given) { g.lim.DDDQMax[3] = -1 }, BadLimits, 8},
		{"negative taper", func(g *given) { g.lim.Taper.Decel[3] = -1 }, BadLimits, 8},
		{"negative offset", func(g *given) { g.lim.Taper.Offset[3] = -1 }, BadLimits, 8},
		{"limit NaN", func(g *given) { g.lim.QMax[3] = nan }, BadLimits, 8},
		{"limit infinite", func(g *given) { g.lim.DQMax[3] = inf }, BadLimits, 8},
		{"hold with NaN", func(g *given) { g.w.Mode, g.w.DQ[0] = robot.Hold, nan }, NotFinite, 1},
		{"first position near", position(-0.5 + 0.0199999), Accepted, 0},
		{"first position at the bound", func(g *given) { g.w.Mode, g.w.Q[0] = robot.Position, FirstWithin }, Accepted, 0},
		{"first position far", position(-0.5 - 0.0200001), FarFromArm, 2},
		{"position ahead", followed(-0.5, -0.5, -0.5+0.4349), Accepted, 0},
		{"position jumps", followed(-0.5, -0.5, -0.5-0.4351), Jump, 2},
		{"arm behind", followed(-0.5, -0.5+0.4349, -0.5), Accepted, 0},
		{"position at the bound", func(g *given) {
			g.w.Mode, g.sent.Mode, g.w.Q[0] = robot.Position, robot.Position, g.lim.DQMax[0]*LookAhead.Seconds()
		}, Accepted, 0},
		{"arm at the bound", func(g *given) {
			g.w.Mode, g.sent.Mode, g.q[0] = robot.Position, robot.Position, g.lim.DQMax[0]*LookAhead.Seconds()
		}, Accepted, 0},
		{"arm far behind", followed(-0.5, -0.5-0.4351, -0.5), FarFromArm, 2},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			g := given{w: robot.Command{Mode: robot.Velocity, Gripper: 0.5}, dt: tick, lim: robot.Panda().Limits}
			g.q = robot.Vector{0, -0.5, 0, -1.5, 0, 1.5, 0}
			g.w.Q, g.sent.Q = g.q, g.q
			c.edit(&g)
			got, v := Apply(g.w, &g.sent, &g.q, 7, g.dt, &g.lim)
			if v.Refused != c.want || v.Offending != c.who {
				t.Errorf("%v for joints %b, want %v for %b", v.Refused, v.Offending, c.want, c.who)
			}
			if v.Refused != Accepted && (got.Mode != robot.Hold || got.DQ != robot.Vector{} || got.Gripper < 0 || got.Gripper > 1) {
				t.Errorf("refused, and %+v goes out", got)
			}
		})
	}
}

func TestReasonsHaveNames(t *testing.T) {
	for r, want := range map[Reason]string{
		Accepted: "accepted", NotFinite: "not_finite", OutOfRange: "out_of_range", BadPeriod: "bad_period",
		BadLimits: "bad_limits", BadSent: "bad_sent", FarFromArm: "far_from_arm", Jump: "jump",
	} {
		if r.String() != want {
			t.Errorf("%d is named %s, want %s", r, r, want)
		}
	}
}

func TestHeldGripper(t *testing.T) {
	for given, want := range map[float64]float64{-1: 0, 0.25: 0.25, 7: 1, math.Inf(1): 1, math.Inf(-1): 0} {
		if got := heldGripper(given); got != want {
			t.Errorf("%g is held at %g, want %g", given, got, want)
		}
	}
	if got := heldGripper(math.NaN()); got != 0 {
		t.Errorf("NaN is held at %g, want 0", got)
	}
}

// FuzzApply gives one joint's numbers whatever they may be: what is let out is inside the limits, or a hold.
func FuzzApply(f *testing.F) {
	f.Add(uint8(1), 0.0, 0.3, 0.1, 0.0, 0.0, 0.0, 0.5, int64(time.Millisecond), uint8(0), uint8(0))
	f.Add(uint8(2), 0.01, 5.0, 0.1, 2.0, -15.0, 0.0, 0.5, int64(time.Millisecond), uint8(1), uint8(2))
	f.Add(uint8(1), math.NaN(), math.Inf(1), 1e30, -1e30, 1e300, 5e-324, math.NaN(), int64(-1), uint8(2), uint8(1))
	f.Fuzz(func(t *testing.T, mode uint8, q, dq, at, v, a, sentQ, gripper float64, dt int64, which, sentMode uint8) {
		names := robot.Names()
		m, _ := robot.ByName(names[int(which)%len(names)])
		w := robot.Command{Mode: robot.Mode(mode % 3), Q: m.Home, DQ: oneOf(0, dq), Gripper: gripper}
		sent := Sent{Mode: robot.Mode(sentMode % 3), Q: m.Home, DQ: oneOf(0, v), DDQ: oneOf(0, a)}
		measured := m.Home
		w.Q[0], measured[0], sent.Q[0] = q, at, sentQ
		got, verdict := Apply(w, &sent, &measured, m.N(), time.Duration(dt), &m.Limits)
		if err := checkLetOut(&got, verdict, &sent, time.Duration(dt).Seconds(), &m.Limits); err != nil {
			t.Error(err)
		}
	})
}

// checkLetOut holds what is true from any state, stoppable or not.
func checkLetOut(c *robot.Command, verdict Verdict, sent *Sent, h float64, l *robot.Limits) error {
	if verdict.Refused != Accepted || c.Mode == robot.Hold {
		if c.Mode != robot.Hold || c.DQ != (robot.Vector{}) || !(c.Gripper >= 0 && c.Gripper <= 1) {
			return fmt.Errorf("refused as %v, and %+v goes out", verdict.Refused, c)
		}
		return nil
	}
	if !c.DQ.Finite(7) || !c.Q.Finite(7) || !(c.Gripper >= 0 && c.Gripper <= 1) {
		return fmt.Errorf("not finite: %+v", c)
	}
	a := (c.DQ[0] - sent.DQ[0]) / h
	if math.Abs(a) > l.DDQMax[0]*(1+1e-6) {
		return fmt.Errorf("acceleration %g of %g", a, l.DDQMax[0])
	}
	if jerk := (a - sent.DDQ[0]) / h; math.Abs(jerk) > l.DDDQMax[0]*(1+1e-6) {
		return fmt.Errorf("jerk %g of %g", jerk, l.DDDQMax[0])
	}
	return nil
}
