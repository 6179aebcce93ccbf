package supervisor

import (
	"math"
	"time"

	"sim2reald/robot"
)

// Clamping follows for how long the policy has wanted far more than it was allowed.
type Clamping struct {
	on    bool
	since time.Duration
}

// See takes a tick: what was wanted and allowed (rad/s), and the share of a joint's speed limit by which they may
// differ.
func (c *Clamping) See(wanted, allowed, limit *robot.Vector, n int, share float64, now time.Duration) {
	if !exceeds(wanted, allowed, limit, n, share) {
		*c = Clamping{}
		return
	}
	if !c.on {
		*c = Clamping{on: true, since: now}
	}
}

// Lasting is for how long it has gone on; 0 when it does not.
func (c *Clamping) Lasting(now time.Duration) time.Duration {
	if !c.on {
		return 0
	}
	return now - c.since
}

func exceeds(wanted, allowed, limit *robot.Vector, n int, share float64) bool {
	for j := range n {
		if math.Abs(wanted[j]-allowed[j]) > share*limit[j] {
			return true
		}
	}
	return false
}
