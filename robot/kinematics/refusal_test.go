package kinematics

import (
	"math"
	"strings"
	"testing"

	"sim2reald/robot"
)

func TestRefusals(t *testing.T) {
	s := solvers(t)[0]
	nan, inf := math.NaN(), math.Inf(1)
	good := s.Posture
	target, err := s.Chain.Forward(&good)
	if err != nil {
		t.Fatal(err)
	}
	broken := func(change func(*Pose)) *Pose {
		p := target
		change(&p)
		return &p
	}
	limits := s.Limits
	limits.QMax[2] = limits.QMin[2]
	for name, c := range map[string]struct {
		do   func() error
		want string
	}{
		"position NaN":  {func() error { _, err := s.Chain.Forward(&robot.Vector{0, nan}); return err }, "joint position 1 is NaN"},
		"jacobian Inf":  {func() error { _, err := s.Chain.Jacobian(&robot.Vector{inf}, &Jacobian{}); return err }, "joint position 0 is +Inf"},
		"velocity NaN":  {func() error { _, err := s.Velocity(&robot.Vector{nan}, &Twist{}); return err }, "joint position 0 is NaN"},
		"twist NaN":     {func() error { _, err := s.Velocity(&good, &Twist{0, 0, nan}); return err }, "twist 2 is NaN"},
		"twist absurd":  {func() error { _, err := s.Velocity(&good, &Twist{0, 0, 0, -1e30}); return err }, "twist 3 is -1e+30, beyond 100"},
		"target NaN":    {func() error { _, err := s.Reach(&good, broken(func(p *Pose) { p.P[1] = nan })); return err }, "target position 1 is NaN"},
		"target turn":   {func() error { _, err := s.Reach(&good, broken(func(p *Pose) { p.R[8] = inf })); return err }, "target rotation 8 is +Inf"},
		"no rotation":   {func() error { _, err := s.Reach(&good, broken(func(p *Pose) { p.R[8] *= 1.1 })); return err }, "rotation is none"},
		"zero rotation": {func() error { _, err := s.Reach(&good, &Pose{}); return err }, "rotation is none"},
		"reflection": {func() error {
			_, err := s.Reach(&good, broken(func(p *Pose) { p.R[6], p.R[7], p.R[8] = -p.R[6], -p.R[7], -p.R[8] }))
			return err
		}, "reflection"},
		"start NaN":      {func() error { _, err := s.Reach(&robot.Vector{nan}, &target); return err }, "joint position 0 is NaN"},
		"tool":           {func() error { _, err := s.Chain.WithTool(Point{inf}); return err }, "tool 0 is +Inf"},
		"no chain":       {func() error { _, err := NewSolver(Chain{}, s.Limits, good); return err }, "without joints"},
		"limits":         {func() error { _, err := NewSolver(s.Chain, limits, good); return err }, "joint 2 has limits"},
		"posture":        {func() error { _, err := NewSolver(s.Chain, s.Limits, robot.Vector{}); return err }, "posture of joint 3 is 0 rad"},
		"posture NaN":    {func() error { _, err := NewSolver(s.Chain, s.Limits, robot.Vector{nan}); return err }, "posture 0 is NaN"},
		"limits' finite": {func() error { _, err := NewSolver(s.Chain, robot.Limits{QMax: robot.Vector{inf}}, good); return err }, "upper joint limit 0"},
	} {
		if err := c.do(); err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

// FuzzVelocity: whatever is measured and asked for, what comes out is finite and within the joints' speeds, or an
// error.
func FuzzVelocity(f *testing.F) {
	s := solvers(f)[0]
	f.Add(0.0, -0.78, 0.0, -2.35, 0.0, 1.57, 0.78, 0.1, 0.0, 0.0, 0.0, 0.0, 0.5)
	f.Add(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0)
	f.Add(1e300, 0.0, -1e9, 0.0, 0.0, 5e-324, 0.0, 100.0, 0.0, 0.0, 0.0, 0.0, -100.0)
	f.Add(math.NaN(), 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, math.Inf(1), 0.0, 0.0, 0.0, 0.0, 0.0)
	f.Fuzz(func(t *testing.T, a, b, c, d, e, g, h, vx, vy, vz, wx, wy, wz float64) {
		q, twist := robot.Vector{a, b, c, d, e, g, h}, Twist{vx, vy, vz, wx, wy, wz}
		m, err := s.Velocity(&q, &twist)
		if err != nil {
			return
		}
		if !q.Finite(7) || checkFinite("", twist[:]) != nil {
			t.Fatalf("accepted %v, %v", q, twist)
		}
		for j := range 7 {
			if !finite(m.DQ[j]) || math.Abs(m.DQ[j]) > s.Limits.DQMax[j]+1e-12 {
				t.Fatalf("joint %d goes %g rad/s", j, m.DQ[j])
			}
		}
	})
}
