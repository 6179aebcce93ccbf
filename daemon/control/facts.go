package control

import (
	"time"

	"sim2reald/daemon/control/supervisor"
	"sim2reald/robot"
)

// boundsOfClock are the configured bounds; in lock-step, where the bridge and its pictures wait for the daemon, without
// those of wall time.
func (c *Config) boundsOfClock() supervisor.Bounds {
	b := c.Bounds
	if c.Lockstep {
		b.StateHold, b.Frame = 0, 0
	}
	return b
}

// facts collects every named input of a decision.
func (l *Loop) facts(state *robot.State, measured bool, now time.Duration) supervisor.Facts {
	wall := l.cfg.Clock()
	f := supervisor.Facts{
		Reported: l.failed,
		Measured: measured, StateAge: l.stateAge(state, wall), BridgeFault: state.Faulted, EmergencyStop: state.EmergencyStop,
		Planned: l.planned, PlanAge: now - l.plan.Seen,
	}
	f.FrameAge, f.Seen = l.frameAge(wall)
	return f
}

// stateAge is zero in lock-step, where the bridge waits for the daemon; a silent one ends the episode itself.
func (l *Loop) stateAge(state *robot.State, wall time.Duration) time.Duration {
	if l.cfg.Lockstep {
		return 0
	}
	return wall - state.Arrival
}

// frameAge is that of the camera whose newest picture is the oldest; ok is false when one has none.
func (l *Loop) frameAge(wall time.Duration) (oldest time.Duration, ok bool) {
	for _, c := range l.cfg.Cameras {
		age, seen := c.Age(wall)
		if !seen {
			return 0, false
		}
		oldest = max(oldest, age)
	}
	return oldest, true
}
