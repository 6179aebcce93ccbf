package kinematics

import "sim2reald/robot"

// Chain is an arm from its base to its tool. Every joint turns about the z of its own coordinate frame. A chain
// is a value: copies are independent.
type Chain struct {
	Name  string // of ByName
	Robot string // model of package robot whose joints these are
	n     int
	// tBefore is where each joint's coordinate frame is in the one before it, or in the base, at angle 0.
	tBefore     [robot.MaxJoints]Pose
	tLastFlange Pose
	pFlangeTool Point
}

// Jacobian holds the twist per rad/s of each joint: rows vx, vy, vz (m), wx, wy, wz (1), a column per joint.
type Jacobian [6]robot.Vector

// N is the number of joints.
func (c *Chain) N() int { return c.n }

// WithTool is the chain with its tool at a point of the flange, m. Chains come with the tool at its origin.
func (c Chain) WithTool(pFlangeTool Point) (Chain, error) {
	if err := checkFinite("tool", pFlangeTool[:]); err != nil {
		return Chain{}, err
	}
	c.pFlangeTool = pFlangeTool
	return c, nil
}

// Forward gives T_base_tool at joint positions q, rad: where the tool's point is, turned as the flange. The
// only error is *NotFiniteError.
func (c *Chain) Forward(q *robot.Vector) (tBaseTool Pose, err error) {
	if err := checkFinite("joint position", q[:c.n]); err != nil {
		return Pose{}, err
	}
	var axes axes
	return c.walk(q, &axes), nil
}

// Jacobian fills jac at joint positions q, rad, and gives T_base_tool. On error, a *NotFiniteError, jac is
// untouched.
func (c *Chain) Jacobian(q *robot.Vector, jac *Jacobian) (tBaseTool Pose, err error) {
	if err := checkFinite("joint position", q[:c.n]); err != nil {
		return Pose{}, err
	}
	return c.jacobian(q, jac), nil
}

// Twist gives the tool's motion for joint velocities dq, rad/s, of the n joints that jac is of.
func (jac *Jacobian) Twist(dq *robot.Vector, n int) Twist {
	var t Twist
	for i := range jac {
		for j := range n {
			t[i] += jac[i][j] * dq[j]
		}
	}
	return t
}

// axes are where the joints are and what they turn about, in the base.
type axes [robot.MaxJoints]struct{ z, p Point }

// walk goes along the chain and notes its joints. q is finite.
func (c *Chain) walk(q *robot.Vector, seen *axes) (tBaseTool Pose) {
	t := Pose{R: unturned()}
	for j := range c.n {
		t = t.times(&c.tBefore[j])
		seen[j].z, seen[j].p = Point{t.R[2], t.R[5], t.R[8]}, t.P
		turn := aboutZ(q[j])
		t.R = t.R.times(&turn)
	}
	t = t.times(&c.tLastFlange)
	t.P = t.Apply(c.pFlangeTool)
	return t
}

// Frames gives where the joints' coordinate frames are at joint positions q, rad: T_base_joint, base to tip, each turned
// by its own joint, about its own z. What hangs on joint j moves with frames[j]. On error, a *NotFiniteError, frames are
// untouched.
func (c *Chain) Frames(q *robot.Vector, frames *[robot.MaxJoints]Pose) error {
	if err := checkFinite("joint position", q[:c.n]); err != nil {
		return err
	}
	t := Pose{R: unturned()}
	for j := range c.n {
		t = t.times(&c.tBefore[j])
		t.R.turn(q[j])
		frames[j] = t
	}
	return nil
}

// Flange is where the flange is in the last joint's coordinate frame.
func (c *Chain) Flange() Pose { return c.tLastFlange }

// jacobian is Jacobian of finite positions. Columns beyond the chain's joints are left alone.
func (c *Chain) jacobian(q *robot.Vector, jac *Jacobian) Pose {
	var seen axes
	t := c.walk(q, &seen)
	for j := range c.n {
		z := seen[j].z
		v := z.Cross(t.P.Minus(seen[j].p))
		for i := range 3 {
			jac[i][j], jac[3+i][j] = v[i], z[i]
		}
	}
	return t
}
