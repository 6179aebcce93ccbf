package kinematics

import (
	"fmt"

	"sim2reald/robot"
)

const (
	// MaxTwist is what no policy means: beyond it, a number is a fault and not a wish to be slowed. m/s, rad/s.
	MaxTwist = 100
	// velocityFloor is the singular value below which a direction counts as one in which the arm hardly moves: at
	// most 20 rad/s are spent per m/s. the home poses of Panda and Sawyer have 0.2.
	velocityFloor = 0.05
	// approach bounds how fast a joint goes towards its end, in 1/s of the room that is left. A command held for
	// 200 ms, the longest period that robot/limit allows, does not pass the end.
	approach = 5
	// postureGain is how fast the null space goes to the posture, in 1/s of the distance.
	postureGain = 1
	// postureSpeed bounds that, rad/s of a joint.
	postureSpeed = 0.3
)

// Solver is the inverse kinematics of one arm. It is a value that only its maker writes to.
type Solver struct {
	Chain   Chain
	Limits  robot.Limits // of the joints; accelerations are robot/limit's
	Posture robot.Vector // joint positions, rad, that the null space is drawn to
}

// NewSolver checks that limits and posture are finite and make sense, ErrChain or *NotFiniteError otherwise.
func NewSolver(chain Chain, limits robot.Limits, posture robot.Vector) (*Solver, error) {
	n := chain.N()
	if n < 1 {
		return nil, fmt.Errorf("%w: a chain without joints; take one of ByName", ErrChain)
	}
	for _, list := range []struct {
		what string
		v    *robot.Vector
	}{
		{"lower joint limit", &limits.QMin}, {"upper joint limit", &limits.QMax},
		{"joint speed limit", &limits.DQMax}, {"posture", &posture},
	} {
		if err := checkFinite(list.what, list.v[:n]); err != nil {
			return nil, err
		}
	}
	for j := range n {
		if limits.QMin[j] >= limits.QMax[j] || limits.DQMax[j] <= 0 {
			return nil, fmt.Errorf("%w: joint %d has limits %g to %g rad and %g rad/s; want a range and a speed",
				ErrChain, j, limits.QMin[j], limits.QMax[j], limits.DQMax[j])
		}
		if posture[j] < limits.QMin[j] || posture[j] > limits.QMax[j] {
			return nil, fmt.Errorf("%w: posture of joint %d is %g rad, outside %g to %g",
				ErrChain, j, posture[j], limits.QMin[j], limits.QMax[j])
		}
	}
	return &Solver{Chain: chain, Limits: limits, Posture: posture}, nil
}

// Velocity gives joint velocities, rad/s, that move the tool by t at measured joint positions q, rad. No joint
// goes faster than its limit or towards its end faster than it can be held; the rest of its freedom takes the
// arm to its posture. Errors are *NotFiniteError and *TooFastError.
func (s *Solver) Velocity(q *robot.Vector, t *Twist) (Motion, error) {
	if err := checkFinite("twist", t[:]); err != nil {
		return Motion{}, err
	}
	for i, x := range t {
		if x > MaxTwist || x < -MaxTwist {
			return Motion{}, &TooFastError{Index: i, Value: x}
		}
	}
	var jac Jacobian
	if _, err := s.Chain.Jacobian(q, &jac); err != nil {
		return Motion{}, err
	}
	n := s.Chain.n
	w := window{fast: s.Limits.DQMax}
	var posture robot.Vector
	for j := range n {
		w.hi[j] = approach * max(s.Limits.QMax[j]-q[j], 0)
		w.lo[j] = -approach * max(q[j]-s.Limits.QMin[j], 0)
		posture[j] = min(max(postureGain*(s.Posture[j]-q[j]), -postureSpeed), postureSpeed)
	}
	return within(&jac, n, *t, posture, &w, velocityFloor), nil
}
