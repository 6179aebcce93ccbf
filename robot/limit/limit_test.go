package limit

import (
	"math"
	"testing"
	"time"

	"sim2reald/robot"
)

const tick = 10 * time.Millisecond

func TestApply(t *testing.T) {
	panda := robot.Panda()
	home := robot.Vector{0, -math.Pi / 4, 0, -3 * math.Pi / 4, 0, math.Pi / 2, math.Pi / 4}
	atEnd := home
	atEnd[1] = panda.Limits.QMax[1]
	at := func(q float64) robot.Vector { v := home; v[1] = q; return v }
	beyond := func(by float64) robot.Vector { return at(panda.Limits.QMax[1] + by) }
	below := func(by float64) robot.Vector { return at(panda.Limits.QMin[1] - by) }
	moving := func(j int, v float64) robot.Command {
		c := robot.Command{Mode: robot.Velocity}
		c.DQ[j] = v
		return c
	}
	cases := []struct {
		name     string
		wanted   robot.Command
		previous robot.Vector
		q        robot.Vector
		dt       time.Duration
		want     float64 // of joint 1 (index)
		verdict  Verdict
	}{
		{"slow passes", moving(1, 0.05), robot.Vector{}, home, tick, 0.05, Verdict{}},
		{"sudden is rate limited", moving(1, 1), robot.Vector{}, home, tick, 0.075, Verdict{RateLimited: 2}},
		{"too fast is clamped", moving(1, 3), robot.Vector{0, 2.16}, home, tick, 2.175, Verdict{Clamped: 2}},
		{"at its end it stays", moving(1, 0.05), robot.Vector{}, atEnd, tick, 0, Verdict{Clamped: 2}},
		{"away from its end it may", moving(1, -0.05), robot.Vector{}, atEnd, tick, -0.05, Verdict{}},
		{"outside its range it may not go on", moving(1, 0.05), robot.Vector{}, beyond(0.001), tick, 0, Verdict{Clamped: 2}},
		{"a little outside it comes back", moving(1, -1), robot.Vector{0, -1}, beyond(0.0199), tick, -1, Verdict{}},
		{"farther outside slowly", moving(1, -1), robot.Vector{0, -0.2175}, beyond(0.0201), tick, -0.2175, Verdict{Clamped: 2}},
		{"outside below it comes back", moving(1, 1), robot.Vector{0, 1}, below(0.0199), tick, 1, Verdict{}},
		{"farther outside below slowly", moving(1, 1), robot.Vector{0, 0.2175}, below(0.0201), tick, 0.2175, Verdict{Clamped: 2}},
		{"room for 0.75 rad/s and a stop", moving(1, 1), robot.Vector{0, 0.75}, beyond(-0.045), tick, 0.75, Verdict{Clamped: 2}},
		{"the same downwards", moving(1, -1), robot.Vector{0, -0.75}, below(-0.045), tick, -0.75, Verdict{Clamped: 2}},
		{"too fast for its room it brakes as hard as it may", moving(1, 1), robot.Vector{0, 1}, beyond(-0.045), tick, 0.925, Verdict{Clamped: 2, RateLimited: 2}},
		{"NaN is refused", moving(1, math.NaN()), robot.Vector{0, 0.5}, home, tick, 0, Verdict{Refused: NotFinite, Offending: 2}},
		{"infinity is refused", moving(1, math.Inf(-1)), robot.Vector{}, home, tick, 0, Verdict{Refused: NotFinite, Offending: 2}},
		{"1e30 is refused", moving(1, 1e30), robot.Vector{}, home, tick, 0, Verdict{Refused: OutOfRange, Offending: 2}},
		{"NaN measured is refused", moving(1, 0), robot.Vector{}, robot.Vector{math.NaN()}, tick, 0, Verdict{Refused: NotFinite, Offending: 1}},
		{"no period is refused", moving(1, 0), robot.Vector{}, home, 0, 0, Verdict{Refused: BadPeriod}},
		{"a long period is refused", moving(1, 0), robot.Vector{}, home, time.Second, 0, Verdict{Refused: BadPeriod}},
		{"gripper out of range", robot.Command{Mode: robot.Velocity, Gripper: 1.5}, robot.Vector{}, home, tick, 0, Verdict{Refused: OutOfRange}},
		{"hold passes", robot.Command{Mode: robot.Hold, DQ: robot.Vector{9, 9}}, robot.Vector{}, home, tick, 0, Verdict{}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, verdict := Apply(c.wanted, &Sent{Mode: robot.Velocity, DQ: c.previous}, &c.q, 7, c.dt, &panda.Limits)
			if math.Abs(got.DQ[1]-c.want) > 1e-12 || verdict != c.verdict {
				t.Errorf("got %v %+v, want %v %+v", got.DQ[1], verdict, c.want, c.verdict)
			}
			if verdict.Refused != Accepted && got.Mode != robot.Hold {
				t.Error("a refused command must come back as a hold")
			}
		})
	}
}

func BenchmarkApply(b *testing.B) {
	fr3 := robot.FR3()
	near := fr3.Home
	near[0], near[4] = fr3.Limits.QMax[0]-0.1, fr3.Limits.QMax[4]-0.1
	fast := robot.Vector{1, 1, 1, 1, 1, 1, 1}
	for _, bench := range []struct {
		name   string
		dt     time.Duration
		sent   Sent
		wanted robot.Command
	}{
		{"velocity/10ms", tick, Sent{}, robot.Command{Mode: robot.Velocity, DQ: fast}},
		{"velocity/1ms", time.Millisecond, Sent{Mode: robot.Velocity, DQ: fast}, robot.Command{Mode: robot.Velocity, DQ: robot.Vector{1, 2, 1, 0, 2, 3, 1}}},
		{"position/1ms", time.Millisecond, Sent{Mode: robot.Position, Q: near, DQ: fast}, robot.Command{Mode: robot.Position, Q: near, DQ: fast}},
	} {
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, v := Apply(bench.wanted, &bench.sent, &near, 7, bench.dt, &fr3.Limits); v.Refused != Accepted {
					b.Fatal(v.Refused)
				}
			}
		})
	}
}
