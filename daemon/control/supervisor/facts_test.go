package supervisor

import (
	"math"
	"testing"
	"time"
)

const ms = time.Millisecond

// wellBounds have every watchdog on.
func wellBounds() Bounds {
	return Bounds{StateHold: 100 * ms, StateSilent: 500 * ms, Unheeded: 300 * ms, Frame: 300 * ms, Action: 400 * ms, Clamped: 1000 * ms, Thinking: 240 * ms,
		EchoHold: 300 * ms, EchoSilent: 2000 * ms, Skew: 250 * ms, Room: 1000}
}

// wellFacts are as bad as is still well: one more of anything is wrong.
func wellFacts() Facts {
	return Facts{
		Measured: true, StateAge: 100 * ms, Unchanged: 100 * ms, Unheeded: 300 * ms, Seen: true, FrameAge: 300 * ms, Set: true, SetAge: 300 * ms, Flawed: 2, Planned: true, PlanAge: 400 * ms, Clamped: 1000 * ms,
		BoxRoom: -0.002, SelfRoom: -0.002, BoxPushed: 1000 * ms, SelfPushed: 1000 * ms,
		Thinking: 240 * ms, LateTicks: 2, LateFor: time.Hour,
		Heard: true, EchoAge: 300 * ms, Leased: true, SkewKnown: true, Skew: -250 * ms,
		Recorded: true, RoomKnown: true, Room: 1000,
	}
}

func set(cs ...Cause) (s Causes) {
	for _, c := range cs {
		s = s.With(c, true)
	}
	return s
}

// TestJudge takes each fact over its bound alone.
func TestJudge(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(*Facts, *Bounds)
		want  Causes
	}{
		{"at every bound", func(*Facts, *Bounds) {}, 0},
		{"reported", func(f *Facts, _ *Bounds) { f.Reported = set(RigChanged) }, set(RigChanged)},
		{"no measurement", func(f *Facts, _ *Bounds) { f.Measured, f.StateAge = false, 0 }, set(StateStale, StateSilent)},
		{"stale state", func(f *Facts, _ *Bounds) { f.StateAge++ }, set(StateStale)},
		{"as late as can be", func(f *Facts, _ *Bounds) { f.StateAge = 500 * ms }, set(StateStale)},
		{"silent", func(f *Facts, _ *Bounds) { f.StateAge = 500*ms + 1 }, set(StateStale, StateSilent)},
		{"no hold in lock-step", func(f *Facts, b *Bounds) { b.StateHold, f.StateAge = 0, 500*ms }, 0},
		{"but a fault", func(f *Facts, b *Bounds) { b.StateHold, f.StateAge = 0, 500*ms+1 }, set(StateSilent)},
		{"and a measurement", func(f *Facts, b *Bounds) { b.StateHold, f.Measured = 0, false }, set(StateStale, StateSilent)},
		{"no clock in lock-step", func(f *Facts, b *Bounds) { b.StateHold, f.Unchanged = 0, time.Hour }, 0},
		{"a stamp that stands", func(f *Facts, _ *Bounds) { f.Unchanged++ }, set(StateStale)},
		{"still a hiccup", func(f *Facts, _ *Bounds) { f.Unchanged = 500 * ms }, set(StateStale)},
		{"frozen", func(f *Facts, _ *Bounds) { f.Unchanged = 500*ms + 1 }, set(StateStale, StateFrozen)},
		{"silent rather than frozen", func(f *Facts, _ *Bounds) { f.Unchanged, f.StateAge = 501*ms, 501*ms }, set(StateStale, StateSilent)},
		{"broken", func(f *Facts, _ *Bounds) { f.Broken = true }, set(StateBroken)},
		{"jumped", func(f *Facts, _ *Bounds) { f.Jumped = true }, set(StateJump)},
		{"passed", func(f *Facts, _ *Bounds) { f.Passed = true }, set(LimitPassed)},
		{"unheeded", func(f *Facts, _ *Bounds) { f.Unheeded++ }, set(CommandUnheeded)},
		{"refused", func(f *Facts, _ *Bounds) { f.Unheeded, f.Refused = 300*ms+1, true }, set(CommandUnheeded, CommandRefused)},
		{"somebody else was refused", func(f *Facts, _ *Bounds) { f.Refused = true }, 0},
		{"no count in lock-step", func(f *Facts, b *Bounds) { b.Unheeded, f.Unheeded, f.Refused = 0, time.Hour, true }, 0},
		{"bridge fault", func(f *Facts, _ *Bounds) { f.BridgeFault = true }, set(BridgeFault)},
		{"emergency stop", func(f *Facts, _ *Bounds) { f.EmergencyStop = true }, set(EmergencyStop)},
		{"no picture", func(f *Facts, _ *Bounds) { f.Seen, f.FrameAge = false, 0 }, set(FrameStale)},
		{"stale picture", func(f *Facts, _ *Bounds) { f.FrameAge++ }, set(FrameStale)},
		{"no age in lock-step", func(f *Facts, b *Bounds) { b.Frame, f.FrameAge = 0, time.Hour }, 0},
		{"but a picture", func(f *Facts, b *Bounds) { b.Frame, f.Seen = 0, false }, set(FrameStale)},
		{"pictures apart", func(f *Facts, _ *Bounds) { f.Set, f.SetAge = false, 0 }, set(PicturesApart)},
		{"as old together as may be", func(f *Facts, b *Bounds) { f.SetAge = b.Frame }, 0},
		{"older together", func(f *Facts, b *Bounds) { f.SetAge = b.Frame + 1 }, set(PicturesApart)},
		{"flawed pictures", func(f *Facts, _ *Bounds) { f.Flawed = 3 }, set(PictureFlawed)},
		{"frozen pictures", func(f *Facts, _ *Bounds) { f.Frozen = true }, set(PictureFrozen)},
		{"no plan", func(f *Facts, _ *Bounds) { f.Planned, f.PlanAge = false, 0 }, set(ActionStale)},
		{"a plan that ran out", func(f *Facts, _ *Bounds) { f.PlanAge++ }, set(ActionStale)},
		{"clamped for long", func(f *Facts, _ *Bounds) { f.Clamped++ }, set(ClampingLasts)},
		{"as far outside as it may be", func(f *Facts, _ *Bounds) { f.BoxRoom, f.SelfRoom = -0.010, -0.010 }, 0},
		{"outside the workspace", func(f *Facts, _ *Bounds) { f.BoxRoom = -0.0101 }, set(Workspace)},
		{"nowhere", func(f *Facts, _ *Bounds) { f.BoxRoom = math.NaN() }, set(Workspace)},
		{"links too near", func(f *Facts, _ *Bounds) { f.SelfRoom = -0.0101 }, set(SelfCollision)},
		{"links nowhere", func(f *Facts, _ *Bounds) { f.SelfRoom = math.NaN() }, set(SelfCollision)},
		{"pushing out", func(f *Facts, _ *Bounds) { f.BoxPushed++ }, set(Workspace)},
		{"pushing itself", func(f *Facts, _ *Bounds) { f.SelfPushed++ }, set(SelfCollision)},
		{"pushing, in lock-step", func(f *Facts, b *Bounds) {
			b.Clamped, f.Clamped, f.BoxPushed, f.SelfPushed = 0, 0, time.Hour, time.Hour
		}, 0},
		{"it may, in lock-step", func(f *Facts, b *Bounds) { b.Clamped, f.Clamped = 0, time.Hour }, 0},
		{"a long thought", func(f *Facts, _ *Bounds) { f.Thinking++ }, set(ThinkingLate)},
		{"a late thought", func(f *Facts, _ *Bounds) { f.LateThoughts = 1 }, set(ThinkingLate)},
		{"two of them", func(f *Facts, _ *Bounds) { f.LateThoughts = 2 }, set(ThinkingLate)},
		{"three of them", func(f *Facts, _ *Bounds) { f.LateThoughts = 3 }, set(ThinkingLate, ThinkingFailing)},
		{"a hanging one", func(f *Facts, _ *Bounds) { f.Thinking = 1200 * ms }, set(ThinkingLate)},
		{"as long as three", func(f *Facts, _ *Bounds) { f.Thinking = 1200*ms + 1 }, set(ThinkingLate, ThinkingFailing)},
		{"no hurry in lock-step", func(f *Facts, b *Bounds) { b.Thinking, f.Thinking, f.LateThoughts = 0, time.Hour, 9 }, 0},
		{"late ticks", func(f *Facts, _ *Bounds) { f.LateTicks, f.LateFor = 3, time.Second }, set(TickLate)},
		{"for long", func(f *Facts, _ *Bounds) { f.LateTicks, f.LateFor = 3, time.Second+1 }, set(TickLate, TickFailing)},
		{"no echo yet", func(f *Facts, _ *Bounds) { f.Heard, f.EchoAge = false, 0 }, set(EchoStale, EchoSilent)},
		{"a late echo", func(f *Facts, _ *Bounds) { f.EchoAge++ }, set(EchoStale)},
		{"as late as can be", func(f *Facts, _ *Bounds) { f.EchoAge = 2000 * ms }, set(EchoStale)},
		{"out of reach", func(f *Facts, _ *Bounds) { f.EchoAge = 2000*ms + 1 }, set(EchoStale, EchoSilent)},
		{"no echo asked for", func(f *Facts, b *Bounds) { b.EchoHold, f.Heard, f.EchoAge = 0, false, time.Hour }, 0},
		{"lapsed", func(f *Facts, _ *Bounds) { f.Leased = false }, set(LeaseLapsed)},
		{"taken", func(f *Facts, _ *Bounds) { f.Leased, f.Taken = false, true }, set(LeaseLapsed, LeaseLost)},
		{"nor does the record", func(f *Facts, _ *Bounds) { f.Recorded, f.RoomKnown, f.Room = false, false, 0 }, 0},
		{"clocks do not matter any more", func(f *Facts, _ *Bounds) { f.Skew, f.SkewKnown = time.Hour, false }, 0},
	} {
		f, b := wellFacts(), wellBounds()
		c.spoil(&f, &b)
		if got := b.Judge(&f); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

// TestEntryIsStricter: an arm that may stay where it is may not be armed there.
func TestEntryIsStricter(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(*Facts)
		want  Causes
	}{
		{"as far outside as it may be", func(*Facts) {}, 0},
		{"outside the workspace", func(f *Facts) { f.BoxRoom = -0.0021 }, set(Workspace)},
		{"links too near", func(f *Facts) { f.SelfRoom = -0.0021 }, set(SelfCollision)},
	} {
		f, b := wellFacts(), wellBounds()
		c.spoil(&f)
		before := f
		if got := b.JudgeEntry(&f); got != c.want || f != before {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

// TestNothingKnownIsWrong: whatever the bounds, an arm of which nothing is known does not move.
func TestNothingKnownIsWrong(t *testing.T) {
	for name, b := range map[string]Bounds{"on": wellBounds(), "all zero": {}} {
		want := set(StateStale, StateSilent, FrameStale, PicturesApart, ActionStale, LeaseLapsed)
		if b.EchoHold > 0 {
			want |= set(EchoStale, EchoSilent)
		}
		if got := b.Judge(&Facts{}); got != want {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
}

// TestJudgeEntry: arming also asks how far apart the clocks of the two hosts are, and for the record.
func TestJudgeEntry(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(*Facts, *Bounds)
		want  Causes
	}{
		{"behind by the bound", func(*Facts, *Bounds) {}, 0},
		{"ahead by the bound", func(f *Facts, _ *Bounds) { f.Skew = 250 * ms }, 0},
		{"behind", func(f *Facts, _ *Bounds) { f.Skew-- }, set(ClockSkew)},
		{"ahead", func(f *Facts, _ *Bounds) { f.Skew = 250*ms + 1 }, set(ClockSkew)},
		{"unknown", func(f *Facts, _ *Bounds) { f.SkewKnown, f.Skew = false, 0 }, set(ClockSkew)},
		{"not asked", func(f *Facts, b *Bounds) { b.Skew, f.SkewKnown, f.Skew = 0, false, time.Hour }, 0},
		{"little room", func(f *Facts, _ *Bounds) { f.Room-- }, set(DiskShort)},
		{"room unknown", func(f *Facts, _ *Bounds) { f.RoomKnown = false }, set(DiskShort)},
		{"no record", func(f *Facts, _ *Bounds) { f.Recorded = false }, set(RecordStopped)},
		{"neither", func(f *Facts, _ *Bounds) { f.Recorded, f.RoomKnown, f.Room = false, false, 0 }, set(DiskShort, RecordStopped)},
		{"none asked for", func(f *Facts, b *Bounds) { b.Room, f.Recorded, f.RoomKnown, f.Room = 0, false, false, 0 }, 0},
		{"a byte is room", func(f *Facts, b *Bounds) { b.Room, f.RoomKnown = 1, false }, set(DiskShort)},
		{"and all else", func(f *Facts, _ *Bounds) { f.FrameAge++ }, set(FrameStale)},
	} {
		f, b := wellFacts(), wellBounds()
		c.spoil(&f, &b)
		if got := b.JudgeEntry(&f); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}
