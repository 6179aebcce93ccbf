package limit

import (
	"math"
	"math/rand/v2"
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
		{"NaN is refused", moving(1, math.NaN()), robot.Vector{0, 0.5}, home, tick, 0, Verdict{Refused: NotFinite}},
		{"infinity is refused", moving(1, math.Inf(-1)), robot.Vector{}, home, tick, 0, Verdict{Refused: NotFinite}},
		{"1e30 is refused", moving(1, 1e30), robot.Vector{}, home, tick, 0, Verdict{Refused: OutOfRange}},
		{"NaN measured is refused", moving(1, 0), robot.Vector{}, robot.Vector{math.NaN()}, tick, 0, Verdict{Refused: NotFinite}},
		{"no period is refused", moving(1, 0), robot.Vector{}, home, 0, 0, Verdict{Refused: BadPeriod}},
		{"a long period is refused", moving(1, 0), robot.Vector{}, home, time.Second, 0, Verdict{Refused: BadPeriod}},
		{"gripper out of range", robot.Command{Mode: robot.Velocity, Gripper: 1.5}, robot.Vector{}, home, tick, 0, Verdict{Refused: OutOfRange}},
		{"hold passes", robot.Command{Mode: robot.Hold, DQ: robot.Vector{9, 9}}, robot.Vector{}, home, tick, 0, Verdict{}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, verdict := Apply(c.wanted, &c.previous, &c.q, 7, c.dt, &panda.Limits)
			if math.Abs(got.DQ[1]-c.want) > 1e-12 || verdict != c.verdict {
				t.Errorf("got %v %+v, want %v %+v", got.DQ[1], verdict, c.want, c.verdict)
			}
			if verdict.Refused != Accepted && got.Mode != robot.Hold {
				t.Error("a refused command must come back as a hold")
			}
		})
	}
}

// TestNeverOutside drives a perfect velocity follower with random and adversarial wishes and asserts that no
// velocity, acceleration or position limit is passed by more than rounding.
func TestNeverOutside(t *testing.T) {
	steps := 2_000_000
	if testing.Short() {
		steps = 100_000
	}
	panda := robot.Panda()
	rng := rand.New(rand.NewPCG(1, 2))
	for _, dt := range []time.Duration{time.Millisecond, tick, 80 * time.Millisecond} {
		walk(t, rng, steps/3, dt, panda.Limits, panda.N())
	}
}

func walk(t *testing.T, rng *rand.Rand, steps int, dt time.Duration, lim robot.Limits, n int) {
	t.Helper()
	q := robot.Vector{0, -0.5, 0, -1.5, 0, 1.5, 0}
	var previous robot.Vector
	wish := make([]int, n)
	for step := range steps {
		wanted := robot.Command{Mode: robot.Velocity}
		for j := range n {
			if rng.IntN(20) == 0 {
				wish[j] = rng.IntN(4)
			}
			wanted.DQ[j] = adversary(rng, wish[j], lim.DQMax[j])
		}
		got, verdict := Apply(wanted, &previous, &q, n, dt, &lim)
		if verdict.Refused != Accepted {
			t.Fatalf("step %d: refused %v", step, verdict.Refused)
		}
		assertInside(t, step, &got.DQ, &previous, &q, n, dt.Seconds(), &lim)
		previous = got.DQ
		for j := range n {
			q[j] += got.DQ[j] * dt.Seconds()
		}
	}
}

func adversary(rng *rand.Rand, kind int, dqMax float64) float64 {
	switch kind {
	case 0:
		return 10 * dqMax
	case 1:
		return -10 * dqMax
	case 2:
		return dqMax * (2*rng.Float64() - 1)
	default:
		return 0
	}
}

func assertInside(t *testing.T, step int, dq, previous, q *robot.Vector, n int, dt float64, lim *robot.Limits) {
	t.Helper()
	const eps = 1e-9
	for j := range n {
		next := q[j] + dq[j]*dt
		switch {
		case math.Abs(dq[j]) > lim.DQMax[j]+eps:
			t.Fatalf("step %d joint %d: velocity %v passes %v", step, j, dq[j], lim.DQMax[j])
		case math.Abs(dq[j]-previous[j]) > lim.DDQMax[j]*dt+eps:
			t.Fatalf("step %d joint %d: acceleration passes its limit", step, j)
		case next > lim.QMax[j]+eps || next < lim.QMin[j]-eps:
			t.Fatalf("step %d joint %d: position %v leaves [%v, %v]", step, j, next, lim.QMin[j], lim.QMax[j])
		}
	}
}

func BenchmarkApply(b *testing.B) {
	panda := robot.Panda()
	home := robot.Vector{0, -math.Pi / 4, 0, -3 * math.Pi / 4, 0, math.Pi / 2, math.Pi / 4}
	wanted := robot.Command{Mode: robot.Velocity, DQ: robot.Vector{1, 1, 1, 1, 1, 1, 1}}
	b.ReportAllocs()
	for b.Loop() {
		Apply(wanted, &home, &home, 7, tick, &panda.Limits)
	}
}
