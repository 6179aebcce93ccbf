package limit

import (
	"time"

	"sim2reald/robot"
)

// Apply returns the command that may go out for a wanted one, in the same mode: joint velocities, or joint positions
// for the end of the period. sent is what went out before, q the measured joint position (rad), dt the time until
// the next command, n the number of joints. The package's doc says what is held. A refused command comes back as a
// hold, which the bridge shapes to rest.
//
// Velocity ramps from rest: whatever the first wish, it goes out within an acceleration's reach. Position follows
// wanted.Q, where the arm moves with wanted.DQ (zero: where it stops); its first must lie within FirstWithin of the
// measured position, and none farther than LookAhead at full speed from the one sent before.
func Apply(wanted robot.Command, sent *Sent, q *robot.Vector, n int, dt time.Duration, lim *robot.Limits) (robot.Command, Verdict) {
	if v := refuse(&wanted, sent, q, n, dt, lim); v.Refused != Accepted {
		return robot.Command{Mode: robot.Hold, Gripper: heldGripper(wanted.Gripper)}, v
	}
	allowed, v := robot.Command{Mode: wanted.Mode, Gripper: wanted.Gripper}, Verdict{}
	if wanted.Mode == robot.Hold {
		return allowed, v
	}
	for j := range n {
		x, m := jointOf(j, dt.Seconds(), lim), motionOf(sent, q, j, wanted.Mode)
		r := x.rule(m, wanted.Mode, wanted.Q[j], wanted.DQ[j])
		allowed.DQ[j] = r.dq
		if wanted.Mode == robot.Position {
			allowed.Q[j] = m.q + r.dq*x.h
		}
		v.add(r, j)
	}
	return allowed, v
}

// Rest is Apply for an arm that is to come to rest as fast as its limits allow, in the mode that it was sent last:
// called again and again, its velocities end at exactly zero. It is what a bridge does with a hold.
func Rest(gripper float64, sent *Sent, q *robot.Vector, n int, dt time.Duration, lim *robot.Limits) (robot.Command, Verdict) {
	c, v := Apply(robot.Command{Mode: robot.Velocity, Gripper: gripper}, sent, q, n, dt, lim)
	if sent.Mode == robot.Position && v.Refused == Accepted {
		c.Mode = robot.Position
		for j := range n {
			c.Q[j] = sent.Q[j] + c.DQ[j]*dt.Seconds()
		}
	}
	return c, v
}

// motionOf is where joint j is: where it was measured, or in position mode where it was sent.
func motionOf(sent *Sent, q *robot.Vector, j int, mode robot.Mode) motion {
	m := motion{q: q[j], v: sent.DQ[j], a: sent.DDQ[j]}
	if mode == robot.Position && sent.Mode == robot.Position {
		m.q = sent.Q[j]
	}
	return m
}

// ruling is what one joint may do: its velocity, rad/s, and what was done to the wish.
type ruling struct {
	dq                    float64
	clamped, rated, jerky bool
}

func (x *joint) rule(m motion, mode robot.Mode, q, dq float64) ruling {
	switch {
	case mode == robot.Position:
		return x.track(m, q, dq)
	case x.change < 2*x.accel || x.decel > 0:
		return x.follow(m, dq)
	default:
		return x.window(m).bound(dq)
	}
}

func (v *Verdict) add(r ruling, j int) {
	v.Clamped |= bit(r.clamped, j)
	v.RateLimited |= bit(r.rated, j)
	v.JerkLimited |= bit(r.jerky, j)
}

func bit(set bool, j int) uint16 {
	if set {
		return 1 << j
	}
	return 0
}
