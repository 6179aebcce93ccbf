package control

import "sim2reald/daemon/control/supervisor"

// Reason is why a tick holds.
type Reason uint8

// The reasons, as a joint_command carries them.
const (
	ReasonNone Reason = iota
	ReasonDisarmed
	ReasonArmed
	ReasonHolding
	ReasonFaulted
	ReasonWaiting // the bridge's episode has not started, or is over
	ReasonRefused // the limiter refused what the policy wanted
	ReasonPolicy  // the policy wants to stand still
	ReasonShadow  // the policy runs, and nothing is sent
)

// String names the reason as the wire does.
func (r Reason) String() string {
	return [...]string{"", "disarmed", "armed", "holding", "faulted", "waiting", "refused", "policy", "shadow"}[r]
}

// idleReason is why a daemon in mode m sends a hold: a running one waits for the bridge.
func idleReason(m supervisor.Mode) Reason {
	return [...]Reason{
		supervisor.Disarmed: ReasonDisarmed, supervisor.Armed: ReasonArmed, supervisor.Running: ReasonWaiting,
		supervisor.Holding: ReasonHolding, supervisor.Faulted: ReasonFaulted,
		supervisor.Homing: ReasonWaiting, supervisor.Shadowing: ReasonShadow,
	}[m]
}
