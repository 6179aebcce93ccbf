package limit

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"sim2reald/robot"
)

// ratios are the largest parts of their limits that position (of half the range from its middle), speed,
// acceleration and jerk have reached.
type ratios struct{ position, speed, acceleration, jerk float64 }

// most is what rounding may add to 1.
const most = 1 + 1e-9

func (r ratios) inside() bool {
	return r.position <= most && r.speed <= most && r.acceleration <= most && r.jerk <= most
}

func (r *ratios) widen(o ratios) {
	r.position, r.speed = max(r.position, o.position), max(r.speed, o.speed)
	r.acceleration, r.jerk = max(r.acceleration, o.acceleration), max(r.jerk, o.jerk)
}

// arm does what it is told, and measures of every command how near its limits it is.
type arm struct {
	lim  robot.Limits
	n    int
	dt   time.Duration
	q    robot.Vector
	sent Sent
	max  ratios
}

func armOf(m robot.Model, dt time.Duration) *arm {
	return &arm{lim: m.Limits, n: m.N(), dt: dt, q: m.Home}
}

// obey follows a command and returns how near the limits it came.
func (a *arm) obey(c *robot.Command) ratios {
	next := a.sent.Then(c, a.n, a.dt)
	var r ratios
	for j := range a.n {
		r.widen(a.measure(c, &next, j))
		a.q[j] += c.DQ[j] * a.dt.Seconds()
	}
	a.sent = next
	a.max.widen(r)
	return r
}

// measure judges one joint on its own, by the maker's numbers and nothing of the limiter's.
func (a *arm) measure(c *robot.Command, next *Sent, j int) ratios {
	h, l := a.dt.Seconds(), &a.lim
	q, v := a.q[j]+c.DQ[j]*h, c.DQ[j]
	middle, half := (l.QMax[j]+l.QMin[j])/2, (l.QMax[j]-l.QMin[j])/2
	fastest := l.Speed(j, l.QMax[j]-q)
	if v < 0 {
		fastest = l.Speed(j, q-l.QMin[j])
	}
	r := ratios{position: math.Abs(q-middle) / half, acceleration: math.Abs(next.DDQ[j]) / l.DDQMax[j]}
	if v != 0 { // the taper ends in zero: an excess there counts by the untapered speed
		r.speed = max(math.Abs(v)/l.DQMax[j], 1+(math.Abs(v)-fastest)/l.DQMax[j])
	}
	if l.DDDQMax[j] > 0 {
		r.jerk = math.Abs(next.DDQ[j]-a.sent.DDQ[j]) / h / l.DDDQMax[j]
	}
	return r
}

// tempter wishes for what breaks limits: each joint keeps a kind of wish for a while.
type tempter struct {
	rng  *rand.Rand
	kind [robot.MaxJoints]int
	at   robot.Vector
}

func (w *tempter) velocity(a *arm) robot.Command {
	c := robot.Command{Mode: robot.Velocity}
	for j := range a.n {
		if w.rng.IntN(50) == 0 {
			w.kind[j], w.at[j] = w.rng.IntN(7), 2*w.rng.Float64()-1
		}
		c.DQ[j] = w.speed(j, a.lim.DQMax[j])
	}
	return c
}

func (w *tempter) speed(j int, dqMax float64) float64 {
	switch w.kind[j] {
	case 0:
		return 50 * dqMax
	case 1:
		return -50 * dqMax
	case 2: // another wish each time
		return 1.2 * dqMax * (2*w.rng.Float64() - 1)
	case 3: // up and down
		return dqMax * float64(1-2*w.rng.IntN(2))
	case 4:
		return dqMax * w.at[j]
	case 5:
		return math.Copysign(dqMax, w.at[j])
	default:
		return 0
	}
}

// position wishes for places within reach of where the arm is sent, beyond the range's ends among them.
func (w *tempter) position(a *arm) robot.Command {
	c := robot.Command{Mode: robot.Position}
	reach := LookAhead.Seconds()
	if a.sent.Mode != robot.Position {
		reach = 0
	}
	for j := range a.n {
		if w.rng.IntN(200) == 0 {
			w.kind[j], w.at[j] = w.rng.IntN(4), 2*w.rng.Float64()-1
		}
		ahead := w.at[j]
		if w.kind[j] == 0 {
			ahead = 2*w.rng.Float64() - 1
		}
		c.Q[j] = a.q[j] + 0.99*ahead*reach*a.lim.DQMax[j]
		if w.kind[j] > 1 {
			c.DQ[j] = float64(w.kind[j]-1) * a.lim.DQMax[j] * (2*w.rng.Float64() - 1)
		}
	}
	return c
}

// walk tempts the arm for some steps, and now and then brings it to rest: whatever state it is in, that ends
// within the limits as well. Of several modes it changes between them in motion.
func (a *arm) walk(rng *rand.Rand, steps int, modes ...robot.Mode) error {
	w, mode := tempter{rng: rng}, modes[0]
	for step := 0; step < steps; step++ {
		if rng.IntN(100) == 0 {
			mode = modes[rng.IntN(len(modes))]
		}
		wanted := w.velocity(a)
		if mode == robot.Position {
			wanted = w.position(a)
		}
		c, v := Apply(wanted, &a.sent, &a.q, a.n, a.dt, &a.lim)
		if v.Refused != Accepted {
			return fmt.Errorf("step %d: refused: %v for joints %b", step, v.Refused, v.Offending)
		}
		if r := a.obey(&c); !r.inside() {
			return fmt.Errorf("step %d: outside by %+v: q %v dq %v", step, r, a.q, c.DQ)
		}
		if rng.IntN(2000) == 0 {
			n, err := a.rest()
			if err != nil {
				return fmt.Errorf("step %d: %w", step, err)
			}
			step += n
		}
	}
	return nil
}

// rest brings the arm to rest and returns in how many steps.
func (a *arm) rest() (int, error) {
	slowest := 0.0
	for j := range a.n {
		slowest = max(slowest, a.lim.DQMax[j]/a.lim.DDQMax[j])
	}
	bound := int(slowest/a.dt.Seconds()) + 20
	for n := range bound {
		if a.sent.DQ == (robot.Vector{}) {
			return n, nil
		}
		c, v := Rest(0, &a.sent, &a.q, a.n, a.dt, &a.lim)
		if v.Refused != Accepted {
			return n, fmt.Errorf("rest refused: %v", v.Refused)
		}
		if r := a.obey(&c); !r.inside() {
			return n, fmt.Errorf("a stop went outside: %+v", r)
		}
	}
	return bound, fmt.Errorf("not at rest after %d steps: %v", bound, a.sent.DQ)
}

// TestNeverOutside drives arms that do as they are told with random and adversarial wishes. LIMIT_STEPS is how many
// in all, a million by itself (a tenth under the race detector); each step is a command for all seven joints. It prints the largest part of its
// limit that each quantity reached.
func TestNeverOutside(t *testing.T) {
	steps := stepsWanted(t)
	kinds := []struct {
		dt    time.Duration
		share int // of steps, in sixteenths
	}{{500 * time.Microsecond, 1}, {time.Millisecond, 8}, {3 * time.Millisecond, 1}, {10 * time.Millisecond, 4}, {80 * time.Millisecond, 2}}
	for _, name := range robot.Names() {
		for _, mode := range []robot.Mode{robot.Velocity, robot.Position} {
			for _, k := range kinds {
				t.Run(fmt.Sprintf("%s/%s/%s", name, mode, k.dt), func(t *testing.T) {
					m, _ := robot.ByName(name)
					a := armOf(m, k.dt)
					if err := a.walk(rand.New(rand.NewPCG(1, uint64(k.dt))), steps*k.share/16/6, mode); err != nil {
						t.Error(err)
					}
					t.Logf("largest parts of the limits: %+v", a.max)
				})
			}
		}
	}
}

// TestNeverOutsideBetweenModes changes between velocity and position in motion.
func TestNeverOutsideBetweenModes(t *testing.T) {
	for _, name := range robot.Names() {
		m, _ := robot.ByName(name)
		for _, dt := range []time.Duration{time.Millisecond, tick} {
			a := armOf(m, dt)
			if err := a.walk(rand.New(rand.NewPCG(8, 9)), 20_000, robot.Velocity, robot.Position); err != nil {
				t.Errorf("%s, %v: %v", name, dt, err)
			}
		}
	}
}

func stepsWanted(t *testing.T) int {
	text, ok := os.LookupEnv("LIMIT_STEPS")
	switch {
	case !ok && raceEnabled: // which slows it tenfold and finds nothing here
		return 100_000
	case !ok:
		return 1_000_000
	}
	steps, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("LIMIT_STEPS %q is no number of steps", text)
	}
	return steps
}
