// Package robot holds the vocabulary of an arm: joints, measured state, command, and the limit tables of the
// robots that the project knows, each with its source.
//
// What belongs here: plain values that every other package may import. What does not: decisions about
// safety (robot/limit), messages on the wire (daemon/topic), and anything that talks to a device.
package robot

import "time"

// MaxJoints bounds every per-joint array, so that states and commands are values without pointers and the
// control tick can copy them without allocating. Panda, FR3 and Sawyer have seven joints.
const MaxJoints = 8

// Vector holds one number per joint, base to tip. Only the first N of a robot with N joints count; its unit
// is stated where it is used.
type Vector [MaxJoints]float64

// Mode is how a command moves the arm.
type Mode uint8

const (
	// Hold brings the arm to rest within its acceleration limits and keeps it there.
	Hold Mode = iota
	// Velocity follows joint velocities.
	Velocity
	// Position follows joint positions.
	Position
)

// String names the mode as the contract does.
func (m Mode) String() string {
	switch m {
	case Velocity:
		return "velocity"
	case Position:
		return "position"
	default:
		return "hold"
	}
}

// EpisodePhase is where the bridge is between the reset of an episode and its end.
type EpisodePhase uint8

const (
	// NoEpisode is a bridge that knows no episodes: the arm may move.
	NoEpisode EpisodePhase = iota
	// EpisodeReady has a start state and stands still.
	EpisodeReady
	// EpisodeRunning counts its steps.
	EpisodeRunning
	// EpisodeEnded is over, and the arm is brought to rest.
	EpisodeEnded
)

// Waiting reports whether the bridge stands still by itself, whatever is commanded.
func (p EpisodePhase) Waiting() bool { return p == EpisodeReady || p == EpisodeEnded }

// State is one measurement of the arm.
type State struct {
	Seq           uint64        // of the joint_states message
	Stamp         time.Duration // bridge clock
	Arrival       time.Duration // receiver's monotonic clock, see camera.Frame
	Q             Vector        // measured joint position, rad
	DQ            Vector        // measured joint velocity, rad/s
	Gripper       float64       // 0 open, 1 closed
	Moving        bool          // some joint is faster than the bridge's threshold
	EmergencyStop bool
	Faulted       bool // the bridge reports errors
	Episode       EpisodePhase
	EpisodeNumber uint64 // of those that the receiver has heard of, to tell two apart; 0 before the first
	Step          int    // of the episode, in control steps; 0 without one
	Accepted      uint64 // seq of the last command of ours that was accepted in the episode; 0 for none
	Refused       uint64 // commands that were refused for what they said since the bridge started, whoever sent them
}

// Command is what is asked of the arm for one tick.
type Command struct {
	Mode    Mode
	Q       Vector  // commanded joint position, rad; of Position alone
	DQ      Vector  // commanded joint velocity, rad/s, in Position the one at Q; zero when holding
	Gripper float64 // 0 open, 1 closed
}
