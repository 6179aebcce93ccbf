package control

import (
	"errors"
	"fmt"
	"math"

	"sim2reald/daemon/control/supervisor"
	"sim2reald/robot"
	"sim2reald/robot/limit/space"
)

const (
	// HomeSpeed is the part of the speed limits at which the arm goes home.
	HomeSpeed = 0.1
	// HomeNear is how near each joint must be to count as home, rad.
	HomeNear = 0.02
	// homeGain slows the arm down before it is there, 1/s.
	homeGain = 2
)

// GoTo brings an armed arm to a pose, rad, in all as a request for home brings it home: slowly and straight in joint
// space, to rest in the mode that it began in, there, at hold, or when something is wrong with the arm.
func (l *Loop) GoTo(q robot.Vector) error {
	return l.ask(supervisor.Request{Kind: supervisor.GoHome}, &errand{goal: q, bundle: "none: on the way to a pose"})
}

// errand is where Homing brings the arm, and what its commands are signed with.
type errand struct {
	goal   robot.Vector // rad
	bundle string
}

// canGo says why the arm cannot go there, with the remedy; nil when it can.
func (c *Config) canGo(state *robot.State, there *robot.Vector) error {
	switch {
	case c.Lockstep:
		return errors.New("home: a lock-step bridge steps for a policy alone; reset the episode")
	case state.Episode.Waiting():
		return errors.New("home: the bridge stands still until an episode runs; start one, or reset it")
	case !there.Finite(c.Joints):
		return errors.New("home: the robot's table has no home pose")
	}
	for j := range c.Joints {
		if h := there[j]; h < c.Limits.QMin[j] || h > c.Limits.QMax[j] {
			return fmt.Errorf("home: joint %d would be at %.3f rad, and this rig's limits are %.3f to %.3f; move it by hand",
				j+1, h, c.Limits.QMin[j], c.Limits.QMax[j])
		}
	}
	return c.isClear(there)
}

// isClear refuses a pose in which the arm would be outside its workspace, or in itself.
func (c *Config) isClear(there *robot.Vector) error {
	if c.Space == nil {
		return nil
	}
	box, self := c.Space.Look(there)
	for _, room := range []space.Room{box, self} {
		if !(room.M >= 0) {
			return fmt.Errorf("home: there %s; move it by hand, or widen robot.workspace_m", room)
		}
	}
	return nil
}

// homeward is the velocity of the straight way in joint space from q to home, rad/s: as fast as the slowest joint
// allows, so that all arrive together.
func homeward(q, home *robot.Vector, limits *robot.Limits, n int) robot.Vector {
	var dq robot.Vector
	hurry := 1.0
	for j := range n {
		dq[j] = homeGain * (home[j] - q[j])
		hurry = max(hurry, math.Abs(dq[j])/limits.DQMax[j])
	}
	for j := range n {
		dq[j] /= hurry
	}
	return dq
}

// At reports whether each of the first n joints is within HomeNear of a pose.
func At(q, pose *robot.Vector, n int) bool {
	for j := range n {
		if !(math.Abs(q[j]-pose[j]) <= HomeNear) {
			return false
		}
	}
	return true
}
