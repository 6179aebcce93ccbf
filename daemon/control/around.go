package control

import (
	"fmt"
	"time"

	"sim2reald/daemon/control/supervisor"
	"sim2reald/robot"
	"sim2reald/robot/limit"
	"sim2reald/robot/limit/space"
)

// lookAround notes the room around an arm at joint positions, rad.
func (l *Loop) lookAround(q *robot.Vector) { l.rooms[0], l.rooms[1] = l.cfg.Space.Look(q) }

// clear is what of a command, which each joint's limits have let out, keeps the arm out of what it may hit.
func (l *Loop) clear(allowed robot.Command, sent *limit.Sent, state *robot.State, limits *robot.Limits, now time.Duration) robot.Command {
	if l.cfg.Space == nil {
		return allowed
	}
	c, v := l.cfg.Space.Apply(allowed, sent, &state.Q, l.cfg.Period, limits)
	if v.Restrained {
		l.Restrained.Add(1)
	}
	byBox := v.Pushes() && v.Box.M <= v.Self.M
	l.boxPushed.See(byBox, now)
	l.selfPushed.See(v.Pushes() && !byBox, now)
	return c
}

// unclamped forgets for how long the policy has wanted what it may not.
func (l *Loop) unclamped() {
	l.clamping, l.boxPushed, l.selfPushed = supervisor.Clamping{}, supervisor.Lasting{}, supervisor.Lasting{}
}

// Around is the room of the newest measurement: to the sides of the workspace, and between links. It is zero where nothing
// is known of either.
func (l *Loop) Around() (box, self space.Room) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.rooms[0], l.rooms[1]
}

// placed names the link and the distance in a refusal that is about them.
func (l *Loop) placed(err error, wrong supervisor.Causes) error {
	switch {
	case err == nil || l.cfg.Space == nil:
		return err
	case wrong.Has(supervisor.Workspace):
		return fmt.Errorf("%w; now %s", err, l.rooms[0])
	case wrong.Has(supervisor.SelfCollision):
		return fmt.Errorf("%w; now %s", err, l.rooms[1])
	}
	return err
}

// homeSpeed is the part of the speed limits at which the arm goes home.
func (c *Config) homeSpeed() float64 {
	if c.HomeSpeed > 0 {
		return min(c.HomeSpeed, HomeSpeed)
	}
	return HomeSpeed
}
