package control

import (
	"errors"
	"math"
	"slices"
	"sync"
	"testing"
	"time"

	"sim2reald/camera"
	"sim2reald/daemon/control/supervisor"
	"sim2reald/robot"
	"sim2reald/robot/upsample"
)

// bench is a loop whose clock, arm and policy the test moves by hand.
type bench struct {
	mu     sync.Mutex
	now    time.Duration
	state  robot.State
	ok     bool
	wanted robot.Command
	rows   []robot.Command // instead of wanted, where there are any
	err    error
	eye    *camera.Latest
	way    Way
	side   int    // of its pictures, pixels
	pixels []byte // of the next ones
	sent   []Output
	loop   *Loop

	meanwhile func() // happens while the policy thinks; nil for nothing
}

func (b *bench) State() (robot.State, bool) { return b.state, b.ok }

func (b *bench) Way(time.Duration) Way { return b.way }

func (b *bench) Act(_ []*camera.Frame, _ *robot.State, plan *Plan) error {
	if b.meanwhile != nil {
		b.meanwhile()
	}
	plan.Rows, plan.Wanted[0] = 1, b.wanted
	if b.rows != nil {
		plan.Rows = copy(plan.Wanted[:], b.rows)
	}
	return b.err
}

func (b *bench) clock() time.Duration { b.mu.Lock(); defer b.mu.Unlock(); return b.now }

func newBench(lockstep bool) *bench { return newBenchOf(lockstep, func(*Config) {}) }

// newBenchOf is newBench with an edited configuration.
func newBenchOf(lockstep bool, edit func(*Config)) *bench {
	b := &bench{ok: true, way: Way{Heard: true, Leased: true}, side: 1, pixels: []byte{1, 2, 3}, eye: camera.NewLatest("front"), wanted: robot.Command{Mode: robot.Velocity, DQ: robot.Vector{0.5}}}
	b.state.Q = robot.Vector{0, -0.5, 0, -2, 0, 1.5, 0}
	panda := robot.Panda()
	cfg := Config{
		Pilot: Pilot{Actor: b, Limits: panda.Limits, Bundle: "first"},
		Rig:   b, Way: b, Cameras: []*camera.Latest{b.eye}, Joints: 7, Limits: panda.Limits,
		Period: 10 * time.Millisecond, ControlPeriod: 80 * time.Millisecond, Lockstep: lockstep, Clock: b.clock,
		Bounds: supervisor.Bounds{Frame: 300 * time.Millisecond, StateHold: 100 * time.Millisecond, StateSilent: 500 * time.Millisecond, Action: 400 * time.Millisecond, Unheeded: 300 * time.Millisecond, Thinking: 240 * time.Millisecond, Clamped: time.Second, ClampedShare: 1,
			EchoHold: 300 * time.Millisecond, EchoSilent: 2 * time.Second, Skew: 250 * time.Millisecond},
		Send:   func(o Output) error { b.sent = append(b.sent, o); return nil },
		Resend: func() error { b.sent = append(b.sent, b.sent[len(b.sent)-1]); return nil },
	}
	edit(&cfg)
	var err error
	if b.loop, err = New(cfg); err != nil {
		panic(err) // the edit is the test's own mistake
	}
	return b
}

// see lets time pass and brings a new picture and a new measurement.
func (b *bench) see(d time.Duration) {
	b.now += d
	b.state.Seq++
	b.state.Arrival, b.state.Stamp = b.now, b.state.Stamp+1
	b.state.Accepted++
	b.eye.Put(&camera.Frame{Camera: "front", Seq: b.state.Seq, Arrival: b.now, Taken: b.now, Stamp: b.state.Stamp, Width: b.side, Height: b.side, Pix: b.pixels})
}

func (b *bench) armAndStart(t *testing.T) {
	t.Helper()
	b.see(0)
	if err := b.loop.Think(); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(b.loop.Ask(supervisor.Request{Kind: supervisor.Arm}), b.loop.Ask(supervisor.Request{Kind: supervisor.Start})); err != nil {
		t.Fatal(err)
	}
}

func TestStepRampsFromRest(t *testing.T) {
	b := newBench(false)
	b.armAndStart(t)
	for i := range 4 {
		want := math.Min(0.5, float64(i+1)*15*0.01) // joint 1: 15 rad/s² for 10 ms a tick
		if got := b.loop.Step().Command.DQ[0]; math.Abs(got-want) > 1e-12 {
			t.Errorf("tick %d: %v rad/s, want %v", i, got, want)
		}
	}
}

func TestStepHolds(t *testing.T) {
	ms := time.Millisecond
	cases := []struct {
		name    string
		spoil   func(*bench)
		reason  Reason
		mode    supervisor.Mode
		because supervisor.Cause
	}{
		{"stale frame", func(b *bench) { b.now += 301 * ms; b.state.Arrival = b.now }, ReasonHolding, supervisor.Holding, supervisor.FrameStale},
		{"stale state", func(b *bench) { b.see(0); b.now += 101 * ms }, ReasonHolding, supervisor.Holding, supervisor.StateStale},
		{"silent state", func(b *bench) { b.see(0); b.now += 501 * ms }, ReasonFaulted, supervisor.Faulted, supervisor.StateSilent},
		{"plan ran out", func(b *bench) { b.see(401 * ms) }, ReasonHolding, supervisor.Holding, supervisor.ActionStale},
		{"emergency stop", func(b *bench) { b.state.EmergencyStop = true }, ReasonFaulted, supervisor.Faulted, supervisor.EmergencyStop},
		{"bridge fault", func(b *bench) { b.state.Faulted = true }, ReasonFaulted, supervisor.Faulted, supervisor.BridgeFault},
		{"NaN measured", func(b *bench) { b.see(10 * ms); b.state.DQ[6] = math.NaN() }, ReasonFaulted, supervisor.Faulted, supervisor.StateBroken},
		{"jumped", func(b *bench) { b.see(10 * ms); b.state.Q[0] += 0.5 }, ReasonFaulted, supervisor.Faulted, supervisor.StateJump},
		{"limit passed", func(b *bench) { b.see(10 * ms); b.state.DQ[0] = 2.7 }, ReasonFaulted, supervisor.Faulted, supervisor.LimitPassed},
		{"late echo", func(b *bench) { b.way.EchoAge = 301 * ms }, ReasonHolding, supervisor.Holding, supervisor.EchoStale},
		{"no echo", func(b *bench) { b.way.EchoAge = 2001 * ms }, ReasonFaulted, supervisor.Faulted, supervisor.EchoSilent},
		{"lease lapsed", func(b *bench) { b.way.Leased = false }, ReasonHolding, supervisor.Holding, supervisor.LeaseLapsed},
		{"lease lost", func(b *bench) { b.way.Leased, b.way.Taken = false, true }, ReasonFaulted, supervisor.Faulted, supervisor.LeaseLost},
		{"rig changed", func(b *bench) { b.loop.Report(supervisor.RigChanged) }, ReasonFaulted, supervisor.Faulted, supervisor.RigChanged},
		{"waiting episode", func(b *bench) { b.state.Episode = robot.EpisodeReady }, ReasonWaiting, supervisor.Running, 0},
		{"ended episode", func(b *bench) { b.state.Episode = robot.EpisodeEnded }, ReasonWaiting, supervisor.Running, 0},
		{"NaN wanted", func(b *bench) { b.wanted.DQ[3] = math.NaN(); _ = b.loop.Think() }, ReasonRefused, supervisor.Faulted, supervisor.ActionRefused},
		{"policy failed", func(b *bench) { b.err = errors.New("no"); _ = b.loop.Think() }, ReasonFaulted, supervisor.Faulted, supervisor.PolicyFailed},
		{"policy holds", func(b *bench) { b.wanted = robot.Command{}; _ = b.loop.Think() }, ReasonPolicy, supervisor.Running, 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(false)
			b.armAndStart(t)
			if out := b.loop.Step(); out.Command.Mode != robot.Velocity {
				t.Fatalf("before: %+v", out)
			}
			c.spoil(b)
			out := b.loop.Step()
			m := b.loop.Machine()
			if out.Command.Mode != robot.Hold || out.Command.DQ != (robot.Vector{}) || out.Reason != c.reason || m.Mode != c.mode {
				t.Errorf("got %v %v, %v", out.Command, out.Reason, m.Mode)
			}
			if m.Mode == supervisor.Holding && !m.Why.Has(c.because) || m.Mode == supervisor.Faulted && m.Fault.Cause != c.because {
				t.Errorf("because of %v / %v, want %v", m.Why, m.Fault.Cause, c.because)
			}
		})
	}
}

// TestClocksApart: a skew of the two hosts' clocks is asked for once, and what moves then goes by other clocks.
// TestNobodyTells: a loop that nobody told who may command does not arm.
// TestStoodStill lets measurements come that say nothing new, one each 10 ms, and wants each found in the first tick
// after its bound.
// TestThoughtTakesLong ticks while the policy thinks: the arm holds once it thinks for longer than three periods, and
// faults when it hangs or when three thoughts in a row were of no use.
// TestClampingLasts: a policy that wants twice what it may get is clamped; a second of more is a fault.
// TestPictures lets pictures come while the arm moves, one each 80 ms: the tenth that is the same faults, the third
// without an edge holds, and in lock-step the same ones are what a shift may show.
func TestResumeRampsAgain(t *testing.T) {
	b := newBench(false)
	b.armAndStart(t)
	for range 10 {
		b.loop.Step()
	}
	b.now += 301 * time.Millisecond
	b.loop.Step()
	var out Output
	for range 110 { // well for 1.1 s
		b.see(10 * time.Millisecond)
		if err := b.loop.Think(); err != nil {
			t.Fatal(err)
		}
		if out = b.loop.Step(); out.Command.Mode == robot.Velocity {
			break
		}
	}
	if got := out.Command.DQ[0]; math.Abs(got-0.15) > 1e-12 {
		t.Errorf("first command after a hold is %v rad/s, want 0.15: one tick of acceleration", got)
	}
}

func TestArmNeedsEverything(t *testing.T) {
	b := newBench(false)
	b.ok = false
	if err := b.loop.Ask(supervisor.Request{Kind: supervisor.Arm}); err == nil {
		t.Error("armed without state, frame and plan")
	}
	b.ok = true
	refused := errors.New("another robot")
	b.loop.pilot.CheckRig = func() error { return refused }
	if err := b.loop.Ask(supervisor.Request{Kind: supervisor.Arm}); !errors.Is(err, refused) {
		t.Errorf("the rig's refusal was not passed on: %v", err)
	}
}

// overlap lets the policy answer as often as an ensemble averages, with as many rows as there can be.
func (b *bench) overlap(t testing.TB) {
	t.Helper()
	b.rows = slices.Repeat([]robot.Command{b.wanted}, MaxPlan)
	for range upsample.MaxChunks {
		b.see(0)
		if err := b.loop.Think(); err != nil {
			t.Fatal(err)
		}
	}
}

func BenchmarkStep(b *testing.B) {
	b.Run("newest plan", func(b *testing.B) { benchmarkStep(b, newBench(false)) })
	b.Run("ensemble of 16", func(b *testing.B) {
		benchmarkStep(b, newBenchOf(false, func(c *Config) { c.Ensemble.Plans = upsample.MaxChunks }))
	})
}

func benchmarkStep(b *testing.B, bench *bench) {
	bench.see(0)
	if err := errors.Join(bench.loop.Think(), bench.loop.Ask(supervisor.Request{Kind: supervisor.Arm}), bench.loop.Ask(supervisor.Request{Kind: supervisor.Start})); err != nil {
		b.Fatal(err)
	}
	bench.overlap(b)
	b.ReportAllocs()
	for b.Loop() {
		bench.loop.Step()
	}
}

// TestPanicHolds: a bug of the policy's is no crash that drops the arm, and no acknowledgement ends it.
// TestAcknowledgeChecksTheRig: a bridge that was replaced is acknowledged once the bundle fits the new one.
