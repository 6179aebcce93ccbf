package kinematics

import (
	"math"
	"math/rand/v2"
	"testing"

	"sim2reald/robot"
)

// solvers are the arms with their makers' limits, drawn to a pose that they are usually in.
func solvers(t testing.TB) []*Solver {
	t.Helper()
	panda := robot.Vector{0, -math.Pi / 4, 0, -3 * math.Pi / 4, 0, math.Pi / 2, math.Pi / 4}
	sawyer := robot.Vector{0, -1.18, 0, 2.18, 0, 0.57, 3.3161}
	var out []*Solver
	for _, c := range []struct {
		chain   Chain
		limits  robot.Limits
		posture robot.Vector
	}{
		{Panda(), robot.Panda().Limits, panda}, {Sawyer(), robot.Sawyer().Limits, sawyer},
		{SawyerMoMa(), robot.Sawyer().Limits, sawyer},
	} {
		chain, err := c.chain.WithTool(Point{0, 0, 0.15})
		if err != nil {
			t.Fatal(err)
		}
		s, err := NewSolver(chain, c.limits, c.posture)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, s)
	}
	return out
}

// anyTwist draws one of at most 0.2 m/s and 0.5 rad/s.
func anyTwist(rng *rand.Rand) Twist {
	var t Twist
	for i := range t {
		t[i] = (0.2 + 0.3*float64(i/3)) * (2*rng.Float64() - 1)
	}
	return t
}

// near draws a pose within spread rad of the posture.
func near(rng *rand.Rand, s *Solver, spread float64) robot.Vector {
	q := s.Posture
	for j := range s.Chain.N() {
		q[j] += spread * (2*rng.Float64() - 1)
	}
	return q
}

func velocity(t *testing.T, s *Solver, q *robot.Vector, twist *Twist) (Motion, Jacobian) {
	t.Helper()
	m, err := s.Velocity(q, twist)
	if err != nil {
		t.Fatal(err)
	}
	var jac Jacobian
	if _, err := s.Chain.Jacobian(q, &jac); err != nil {
		t.Fatal(err)
	}
	return m, jac
}

// TestVelocityIsExactWhereTheArmIsFree: about its usual pose, no joint near its end, the tool moves as asked, or
// slower in the same direction.
func TestVelocityIsExactWhereTheArmIsFree(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 1))
	slowed, singular := 0, 0
	for _, s := range solvers(t) {
		for range 2000 {
			q, twist := near(rng, s, 0.4), anyTwist(rng)
			m, jac := velocity(t, s, &q, &twist)
			if smallest(&jac, s.Chain.N()) < velocityFloor {
				singular++
				continue
			}
			if m.Stopped != 0 {
				t.Fatalf("%s: joints %b stopped at %v", s.Chain.Name, m.Stopped, q)
			}
			if m.Scale < 1 {
				slowed++
			}
			for i, x := range jac.Twist(&m.DQ, s.Chain.N()) {
				if math.Abs(x-m.Scale*twist[i]) > 1e-12 {
					t.Fatalf("%s: twist %d is %g, asked for %g, scale %g", s.Chain.Name, i, x, twist[i], m.Scale)
				}
			}
		}
	}
	if slowed == 0 || slowed > 1000 || singular > 20 {
		t.Errorf("of 6000 motions %d were slowed, %d singular: the case does not show what it should", slowed, singular)
	}
}

// TestVelocityKeepsEveryLimit drives a perfect follower with random twists, held for two seconds each,
// from anywhere in the joints' ranges, singularities and ends included.
func TestVelocityKeepsEveryLimit(t *testing.T) {
	const dt = 0.08
	rng := rand.New(rand.NewPCG(3, 1))
	stopped, slowed := 0, 0
	for _, s := range solvers(t) {
		n := s.Chain.N()
		for range 100 {
			q, twist := anyPose(rng, &s.Limits, n), Twist{}
			for step := range 100 {
				if step%25 == 0 {
					twist = anyTwist(rng)
					for i := range twist {
						twist[i] *= 3
					}
				}
				m, _ := velocity(t, s, &q, &twist)
				for j := range n {
					q[j] += dt * m.DQ[j]
					if math.Abs(m.DQ[j]) > s.Limits.DQMax[j]+1e-12 || q[j] > s.Limits.QMax[j]+1e-12 || q[j] < s.Limits.QMin[j]-1e-12 {
						t.Fatalf("%s joint %d: %g rad/s to %g rad", s.Chain.Name, j, m.DQ[j], q[j])
					}
				}
				if m.Stopped != 0 {
					stopped++
				}
				if m.Scale < 1 {
					slowed++
				}
			}
		}
	}
	if stopped < 1000 || slowed < 1000 {
		t.Errorf("%d steps with a joint at its end and %d slowed of 30000: the case does not show what it should", stopped, slowed)
	}
}

// TestVelocityNearSingularities: an arm stretched out, or with its wrist straight, cannot move its tool some ways,
// and spends no more than 1/floor rad/s on trying, before any speed limit.
func TestVelocityNearSingularities(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 1))
	for _, s := range solvers(t) {
		n, near := s.Chain.N(), 0
		s.Limits.DQMax = robot.Vector{1e6, 1e6, 1e6, 1e6, 1e6, 1e6, 1e6}
		for range 5000 {
			q, twist := anyPose(rng, &s.Limits, n), anyTwist(rng)
			for _, j := range []int{3, 5} { // elbow and wrist: straight where the range allows it
				if rng.IntN(2) == 0 {
					q[j] = min(max(0.02*rng.NormFloat64(), s.Limits.QMin[j]), s.Limits.QMax[j])
				}
			}
			m, jac := velocity(t, s, &q, &twist)
			if smallest(&jac, n) < velocityFloor {
				near++
			}
			if most := norm(twist[:])/velocityFloor + norm(s.Posture[:]); m.Stopped == 0 && norm(m.DQ[:n]) > most {
				t.Fatalf("%s at %v: %g rad/s for a twist of %g", s.Chain.Name, q, norm(m.DQ[:n]), norm(twist[:]))
			}
		}
		if near < 500 {
			t.Errorf("%s: %d of 5000 poses were singular", s.Chain.Name, near)
		}
	}
}

func smallest(jac *Jacobian, n int) float64 {
	d := damped{n: n, jac: jac}
	for j := range n {
		d.free[j] = true
	}
	d.factor()
	low := math.Inf(1)
	for _, v := range d.values {
		low = min(low, math.Sqrt(max(v, 0)))
	}
	return low
}

func norm(v []float64) float64 {
	sum := 0.0
	for _, x := range v {
		sum += x * x
	}
	return math.Sqrt(sum)
}

// TestAStoppedJointIsReplaced: at the end of a joint's range the other six still move the tool as asked.
func TestAStoppedJointIsReplaced(t *testing.T) {
	replaced := 0
	rng := rand.New(rand.NewPCG(5, 1))
	for _, s := range solvers(t) {
		n := s.Chain.N()
		for range 1000 {
			q, twist := near(rng, s, 0.3), anyTwist(rng)
			s.Limits.QMax[2] = q[2] + 0.001
			m, jac := velocity(t, s, &q, &twist)
			if m.DQ[2] > approach*0.001+1e-12 {
				t.Fatalf("joint 2 goes %g rad/s with 1 mrad of room", m.DQ[2])
			}
			if m.Stopped != 1<<2 || m.Scale < 1 {
				continue
			}
			replaced++
			for i, x := range jac.Twist(&m.DQ, n) {
				if d := damped6(&jac, 2, n); d > velocityFloor && math.Abs(x-twist[i]) > 1e-9 {
					t.Fatalf("%s: twist %d is %g, asked for %g", s.Chain.Name, i, x, twist[i])
				}
			}
		}
	}
	if replaced < 500 {
		t.Errorf("only %d of 3000 motions went without joint 2", replaced)
	}
}

// damped6 is the smallest singular value of the arm without a joint.
func damped6(jac *Jacobian, without, n int) float64 {
	less := *jac
	for i := range less {
		less[i][without] = 0
	}
	return smallest(&less, n)
}

// TestPostureIsDrawnWithoutMovingTheTool: a tool asked to stand still does, while the elbow comes home.
func TestPostureIsDrawnWithoutMovingTheTool(t *testing.T) {
	const dt = 0.01
	for _, s := range solvers(t) {
		n := s.Chain.N()
		var jac Jacobian
		q := s.Posture
		if _, err := s.Chain.Jacobian(&q, &jac); err != nil {
			t.Fatal(err)
		}
		q = wander(t, s, q, 0.5)
		from, err := s.Chain.Forward(&q)
		if err != nil {
			t.Fatal(err)
		}
		before := away(&q, &s.Posture, n)
		for range 1000 {
			m, _ := velocity(t, s, &q, &Twist{})
			for j := range n {
				q[j] += dt * m.DQ[j]
			}
		}
		to, err := s.Chain.Forward(&q)
		if err != nil {
			t.Fatal(err)
		}
		off := errorTwist(&from, &to)
		distance, angle := off.sizes()
		after := away(&q, &s.Posture, n)
		t.Logf("%s: from %.3f to %.4f rad of the posture, tool moved %.1e m %.1e rad", s.Chain.Name, before, after, distance, angle)
		if before < 0.3 || after > 0.1*before || distance > 5e-3 || angle > 1e-2 {
			t.Errorf("%s: from %g to %g rad of the posture, tool moved %g m, %g rad", s.Chain.Name, before, after, distance, angle)
		}
	}
}

// wander moves the elbow by about size rad in all and leaves the tool about where it is.
func wander(t *testing.T, s *Solver, q robot.Vector, size float64) robot.Vector {
	t.Helper()
	n := s.Chain.N()
	for away(&q, &s.Posture, n) < size {
		var jac Jacobian
		if _, err := s.Chain.Jacobian(&q, &jac); err != nil {
			t.Fatal(err)
		}
		d := damped{n: n, floor: 1e-3, jac: &jac}
		for j := range n {
			d.free[j] = true
		}
		d.factor()
		move := d.null(robot.Vector{1})
		for j := range n {
			q[j] += 0.02 * move[j] / norm(move[:n])
		}
	}
	return q
}

func away(q, from *robot.Vector, n int) float64 {
	var d robot.Vector
	for j := range n {
		d[j] = q[j] - from[j]
	}
	return norm(d[:n])
}
