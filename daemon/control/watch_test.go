package control

import (
	"errors"
	"strings"
	"testing"
	"time"

	"sim2reald/camera"
	"sim2reald/daemon/control/supervisor"
	"sim2reald/robot"
)

func TestClocksApart(t *testing.T) {
	b := newBench(false)
	b.way.Skew = 2 * time.Second
	b.see(0)
	if err := b.loop.Think(); err != nil {
		t.Fatal(err)
	}
	if err := b.loop.Ask(supervisor.Request{Kind: supervisor.Arm}); err == nil || !strings.Contains(err.Error(), "clock_skew") {
		t.Errorf("armed with clocks 2 s apart: %v", err)
	}
	b.way.Skew = 0
	b.armAndStart(t)
	b.way.Skew = time.Hour
	if out := b.loop.Step(); out.Command.Mode != robot.Velocity {
		t.Errorf("a clock that was set held the arm: %+v", out)
	}
}

func TestNobodyTells(t *testing.T) {
	b := newBench(false)
	b.loop.cfg.Way = nil
	b.see(0)
	if err := b.loop.Think(); err != nil {
		t.Fatal(err)
	}
	if err := b.loop.Ask(supervisor.Request{Kind: supervisor.Arm}); err == nil || !strings.Contains(err.Error(), "lease_lapsed") {
		t.Errorf("armed: %v", err)
	}
}

func TestStoodStill(t *testing.T) {
	const ms = time.Millisecond
	for _, c := range []struct {
		name   string
		stands func(now, before *robot.State)
		hold   time.Duration
		fault  time.Duration // 0: never within a second
		cause  supervisor.Cause
	}{
		{"the stamp", func(now, before *robot.State) { now.Stamp = before.Stamp }, 110 * ms, 510 * ms, supervisor.StateFrozen},
		{"what was accepted", func(now, before *robot.State) { now.Accepted = before.Accepted }, 310 * ms, 0, 0},
		{"that, and some refused", func(now, before *robot.State) { now.Accepted, now.Refused = before.Accepted, 1 }, 310 * ms, 310 * ms, supervisor.CommandRefused},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(false)
			b.armAndStart(t)
			b.loop.Step()
			var held, faulted time.Duration
			for after := 10 * ms; after <= time.Second; after += 10 * ms {
				before := b.state
				b.see(10 * ms)
				c.stands(&b.state, &before)
				if err := b.loop.Think(); err != nil {
					t.Fatal(err)
				}
				out, m := b.loop.Step(), b.loop.Machine()
				if held == 0 && out.Command.Mode == robot.Hold {
					held = after
				}
				if faulted == 0 && m.Mode == supervisor.Faulted {
					faulted = after
					if m.Fault.Cause != c.cause {
						t.Errorf("fault %v, want %v", m.Fault.Cause, c.cause)
					}
				}
			}
			if held != c.hold || faulted != c.fault {
				t.Errorf("held after %v, faulted after %v; want %v, %v", held, faulted, c.hold, c.fault)
			}
		})
	}
}

func TestThoughtTakesLong(t *testing.T) {
	const ms = time.Millisecond
	b := newBench(false)
	b.armAndStart(t)
	var held, faulted time.Duration
	b.meanwhile = func() {
		began := b.now
		for faulted == 0 {
			b.now += 10 * ms
			b.state.Seq, b.state.Arrival, b.state.Stamp, b.state.Accepted = b.state.Seq+1, b.now, b.now, b.state.Accepted+1
			b.eye.Put(&camera.Frame{Seq: b.state.Seq, Arrival: b.now, Taken: b.now})
			b.loop.Step()
			m := b.loop.Machine()
			if held == 0 && m.Mode == supervisor.Holding {
				held = b.now - began
				if m.Why != supervisor.Causes(0).With(supervisor.ThinkingLate, true) {
					t.Errorf("held because of %v", m.Why)
				}
			}
			if m.Mode == supervisor.Faulted {
				faulted = b.now - began
			}
		}
	}
	b.see(10 * ms)
	if err := b.loop.Think(); err != nil {
		t.Fatal(err)
	}
	if m := b.loop.Machine(); held != 250*ms || faulted != 1210*ms || m.Fault.Cause != supervisor.ThinkingFailing {
		t.Errorf("held after %v, %v after %v", held, m.Fault.Cause, faulted)
	}
}

func TestThreeLateThoughts(t *testing.T) {
	b := newBench(false)
	b.armAndStart(t)
	b.meanwhile = func() { b.see(401 * time.Millisecond) }
	for i := range 3 {
		if err := b.loop.Think(); err != nil {
			t.Fatal(err)
		}
		b.loop.Step()
		if m := b.loop.Machine(); (m.Mode == supervisor.Faulted) != (i == 2) || i < 2 && !m.Why.Has(supervisor.ThinkingLate) {
			t.Errorf("after %d late thoughts: %v, %v, %v", i+1, m.Mode, m.Why, m.Fault.Cause)
		}
	}
	if c := b.loop.Machine().Fault.Cause; c != supervisor.ThinkingFailing {
		t.Errorf("fault %v", c)
	}
}

func TestLateTicks(t *testing.T) {
	b := newBench(false)
	b.armAndStart(t)
	for i, c := range []struct {
		skipped uint64
		want    supervisor.Mode
	}{{1, supervisor.Running}, {2, supervisor.Running}, {1, supervisor.Holding}, {0, supervisor.Holding}} {
		b.loop.kept(c.skipped)
		if b.loop.Step(); b.loop.Machine().Mode != c.want {
			t.Errorf("tick %d: %v, want %v", i, b.loop.Machine().Mode, c.want)
		}
	}
	if b.loop.Overruns() != 4 {
		t.Errorf("%d overruns, want 4", b.loop.Overruns())
	}
}

func TestClampingLasts(t *testing.T) {
	limit := robot.Panda().Limits.DQMax[0]
	for _, c := range []struct {
		wanted float64
		fault  time.Duration // 0: none in two seconds
	}{{2 * limit, 0}, {2*limit + 1e-9, 1010 * time.Millisecond}} {
		b := newBenchOf(false, func(c *Config) { c.Bounds.Action = time.Hour })
		b.armAndStart(t)
		b.wanted.DQ[0] = c.wanted
		// The limiter's ramp is over: what is allowed from here on is the limit.
		for range 100 {
			b.see(10 * time.Millisecond)
			b.loop.Step()
		}
		if err := b.loop.Think(); err != nil {
			t.Fatal(err)
		}
		began, fault := b.now, time.Duration(0)
		for b.now < began+2*time.Second {
			out := b.loop.Step()
			if m := b.loop.Machine(); fault == 0 && m.Mode == supervisor.Faulted && m.Fault.Cause == supervisor.ClampingLasts {
				fault = b.now - began
			}
			if out.Command.DQ[0] > limit {
				t.Fatalf("%v rad/s went out", out.Command.DQ[0])
			}
			b.see(10 * time.Millisecond)
		}
		if fault < c.fault || fault > c.fault+200*time.Millisecond || c.fault == 0 && fault != 0 {
			t.Errorf("wanting %v: fault after %v, want %v or what the ramp takes longer", c.wanted, fault, c.fault)
		}
	}
}

func TestPictures(t *testing.T) {
	sharp, flat := make([]byte, 27), make([]byte, 27)
	copy(sharp[12:15], []byte{200, 200, 200})
	for i := range flat {
		flat[i] = 100
	}
	for _, c := range []struct {
		name     string
		lockstep bool
		pixels   func(i int) []byte
		first    int // picture at which it holds; 0: none of twenty
		cause    supervisor.Cause
	}{
		{"frozen", false, func(int) []byte { return sharp }, 10, supervisor.PictureFrozen},
		{"frozen in lock-step", true, func(int) []byte { return sharp }, 0, 0},
		{"alive", false, func(i int) []byte { sharp[0] = byte(i); return sharp }, 0, 0},
		{"flat", false, func(i int) []byte { flat[0] = byte(100 + i%2); return flat }, 3, supervisor.PictureFlawed},
		{"flat in lock-step", true, func(i int) []byte { flat[0] = byte(100 + i%2); return flat }, 3, supervisor.PictureFlawed},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(c.lockstep)
			b.armAndStart(t)
			b.side = 3
			first := 0
			for i := 1; i <= 20 && first == 0; i++ {
				b.pixels = c.pixels(i)
				b.state.Q[0] += 0.02
				b.see(80 * time.Millisecond)
				if err := b.loop.Think(); err != nil {
					t.Fatal(err)
				}
				if b.loop.Step().Command.Mode == robot.Hold {
					first = i
				}
			}
			m := b.loop.Machine()
			if first != c.first || c.first > 0 && !m.Why.Has(c.cause) && m.Fault.Cause != c.cause {
				t.Errorf("held at picture %d because of %v or %v; want %d, %v", first, m.Why, m.Fault.Cause, c.first, c.cause)
			}
		})
	}
}

func TestPanicHolds(t *testing.T) {
	b := newBench(false)
	b.armAndStart(t)
	b.meanwhile = func() { panic("index out of range") }
	if err := b.loop.Think(); err == nil || err.Error() != "thinking panicked: index out of range" {
		t.Errorf("error %v", err)
	}
	var bug *PanicError
	if out := b.loop.Step(); out.Command.Mode != robot.Hold || !errors.As(b.loop.Failure(), &bug) || len(bug.Stack) == 0 {
		t.Errorf("%+v, %v", out, b.loop.Failure())
	}
	fault := b.loop.Machine().Fault
	err := b.loop.Ask(supervisor.Request{Kind: supervisor.Acknowledge, Fault: fault.ID})
	if fault.Cause != supervisor.PolicyPanicked || err == nil || b.loop.Machine().Mode != supervisor.Faulted {
		t.Errorf("fault %+v, %v", fault, err)
	}
	if err := b.loop.Ask(supervisor.Request{Kind: supervisor.Stop}); err != nil || b.loop.Machine().Mode != supervisor.Faulted {
		t.Errorf("after stop: %v, %v", b.loop.Machine().Mode, err)
	}
}

func TestAcknowledgeChecksTheRig(t *testing.T) {
	b := newBench(false)
	misfit := errors.New("another robot")
	b.armAndStart(t)
	b.loop.pilot.CheckRig = func() error { return misfit }
	b.loop.Report(supervisor.RigChanged)
	b.loop.Step()
	fault := b.loop.Machine().Fault.ID
	if err := b.loop.Ask(supervisor.Request{Kind: supervisor.Acknowledge, Fault: fault, Fits: true}); err == nil {
		t.Error("acknowledged a rig that the bundle does not fit")
	}
	misfit = nil
	if err := b.loop.Ask(supervisor.Request{Kind: supervisor.Acknowledge, Fault: fault}); err != nil {
		t.Error(err)
	}
}

// TestFaultsCountOn: what was meant for a fault of an earlier start of the daemon acknowledges none of this one's.
func TestFaultsCountOn(t *testing.T) {
	b := newBenchOf(false, func(c *Config) { c.FirstFault = 1000 })
	b.armAndStart(t)
	b.loop.Report(supervisor.SendFailed)
	b.loop.Step()
	if got := b.loop.Machine().Fault.ID; got != 1001 {
		t.Errorf("the first fault has id %d, want 1001", got)
	}
	if err := b.loop.Ask(supervisor.Request{Kind: supervisor.Acknowledge, Fault: 1}); err == nil {
		t.Error("acknowledged by an id of before the restart")
	}
	if err := b.loop.Ask(supervisor.Request{Kind: supervisor.Acknowledge, Fault: 1001}); err != nil {
		t.Error(err)
	}
}

// TestRefusedRequestsForgetNothing: what was reported a moment ago faults the next tick, whatever is asked in between.
func TestRefusedRequestsForgetNothing(t *testing.T) {
	for _, r := range []supervisor.Request{{Kind: supervisor.Arm}, {Kind: supervisor.Acknowledge, Fault: 3}} {
		b := newBench(false)
		b.armAndStart(t)
		b.loop.Report(supervisor.SendFailed)
		if err := b.loop.Ask(r); err == nil {
			t.Errorf("%s: granted to a running daemon", r.Kind)
		}
		if b.loop.Step(); b.loop.Machine().Fault.Cause != supervisor.SendFailed {
			t.Errorf("%s: the report was forgotten: %v", r.Kind, b.loop.Machine().Mode)
		}
	}
}
