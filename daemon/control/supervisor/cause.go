package supervisor

import "strings"

// Cause is one thing that can be wrong. False is ok: an input that nobody sets never lets the arm move, since
// what is not there counts as wrong.
type Cause uint8

// The causes. Their order is that of the table and decides nothing else but which of several is named first.
const (
	StateStale      Cause = iota // the newest joint_states is older than one hiccup
	FrameStale                   // a camera's newest picture is too old
	ActionStale                  // the policy's newest plan has run out
	PicturesApart                // those of several cameras were not taken together
	PictureFlawed                // pictures come, and show nothing
	ThinkingLate                 // a thought takes too long, or took too long
	TickLate                     // the loop misses its deadlines
	EchoStale                    // the bridge answers no echo
	LeaseLapsed                  // the lease to command was not renewed in time
	ClockSkew                    // the clocks of the two hosts are apart; asked when arming alone
	DiskShort                    // the disk of the record has too little room; asked when arming alone
	RecordStopped                // nothing is written down any more; asked when arming alone
	StateSilent                  // no joint_states for so long that the bridge must be taken for lost
	StateFrozen                  // joint_states come, and their stamp stands still
	StateBroken                  // a measurement is not finite
	StateJump                    // the arm was measured where it cannot have gone
	LimitPassed                  // a joint is beyond its limits
	Workspace                    // the arm is outside its workspace, or is told to go on against its side
	SelfCollision                // two links are too near to each other, or are told to come nearer
	CommandUnheeded              // the bridge accepts no further command
	CommandRefused               // it refuses them for what they say
	PictureFrozen                // pictures come, and do not change while the arm moves
	ThinkingFailing              // every thought takes too long
	TickFailing                  // the loop goes on missing its deadlines
	EchoSilent                   // the bridge must be taken for out of reach
	LeaseLost                    // another daemon has it
	BridgeFault                  // the bridge reports errors
	EmergencyStop                // somebody pressed it
	ActionRefused                // the policy answered what no arm may be told
	ClampingLasts                // the policy goes on wanting far more than it may
	PolicyFailed                 // the policy could not be computed
	SendFailed                   // a command could not leave
	RigChanged                   // the bridge is not the one that the bundle was checked against
	PolicyPanicked               // a bug ended a thought
	causes
)

// Class says what ends a fault. A higher one outweighs a lower.
type Class uint8

const (
	// Passing (A) ends by itself after a second without it.
	Passing Class = iota
	// Operator (B) ends when a person acknowledges it.
	Operator
	// Reload (C) ends when a person acknowledges it and the bundle fits the rig again: another bundle was
	// committed, or the rig mended.
	Reload
	// Restart (D) ends with the process.
	Restart
	classes
)

// String is the class as the table names it.
func (c Class) String() string {
	return [...]string{"A passing", "B operator", "C reload", "D restart"}[c]
}

// Fact is a row of the table of causes.
type Fact struct {
	Name    string
	Class   Class
	Watches string // what is looked at
	Bound   string // until when it is found; keys are those of the configuration
	Remedy  string // what an operator does about it
}

// Fact is the cause's row of the one table.
func (c Cause) Fact() Fact { return table()[c] }

// String names the cause as status and events do.
func (c Cause) String() string { return c.Fact().Name }

// Remedy is what an operator does about it.
func (c Cause) Remedy() string { return c.Fact().Remedy }

// Class says what ends it.
func (c Cause) Class() Class { return c.Fact().Class }

// OfMotion reports whether it is about what the arm was measured to do, so that an arm that is put elsewhere, as a
// simulator's is between episodes, is rid of it.
func (c Cause) OfMotion() bool {
	return c == LimitPassed || c == StateJump || c == Workspace || c == SelfCollision
}

// Causes is a set.
type Causes uint64

// With adds c when it holds.
func (s Causes) With(c Cause, holds bool) Causes {
	if holds {
		return s | 1<<c
	}
	return s
}

// Has reports membership.
func (s Causes) Has(c Cause) bool { return s&(1<<c) != 0 }

// ofArm leaves out what passes and concerns the policy and its pictures alone: an arm goes home without either.
func (s Causes) ofArm() Causes {
	return s &^ (1<<FrameStale | 1<<ActionStale | 1<<PicturesApart | 1<<PictureFlawed | 1<<ThinkingLate)
}

// Worst is the first cause of the highest class; ok is false when the set is empty.
func (s Causes) Worst() (worst Cause, ok bool) {
	for c := range causes {
		if s.Has(c) && (!ok || c.Class() > worst.Class()) {
			worst, ok = c, true
		}
	}
	return worst, ok
}

// Gravest are those that only the end of the process ends.
func (s Causes) Gravest() Causes {
	var gravest Causes
	for c := range causes {
		gravest = gravest.With(c, s.Has(c) && c.Class() == Restart)
	}
	return gravest
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
