package kinematics

import (
	"math"

	"sim2reald/robot"
)

// Of the search for a pose.
const (
	reachSteps    = 300
	reachDistance = 1e-9 // m, at which it ends
	reachAngle    = 1e-9 // rad
	reachStep     = 0.3  // rad that a joint moves in one step
	reachTurn     = 0.5  // rad, and m, of error that one step corrects
	// reachFloor is velocityFloor where nothing moves: smaller, because it only slows the search down.
	reachFloor = 5e-3
	// settle is the error below which the posture is left alone, so that the search ends.
	settle = 1e-3
)

// Reach gives joint positions, rad, inside the limits, at which the tool is at target, T_base_tool. It searches
// downhill from start, which is brought inside the limits first: the answer is near, not the best of all. Errors
// are *NotFiniteError, ErrChain for a target whose R is no rotation, and *UnreachedError, which comes with the
// joint positions where the search ended.
func (s *Solver) Reach(start *robot.Vector, target *Pose) (robot.Vector, error) {
	if err := checkTarget(target); err != nil {
		return robot.Vector{}, err
	}
	n := s.Chain.n
	if err := checkFinite("joint position", start[:n]); err != nil {
		return robot.Vector{}, err
	}
	var q robot.Vector
	for j := range n {
		q[j] = min(max(start[j], s.Limits.QMin[j]), s.Limits.QMax[j])
	}
	var jac Jacobian
	for range reachSteps {
		at := s.Chain.jacobian(&q, &jac)
		off := errorTwist(&at, target)
		distance, angle := off.sizes()
		if distance < reachDistance && angle < reachAngle {
			return q, nil
		}
		s.step(&q, &jac, off, distance+angle > settle)
	}
	at := s.Chain.jacobian(&q, &jac)
	off := errorTwist(&at, target)
	distance, angle := off.sizes()
	return q, &UnreachedError{Distance: distance, Angle: angle, Steps: reachSteps}
}

// step moves q towards the target, inside the limits.
func (s *Solver) step(q *robot.Vector, jac *Jacobian, off Twist, drawn bool) {
	n := s.Chain.n
	var w window
	var posture robot.Vector
	for j := range n {
		w.lo[j], w.hi[j], w.fast[j] = s.Limits.QMin[j]-q[j], s.Limits.QMax[j]-q[j], reachStep
		if drawn {
			posture[j] = min(max(0.1*(s.Posture[j]-q[j]), -reachStep/3), reachStep/3)
		}
	}
	distance, angle := off.sizes()
	scale := min(1, reachTurn/math.Max(distance, angle))
	for i := range off {
		off[i] *= scale
	}
	m := within(jac, n, off, posture, &w, reachFloor)
	for j := range n {
		q[j] = min(max(q[j]+m.DQ[j], s.Limits.QMin[j]), s.Limits.QMax[j])
	}
}

// errorTwist is the constant twist that would bring the tool from one pose to the other in a second.
func errorTwist(from, to *Pose) Twist {
	v := to.P.Minus(from.P)
	back := from.R.transposed()
	turn := to.R.times(&back)
	w := turn.vector()
	return Twist{v[0], v[1], v[2], w[0], w[1], w[2]}
}

// sizes are a twist's distance, m, and angle, rad.
func (t *Twist) sizes() (distance, angle float64) {
	return Point{t[0], t[1], t[2]}.Length(), Point{t[3], t[4], t[5]}.Length()
}

// checkTarget wants finite numbers, and a rotation to a part in a million: what is not orthogonal has no angle.
func checkTarget(t *Pose) error {
	if err := checkFinite("target position", t.P[:]); err != nil {
		return err
	}
	if err := checkFinite("target rotation", t.R[:]); err != nil {
		return err
	}
	return t.R.check()
}
