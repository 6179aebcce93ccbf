package preprocess

import (
	"fmt"
	"math"
	"slices"

	"sim2reald/robot"
	"sim2reald/robot/kinematics"
)

// Space says what the numbers of an action are, in SI units: a velocity per joint, or components of the tool's
// twist, and then the gripper, 0 open to 1 closed.
type Space struct {
	joints int
	// parts are the components of a kinematics.Twist that an action has, ascending. The others are held at zero.
	parts   []int
	inverse *kinematics.Solver // nil for joint velocities
	period  float64            // s between two actions of a chunk
}

// maxLead bounds how far ahead of the measured arm a twist is taken, s: a slower policy is guided by what it sees.
const maxLead = 0.1

// JointSpace is of one velocity per joint, base to tip, in rad/s.
func JointSpace(joints int) Space { return Space{joints: joints} }

// TwistSpace is of the named parts of the tool's twist, in m/s and rad/s in the axes of the base, at rateHz
// actions a second. inverse turns them into joint velocities, drawn to its posture, and is only read.
func TwistSpace(inverse *kinematics.Solver, parts []int, rateHz float64) (Space, error) {
	s := Space{joints: inverse.Chain.N(), parts: slices.Clone(parts), inverse: inverse, period: 1 / rateHz}
	if len(parts) == 0 || !(rateHz > 0 && rateHz <= 1000) {
		return s, fmt.Errorf("%w: twist of %d parts at %g Hz, want 1 to 6 at most at 1000", ErrSpec, len(parts), rateHz)
	}
	for i, p := range parts {
		if p < 0 || p >= len(kinematics.Twist{}) || i > 0 && p <= parts[i-1] {
			return s, fmt.Errorf("%w: parts %v of a twist, want some of 0 to 5, ascending", ErrSpec, parts)
		}
	}
	return s, nil
}

// Dim is the length of one action, the gripper included.
func (s *Space) Dim() int {
	if s.inverse != nil {
		return len(s.parts) + 1
	}
	return s.joints + 1
}

// Values writes into out, of Dim elements, what the command does as an action of this space, to an arm at joint
// positions q, rad. Parts of its motion that the space lacks are left out. Errors wrap ErrChunk or name the
// number that is not finite.
func (s *Space) Values(cmd *robot.Command, q *robot.Vector, out []float64) error {
	if len(out) != s.Dim() {
		return fmt.Errorf("%w: row of %d, want %d", ErrChunk, len(out), s.Dim())
	}
	out[len(out)-1] = cmd.Gripper
	if err := checkLabel(cmd.DQ[:s.joints]); err != nil {
		return err
	}
	if s.inverse == nil {
		copy(out, cmd.DQ[:s.joints])
	} else if err := s.twist(cmd, q, out); err != nil {
		return err
	}
	return checkLabel(out)
}

func checkLabel(v []float64) error {
	for i, x := range v {
		if !finite(x) {
			return &NotFiniteError{What: "label", Index: i, Value: x}
		}
	}
	return nil
}

// twist is the inverse of untwist.
func (s *Space) twist(cmd *robot.Command, q *robot.Vector, out []float64) error {
	var jac kinematics.Jacobian
	half := s.moved(q, &cmd.DQ, s.lead())
	if _, err := s.inverse.Chain.Jacobian(&half, &jac); err != nil {
		return err
	}
	t := jac.Twist(&cmd.DQ, s.joints)
	for i, p := range s.parts {
		out[i] = t[p]
	}
	return nil
}

// command turns an action's numbers, which are finite, into joint velocities, for an arm at q, rad.
func (s *Space) command(values []float64, q *robot.Vector) (robot.Command, error) {
	last := len(values) - 1
	cmd := robot.Command{Mode: robot.Velocity, Gripper: min(max(values[last], 0), 1)}
	if s.inverse == nil {
		copy(cmd.DQ[:], values[:last])
		return cmd, nil
	}
	var t kinematics.Twist
	for i, p := range s.parts {
		t[p] = values[i]
	}
	var err error
	cmd.DQ, err = s.untwist(&t, q)
	return cmd, err
}

// untwist gives the joint velocities that, held for a period, make the twist's way: those of the arm where it will
// be after half of it. Those of the arm where it is would let the tool drift off a straight line and turn, by a
// degree in a kitchen's episode, with nothing that brings it back.
func (s *Space) untwist(t *kinematics.Twist, q *robot.Vector) (robot.Vector, error) {
	first, err := s.inverse.Velocity(q, t)
	if err != nil {
		return robot.Vector{}, err
	}
	half := s.moved(q, &first.DQ, s.lead())
	m, err := s.inverse.Velocity(&half, t)
	return m.DQ, err
}

// lead is half a period, in s.
func (s *Space) lead() float64 { return min(s.period/2, maxLead) }

// moved is where an arm at q is after some s at joint velocities dq.
func (s *Space) moved(q, dq *robot.Vector, after float64) robot.Vector {
	out := *q
	for j := range s.joints {
		out[j] += after * dq[j]
	}
	return out
}

// Deviations gives those of an action's numbers, but the gripper's, when every joint's velocity varies by itself
// with deviation dq, rad/s; of a twist, at the posture.
func (s *Space) Deviations(dq *robot.Vector) ([]float64, error) {
	if s.inverse == nil {
		return slices.Clone(dq[:s.joints]), nil
	}
	var jac kinematics.Jacobian
	if _, err := s.inverse.Chain.Jacobian(&s.inverse.Posture, &jac); err != nil {
		return nil, err
	}
	var out []float64
	for _, p := range s.parts {
		sum := 0.0
		for j := range s.joints {
			sum += jac[p][j] * dq[j] * jac[p][j] * dq[j]
		}
		out = append(out, math.Sqrt(sum))
	}
	return out, nil
}
