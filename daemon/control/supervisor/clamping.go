package supervisor

import (
	"math"
	"time"

	"sim2reald/robot"
)

// Lasting follows for how long something has been so without a break.
type Lasting struct {
	on    bool
	since time.Duration
}

// See takes a tick.
func (l *Lasting) See(so bool, now time.Duration) {
	switch {
	case !so:
		*l = Lasting{}
	case !l.on:
		*l = Lasting{on: true, since: now}
	}
}

// Lasting is for how long it has gone on; 0 when it does not.
func (l *Lasting) For(now time.Duration) time.Duration {
	if !l.on {
		return 0
	}
	return now - l.since
}

// Clamping follows for how long the policy has wanted far more than it was allowed.
type Clamping struct{ Lasting }

// See takes a tick: what was wanted and allowed (rad/s), and the share of a joint's speed limit by which they may
// differ.
func (c *Clamping) See(wanted, allowed, limit *robot.Vector, n int, share float64, now time.Duration) {
	c.Lasting.See(exceeds(wanted, allowed, limit, n, share), now)
}

func exceeds(wanted, allowed, limit *robot.Vector, n int, share float64) bool {
	for j := range n {
		if math.Abs(wanted[j]-allowed[j]) > share*limit[j] {
			return true
		}
	}
	return false
}
