package control

import "strings"

// Cause is one thing that can be wrong. False is ok: an input that nobody sets never lets the arm move, since
// arming also asks for a state, a frame and an action to be there.
type Cause uint8

// The causes, and what latches each.
const (
	StateStale    Cause = iota // the newest joint_states is older than one hiccup
	FrameStale                 // a camera's newest picture is too old
	ActionStale                // the policy's newest plan has run out
	StateSilent                // no joint_states for so long that the bridge must be taken for lost
	BridgeFault                // the bridge reports errors
	EmergencyStop              // somebody pressed it
	ActionRefused              // the policy answered what no arm may be told
	PolicyFailed               // the policy could not be computed
	SendFailed                 // a command could not leave
	RigChanged                 // the bridge is not the one that the bundle was checked against
	causes
)

// Class says what ends a fault.
type Class uint8

const (
	// Passing ends by itself after a second without it.
	Passing Class = iota
	// Operator ends when a person acknowledges it.
	Operator
)

type causeFact struct {
	name, remedy string
	class        Class
}

// fact is the one table of causes.
func (c Cause) fact() causeFact {
	return [...]causeFact{
		StateStale:    {"state_stale", "check the bridge's load and the broker", Passing},
		FrameStale:    {"frame_stale", "check that the camera still sends", Passing},
		ActionStale:   {"action_stale", "the policy is slower than its rate: lower the load or raise engine.threads", Passing},
		StateSilent:   {"state_silent", "start the bridge again, then acknowledge and arm", Operator},
		BridgeFault:   {"bridge_fault", "clear the robot's own errors, then acknowledge and arm", Operator},
		EmergencyStop: {"emergency_stop", "release the emergency stop, then acknowledge and arm", Operator},
		ActionRefused: {"action_refused", "the bundle answers nonsense here: inspect it before acknowledging", Operator},
		PolicyFailed:  {"policy_failed", "read the daemon's log, then acknowledge and arm", Operator},
		SendFailed:    {"send_failed", "check the broker, then acknowledge and arm", Operator},
		RigChanged:    {"rig_changed", "the bridge restarted: acknowledge, then arm, which checks the bundle again", Operator},
	}[c]
}

// String names the cause as status and events do.
func (c Cause) String() string { return c.fact().name }

// Remedy is what an operator does about it.
func (c Cause) Remedy() string { return c.fact().remedy }

// Class says what ends it.
func (c Cause) Class() Class { return c.fact().class }

// Causes is a set.
type Causes uint16

// With adds c when it holds.
func (s Causes) With(c Cause, holds bool) Causes {
	if holds {
		return s | 1<<c
	}
	return s
}

// Has reports membership.
func (s Causes) Has(c Cause) bool { return s&(1<<c) != 0 }

// worst is the first cause that latches, or else the first that passes.
func (s Causes) worst() (Cause, bool) {
	for _, class := range [...]Class{Operator, Passing} {
		for c := range causes {
			if s.Has(c) && c.Class() == class {
				return c, true
			}
		}
	}
	return 0, false
}

// String lists the set.
func (s Causes) String() string {
	var names []string
	for c := range causes {
		if s.Has(c) {
			names = append(names, c.String())
		}
	}
	return strings.Join(names, ", ")
}
