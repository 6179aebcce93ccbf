package supervisor

import "time"

// Facts are the named inputs of one decision. In the zero value nothing has been heard of or seen, and that is wrong:
// an input that nobody fills in holds the arm, unless its bound says that it is not watched.
type Facts struct {
	Reported Causes // by those who found them, until they are acknowledged

	Measured      bool          // there is a joint_states
	StateAge      time.Duration // since it arrived
	Unchanged     time.Duration // since its stamp was another
	Broken        bool          // it is not finite
	Jumped        bool          // the arm cannot have gone there
	Passed        bool          // a joint is beyond its limits
	BoxRoom       float64       // m, from the arm to the nearest side of its workspace, negative outside
	SelfRoom      float64       // m, between the two nearest links, less their margin
	BoxPushed     time.Duration // for which the policy has wanted to go on against a side
	SelfPushed    time.Duration // for which it has wanted to go on against the arm itself
	Unheeded      time.Duration // during which no further command was accepted
	Refused       bool          // and commands were refused for what they say
	BridgeFault   bool          // it reports errors
	EmergencyStop bool

	Seen     bool          // every camera has a picture
	FrameAge time.Duration // since the oldest of the newest pictures was taken
	Set      bool          // pictures belong together, one of each camera; so does the one of a single camera
	SetAge   time.Duration // since the oldest of the newest such was taken; 0 where nobody asks
	Flawed   int           // pictures in a row that show nothing, of the camera with most of them
	Frozen   bool          // a camera shows the same while the arm moves

	Planned bool          // there is a plan
	PlanAge time.Duration // since the pictures that it was made from were seen
	Clamped time.Duration // for which it has wanted far more than it was allowed

	Thinking     time.Duration // the thought that is going on; 0 when there is none
	LateThoughts int           // in a row that took longer than Bounds.Action

	LateTicks int           // in a row
	LateFor   time.Duration // since the first of them

	Heard     bool          // the bridge has answered an echo
	EchoAge   time.Duration // since it answered the newest
	Leased    bool          // this daemon may command
	Taken     bool          // another daemon may
	SkewKnown bool
	Skew      time.Duration // of the bridge's wall clock against ours, either way

	Recorded  bool // what is sent is written down
	RoomKnown bool
	Room      int64 // on the disk of the record, bytes
}

// Bounds are what facts are judged by. A watchdog whose bound is zero is off, where its comment allows that; else zero
// is what it says: nothing is new enough.
type Bounds struct {
	StateHold    time.Duration // older measurements hold; 0: off, for a bridge that waits for its answer
	StateSilent  time.Duration // older measurements fault
	Unheeded     time.Duration // without an accepted command for longer hold, or fault where commands were refused; 0: off
	Frame        time.Duration // older pictures hold; 0: off, for pictures that come with their measurement
	Action       time.Duration // plans made from older pictures have run out
	Clamped      time.Duration // wanting far too much for longer faults; 0: off
	ClampedShare float64       // far: by more than this part of a joint's speed limit
	Thinking     time.Duration // longer thoughts hold; 0: thoughts take what they take, for a bridge that waits for them
	EchoHold     time.Duration // older answers to echoes hold; 0: nobody asks for any
	EchoSilent   time.Duration // older ones fault
	Skew         time.Duration // clocks further apart are not armed with; 0: off
	Room         int64         // with less on the record's disk, bytes, or without a record, nothing is armed; 0: nothing is recorded
}

// Judge names everything that is wrong.
func (b *Bounds) Judge(f *Facts) Causes {
	return f.Reported | b.arm(f) | b.around(f) | b.policy(f) | b.pace(f) | b.network(f)
}

// JudgeEntry is Judge for arming, which asks for more than staying armed.
func (b *Bounds) JudgeEntry(f *Facts) Causes {
	f = f.asEntered()
	apart := !f.SkewKnown || f.Skew > b.Skew || f.Skew < -b.Skew
	recorded := b.Room > 0
	return b.Judge(f).
		With(ClockSkew, b.Skew > 0 && apart).
		With(DiskShort, recorded && (!f.RoomKnown || f.Room < b.Room)).
		With(RecordStopped, recorded && !f.Recorded)
}

const (
	// OutsideBy is how far, m, an arm may be measured outside its workspace or its links' margin: it stops there by itself.
	OutsideBy = 0.010
	// EnteredBy is the same for arming.
	EnteredBy = 0.002
)

// asEntered are the facts with rooms for which EnteredBy is what OutsideBy is for an armed arm.
func (f *Facts) asEntered() *Facts {
	g := *f
	g.BoxRoom -= OutsideBy - EnteredBy
	g.SelfRoom -= OutsideBy - EnteredBy
	return &g
}

// around judges where the arm is and what it is pushed against. Written as what must hold: a room that is not a number is
// none.
func (b *Bounds) around(f *Facts) Causes {
	lasts := func(pushed time.Duration) bool { return b.Clamped > 0 && pushed > b.Clamped }
	return Causes(0).
		With(Workspace, !(f.BoxRoom >= -OutsideBy) || lasts(f.BoxPushed)).
		With(SelfCollision, !(f.SelfRoom >= -OutsideBy) || lasts(f.SelfPushed))
}

// arm judges what the bridge says.
func (b *Bounds) arm(f *Facts) Causes {
	stale := b.StateHold > 0 && (f.StateAge > b.StateHold || f.Unchanged > b.StateHold)
	silent := !f.Measured || f.StateAge > b.StateSilent
	unheeded := b.Unheeded > 0 && f.Unheeded > b.Unheeded
	return Causes(0).
		With(StateStale, !f.Measured || stale).
		With(StateSilent, silent).
		With(StateFrozen, !silent && b.StateHold > 0 && f.Unchanged > b.StateSilent).
		With(StateBroken, f.Broken).
		With(StateJump, f.Jumped).
		With(LimitPassed, f.Passed).
		With(CommandUnheeded, unheeded).
		With(CommandRefused, unheeded && f.Refused).
		With(BridgeFault, f.BridgeFault).
		With(EmergencyStop, f.EmergencyStop)
}

// policy judges what is seen and what is made of it.
func (b *Bounds) policy(f *Facts) Causes {
	return Causes(0).
		With(FrameStale, !f.Seen || b.Frame > 0 && f.FrameAge > b.Frame).
		With(PicturesApart, !f.Set || b.Frame > 0 && f.SetAge > b.Frame).
		With(PictureFlawed, f.Flawed >= FlawedPictures).
		With(PictureFrozen, f.Frozen).
		With(ActionStale, !f.Planned || f.PlanAge > b.Action).
		With(ClampingLasts, b.Clamped > 0 && f.Clamped > b.Clamped)
}

// pace judges whether the daemon keeps time.
func (b *Bounds) pace(f *Facts) Causes {
	timed := b.Thinking > 0
	late := f.LateTicks >= LateTicks
	return Causes(0).
		With(ThinkingLate, timed && (f.Thinking > b.Thinking || f.LateThoughts > 0)).
		With(ThinkingFailing, timed && (f.Thinking > LateThoughts*b.Action || f.LateThoughts >= LateThoughts)).
		With(TickLate, late).
		With(TickFailing, late && f.LateFor > LateTicksLast)
}

// network judges the way to the bridge, and the right to command it.
func (b *Bounds) network(f *Facts) Causes {
	asked := b.EchoHold > 0
	return Causes(0).
		With(EchoStale, asked && (!f.Heard || f.EchoAge > b.EchoHold)).
		With(EchoSilent, asked && (!f.Heard || f.EchoAge > b.EchoSilent)).
		With(LeaseLapsed, !f.Leased).
		With(LeaseLost, f.Taken)
}
