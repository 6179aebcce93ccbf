package space

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"sim2reald/robot"
	"sim2reald/robot/limit"
)

// about is what rounding may take from a clearance, m.
const about = 1e-9

// arm does what it is told, and measures its clearance on the way.
type arm struct {
	s      *Space
	judge  *Space // the same, asked apart
	lim    robot.Limits
	n      int
	dt     time.Duration
	tick   time.Duration // of a bridge that ramps between commands; 0 for one that does not
	blind  time.Duration
	q      robot.Vector
	sent   limit.Sent
	least  float64 // m, the least clearance that was seen
	slowed int
}

func newArm(t *testing.T, name string, dt, tick, blind time.Duration) *arm {
	m, _ := robot.ByName(name)
	small := func(c *Config) {
		c.Margin, c.Blind, c.Ramps = 0.02, blind, tick > 0
		c.Box = Box{Min: [3]float64{-0.45, -0.5, 0.02}, Max: [3]float64{0.75, 0.6, 0.95}}
		if name == "sawyer" {
			c.Box = Box{Min: [3]float64{-0.3, -0.6, -0.1}, Max: [3]float64{1.05, 0.7, 0.95}}
		}
	}
	a := &arm{s: spaceOf(t, name, small), judge: spaceOf(t, name, small), lim: m.Limits, n: m.N(), dt: dt, tick: tick, blind: blind, q: m.Home, least: math.Inf(1)}
	if a.room() < 0 {
		t.Fatalf("%s stands outside at home: %v, %v", name, a.judge.box, a.judge.self)
	}
	return a
}

func (a *arm) room() float64 {
	box, self := a.judge.Look(&a.q)
	return min(box.M, self.M)
}

// moves goes along at velocities dq for the period, and notes the clearance.
func (a *arm) moves(dq robot.Vector, before robot.Vector) {
	const parts = 4
	ticks, h := parts, a.dt.Seconds()/parts
	if a.tick > 0 {
		ticks, h = int(a.dt/a.tick), a.tick.Seconds()
	}
	v := dq
	if a.tick > 0 {
		v = before
	}
	for range ticks {
		for j := range a.n {
			reach := a.lim.DDQMax[j] * h
			v[j] += min(max(dq[j]-v[j], -reach), reach)
			a.q[j] += v[j] * h
		}
		a.least = min(a.least, a.room())
	}
}

// obeys a command.
func (a *arm) obeys(c *robot.Command) {
	a.moves(c.DQ, a.sent.DQ)
	a.sent = a.sent.Then(c, a.n, a.dt)
}

// rests stops each joint by itself, as a bridge does.
func (a *arm) rests() error {
	for range 2000 {
		if a.sent.DQ == (robot.Vector{}) {
			return nil
		}
		c, v := limit.Rest(0, &a.sent, &a.q, a.n, a.dt, &a.lim)
		if v.Refused != limit.Accepted {
			return fmt.Errorf("rest refused: %v", v.Refused)
		}
		a.obeys(&c)
	}
	return fmt.Errorf("not at rest: %v", a.sent.DQ)
}

// abandoned goes on for as long as the bridge does without a daemon, and then stops.
func (a *arm) abandoned() error {
	for at := a.dt; at <= a.blind; at += a.dt {
		c := robot.Command{Mode: robot.Velocity, DQ: a.sent.DQ}
		for j := range a.n { // where its own range ends, the bridge's limiter stops a joint
			if ahead := a.q[j] + c.DQ[j]*a.dt.Seconds(); ahead > a.lim.QMax[j] || ahead < a.lim.QMin[j] {
				return a.rests()
			}
		}
		a.obeys(&c)
	}
	return a.rests()
}

// tempter wants one thing for a while: anything, or to where it is narrow.
type tempter struct {
	rng  *rand.Rand
	kind int
	at   robot.Vector
}

func (w *tempter) wish(a *arm) robot.Command {
	if w.rng.IntN(60) == 0 {
		w.kind = w.rng.IntN(4)
		for j := range a.n {
			w.at[j] = 2*w.rng.Float64() - 1
		}
		if w.kind == 0 {
			w.at = w.narrower(a)
		}
	}
	c := robot.Command{Mode: robot.Velocity}
	for j := range a.n {
		switch w.kind {
		case 0, 1:
			c.DQ[j] = 3 * w.at[j] * a.lim.DQMax[j]
		case 2:
			c.DQ[j] = a.lim.DQMax[j] * (2*w.rng.Float64() - 1)
		default:
			c.DQ[j] = 0.2 * w.at[j] * a.lim.DQMax[j]
		}
	}
	return c
}

// narrower is the direction in which the clearance falls fastest.
func (w *tempter) narrower(a *arm) robot.Vector {
	here, q := a.room(), a.q
	var out robot.Vector
	for j := range a.n {
		a.q[j] += 1e-4
		out[j] = math.Copysign(1, here-a.room())
		a.q = q
	}
	return out
}

// walk tempts the arm, and now and then lets it stop in one of the ways it may have to, wherever it is.
func (a *arm) walk(rng *rand.Rand, steps int) error {
	w := tempter{rng: rng}
	for step := range steps {
		wanted := w.wish(a)
		allowed, v := limit.Apply(wanted, &a.sent, &a.q, a.n, a.dt, &a.lim)
		if v.Refused != limit.Accepted {
			return fmt.Errorf("step %d: refused: %v of %b", step, v.Refused, v.Offending)
		}
		c, verdict := a.s.Apply(allowed, &a.sent, &a.q, a.dt, &a.lim)
		if verdict.Restrained {
			a.slowed++
		}
		before := a.sent
		a.obeys(&c)
		if j := a.beyond(&before); j >= 0 {
			return fmt.Errorf("step %d: joint %d is beyond its own limits: %+v after %+v at %v", step, j, a.sent, before, a.q)
		}
		err := error(nil)
		switch rng.IntN(400) {
		case 0:
			err = a.rests()
		case 1:
			err = a.abandoned()
		}
		if err != nil || a.least < -about {
			return fmt.Errorf("step %d: clearance %g m at %v: %v (%v)", step, a.least, a.q, err, [2]Room{a.judge.box, a.judge.self})
		}
	}
	return nil
}

// beyond is a joint that its own limits have been taken from by what slowed it, -1 for none. A bridge that ramps has its own.
func (a *arm) beyond(before *limit.Sent) int {
	const most = 1 + 1e-9
	for j := range a.n {
		jerk := math.Abs(a.sent.DDQ[j]-before.DDQ[j]) / a.dt.Seconds()
		outside := a.tick == 0 && (a.q[j] > a.lim.QMax[j]+about || a.q[j] < a.lim.QMin[j]-about)
		if outside || math.Abs(a.sent.DQ[j]) > a.lim.DQMax[j]*most || math.Abs(a.sent.DDQ[j]) > a.lim.DDQMax[j]*most || jerk > a.lim.DDDQMax[j]*most {
			return j
		}
	}
	return -1
}

// TestNeverOutside drives arms that do as they are told with random and adversarial wishes, and stops them in every way:
// all joints alike, each by itself, and after the time that a bridge goes on without a daemon. LIMIT_STEPS is how many
// wishes in all, twelve thousand by itself. It prints the least clearance that was seen.
func TestNeverOutside(t *testing.T) {
	steps := stepsWanted(t)
	for _, name := range robot.Names() {
		for _, k := range []struct {
			dt, tick, blind time.Duration
			share           int // of steps, in tenths
		}{
			{10 * time.Millisecond, 0, 200 * time.Millisecond, 5}, {10 * time.Millisecond, 0, 0, 1},
			{80 * time.Millisecond, 10 * time.Millisecond, 0, 2}, {time.Millisecond, 0, 200 * time.Millisecond, 2},
		} {
			t.Run(fmt.Sprintf("%s/%s/blind %s", name, k.dt, k.blind), func(t *testing.T) {
				a, n := newArm(t, name, k.dt, k.tick, k.blind), steps*k.share/10/3
				if err := a.walk(rand.New(rand.NewPCG(3, uint64(k.dt))), n); err != nil {
					t.Error(err)
				}
				t.Logf("%d wishes, %d of them slowed, least clearance %.5f m", n, a.slowed, a.least)
				enough := time.Duration(n)*k.dt > 20*time.Second // a shorter walk need not get anywhere
				if enough && (a.slowed < n/20 || a.least > 0.01) {
					t.Errorf("the walk never came near anything: %d slowed, least clearance %g m", a.slowed, a.least)
				}
			})
		}
	}
}

func stepsWanted(t *testing.T) int {
	text, ok := os.LookupEnv("LIMIT_STEPS")
	switch {
	case !ok && raceEnabled:
		return 3000
	case !ok:
		return 12_000
	}
	steps, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("LIMIT_STEPS %q is no number of steps", text)
	}
	return steps
}
