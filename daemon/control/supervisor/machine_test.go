package supervisor

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

func TestAsk(t *testing.T) {
	well, late, silent := Causes(0), Causes(0).With(FrameStale, true), Causes(0).With(StateSilent, true)
	faulted := Machine{Mode: Faulted, Fault: Fault{ID: 3, Cause: StateSilent}}
	cases := []struct {
		name   string
		from   Machine
		ask    Request
		wrong  Causes
		moving bool
		want   Mode
		refuse string // part of the error, empty when granted
	}{
		{"arm when well", Machine{}, Request{Kind: Arm}, well, false, Armed, ""},
		{"arm when late", Machine{}, Request{Kind: Arm}, late, false, Disarmed, "frame_stale"},
		{"arm when silent", Machine{}, Request{Kind: Arm}, silent, false, Disarmed, "start the bridge again"},
		{"arm in motion", Machine{}, Request{Kind: Arm}, well, true, Disarmed, "still moves"},
		{"arm twice", Machine{Mode: Armed}, Request{Kind: Arm}, well, false, Armed, "the daemon is armed"},
		{"arm a faulted", faulted, Request{Kind: Arm}, well, false, Faulted, "acknowledge first"},
		{"start armed", Machine{Mode: Armed}, Request{Kind: Start}, well, false, Running, ""},
		{"start disarmed", Machine{}, Request{Kind: Start}, well, false, Disarmed, "arm it first"},
		{"start late", Machine{Mode: Armed}, Request{Kind: Start}, late, false, Armed, "frame_stale"},
		{"start holding", Machine{Mode: Holding, ByOperator: true}, Request{Kind: Start}, well, false, Running, ""},
		{"hold running", Machine{Mode: Running}, Request{Kind: HoldStill}, well, true, Holding, ""},
		{"hold disarmed", Machine{}, Request{Kind: HoldStill}, well, false, Disarmed, "only a running one"},
		{"stop running", Machine{Mode: Running}, Request{Kind: Stop}, well, true, Disarmed, ""},
		{"stop stays latched", faulted, Request{Kind: Stop}, well, false, Faulted, ""},
		{"acknowledge", faulted, Request{Kind: Acknowledge, Fault: 3}, well, false, Disarmed, ""},
		{"acknowledge an older", faulted, Request{Kind: Acknowledge, Fault: 2}, well, false, Faulted, "fault 2 is not the latched one"},
		{"acknowledge nothing", Machine{}, Request{Kind: Acknowledge}, well, false, Disarmed, "nothing is latched"},
		{"nonsense", Machine{}, Request{Kind: "dance"}, well, false, Disarmed, `"dance" is unknown`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, err := c.from.Ask(c.ask, c.wrong, c.moving, 0)
			if got.Mode != c.want {
				t.Errorf("mode %v, want %v", got.Mode, c.want)
			}
			if (err == nil) != (c.refuse == "") || (err != nil && !strings.Contains(err.Error(), c.refuse)) {
				t.Errorf("error %v, want one with %q", err, c.refuse)
			}
			if err != nil && got != c.from {
				t.Error("a refused request must change nothing")
			}
		})
	}
}

func TestNext(t *testing.T) {
	late, silent := Causes(0).With(FrameStale, true), Causes(0).With(StateSilent, true)
	at := func(seconds float64) time.Duration { return time.Duration(seconds * float64(time.Second)) }
	holding := Machine{Mode: Running}.Next(late, true, at(10))
	cases := []struct {
		name   string
		from   Machine
		wrong  Causes
		moving bool
		now    time.Duration
		want   Mode
	}{
		{"running well", Machine{Mode: Running}, 0, true, at(1), Running},
		{"a hiccup holds", Machine{Mode: Running}, late, true, at(1), Holding},
		{"silence latches", Machine{Mode: Running}, silent | late, true, at(1), Faulted},
		{"silence latches when armed", Machine{Mode: Armed}, silent, false, at(1), Faulted},
		{"a hiccup does not disarm", Machine{Mode: Armed}, late, false, at(1), Armed},
		{"disarmed stays", Machine{}, silent, false, at(1), Disarmed},
		{"not yet well for long", holding, 0, false, at(10.9), Holding},
		{"well for a second", holding, 0, false, at(11), Running},
		{"well but moving", holding, 0, true, at(12), Holding},
		{"an operator's hold stays", Machine{Mode: Running}.hold(0, true, at(0)), 0, false, at(20), Holding},
		{"holding too long disarms", holding, late, false, at(41), Disarmed},
		{"holding can fault", holding, silent, false, at(11), Faulted},
		{"a fault stays", Machine{Mode: Faulted}, 0, false, at(100), Faulted},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := c.from.Next(c.wrong, c.moving, c.now); got.Mode != c.want {
				t.Errorf("mode %v, want %v", got.Mode, c.want)
			}
		})
	}
}

// TestWalks asserts over random walks what must hold whatever happens.
func TestWalks(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	kinds := []Kind{Arm, Start, HoldStill, Stop, GoHome, Shadow, Acknowledge, "nonsense"}
	var m Machine
	var seen [modes]int
	now := time.Duration(0)
	for step := range 1_000_000 {
		now += time.Duration(rng.IntN(300)) * time.Millisecond
		wrong := Causes(0)
		if rng.IntN(4) == 0 {
			wrong = wrong.With(Cause(rng.IntN(int(causes))), true).With(FrameStale, rng.IntN(2) == 0)
		}
		moving := rng.IntN(3) == 0
		if m.Mode == Faulted && m.Fault.Cause.Class() == Restart && rng.IntN(10) == 0 {
			m = Machine{Fault: m.Fault} // a new process
		}
		before := m
		var err error
		asked, ticked := Request{}, false
		switch rng.IntN(6) {
		case 0, 1:
			asked = Request{Kind: kinds[rng.IntN(len(kinds))], Fault: m.Fault.ID - uint64(rng.IntN(2)), Fits: rng.IntN(2) == 0}
			m, err = m.Ask(asked, wrong, moving, now)
		case 2:
			m = m.Home(now)
		default:
			m = m.Next(wrong, moving, now)
			ticked = true
		}
		seen[m.Mode]++
		if why := brokenBy(before, m, asked, err, wrong, moving, ticked); why != "" {
			t.Fatalf("step %d: %s: %+v -> %+v (%v, %v, wrong %v)", step, why, before, m, asked, err, wrong)
		}
	}
	for mode, n := range seen {
		if n < 1000 {
			t.Errorf("the walk was %s for %d steps: too few to show anything", Mode(mode), n)
		}
	}
}

func brokenBy(before, after Machine, asked Request, err error, wrong Causes, moving, ticked bool) string {
	started := after.Mode == Running && before.Mode != Running
	worst, any := wrong.Worst()
	switch {
	case started && before.Mode != Armed && before.Mode != Holding:
		return "running is reached only from armed or holding"
	case started && (wrong != 0 || moving):
		return "motion starts only when all is well and the arm rests"
	case started && before.Mode == Armed && asked.Kind != Start:
		return "only a request starts an armed daemon"
	case started && before.ByOperator && asked.Kind != Start:
		return "only a request ends an operator's hold"
	case before.Mode == Faulted && after.Mode != Faulted && (asked.Kind != Acknowledge || err != nil || after.Mode != Disarmed):
		return "only an acknowledgement ends a fault, and it disarms"
	case ticked && before.Mode == Running && any && worst.Class() > Passing && after.Mode != Faulted:
		return "a latching cause faults"
	case before.Mode == Faulted && before.Fault.Cause.Class() == Restart && after != before:
		return "only the end of the process ends the gravest faults"
	case before.Mode == Faulted && before.Fault.Cause.Class() == Reload && after.Mode == Disarmed && !asked.Fits:
		return "what does not fit is not acknowledged"
	case ticked && before.Mode == Running && any && after.Mode == Running:
		return "nothing runs on while something is wrong"
	case before.Mode.Moves() && ticked && any && worst.Class() > Passing && after.Mode.Moves():
		return "nothing moves while something latches"
	case after.Mode == Homing && before.Mode != Homing && (asked.Kind != GoHome || wrong.ofArm() != 0 || moving || before.Mode != Armed && !before.ByOperator):
		return "only a request brings a well and standing arm home"
	case after.Mode == Shadowing && before.Mode != Shadowing && (asked.Kind != Shadow || before.Mode != Armed):
		return "only an armed daemon shadows, when asked"
	case before.Mode == Shadowing && after.Mode.Moves():
		return "a shadow does not begin to move"
	case err != nil && after != before:
		return "a refusal changes nothing"
	case after.Fault.ID < before.Fault.ID || after.Fault.ID > before.Fault.ID+1 || after.Fault.ID == before.Fault.ID && after.Fault != before.Fault:
		return "each fault has the next id"
	}
	return ""
}

func TestClasses(t *testing.T) {
	of := func(cs ...Cause) (s Causes) {
		for _, c := range cs {
			s = s.With(c, true)
		}
		return s
	}
	latched := func(c Cause) Machine { return Machine{Mode: Faulted, Fault: Fault{ID: 7, Cause: c}} }
	for _, c := range []struct {
		name string
		from Machine
		now  Causes
		want Fault
	}{
		{"the gravest is latched", Machine{Mode: Running}, of(FrameStale, EmergencyStop, RigChanged), Fault{1, RigChanged}},
		{"graver still", Machine{Mode: Running}, of(RigChanged, PolicyPanicked), Fault{1, PolicyPanicked}},
		{"the first of equals", Machine{Mode: Armed}, of(EmergencyStop, StateSilent), Fault{1, StateSilent}},
		{"a fault gives way to a graver one", latched(StateSilent), of(EmergencyStop, RigChanged), Fault{8, RigChanged}},
		{"but to no equal one", latched(EmergencyStop), of(StateSilent), Fault{7, EmergencyStop}},
		{"nor to a lesser one", latched(RigChanged), of(StateSilent, FrameStale), Fault{7, RigChanged}},
		{"a bug latches even when disarmed", Machine{}, of(PolicyPanicked), Fault{1, PolicyPanicked}},
		{"nothing else does", Machine{Fault: Fault{ID: 7, Cause: StateSilent}}, of(RigChanged), Fault{7, StateSilent}},
	} {
		if got := c.from.Next(c.now, false, 0); got.Fault != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
	for _, c := range []struct {
		name   string
		from   Machine
		ask    Request
		refuse string
	}{
		{"operator", latched(EmergencyStop), Request{Kind: Acknowledge, Fault: 7}, ""},
		{"reload that fits", latched(RigChanged), Request{Kind: Acknowledge, Fault: 7, Fits: true}, ""},
		{"reload that does not", latched(RigChanged), Request{Kind: Acknowledge, Fault: 7}, "does not fit the rig"},
		{"restart", latched(PolicyPanicked), Request{Kind: Acknowledge, Fault: 7, Fits: true}, "ends with the process"},
	} {
		got, err := c.from.Ask(c.ask, 0, false, 0)
		if c.refuse == "" && (err != nil || got.Mode != Disarmed || got.Fault != c.from.Fault) {
			t.Errorf("%s: %+v, %v", c.name, got, err)
		}
		if c.refuse != "" && (err == nil || !strings.Contains(err.Error(), c.refuse) || got != c.from) {
			t.Errorf("%s: %+v, %v", c.name, got, err)
		}
	}
	if got := of(FrameStale, StateSilent, RigChanged, PolicyPanicked).Gravest(); got != of(PolicyPanicked) {
		t.Errorf("gravest %v", got)
	}
}
