package control

import (
	"math"
	"strings"
	"testing"
	"time"

	"sim2reald/daemon/control/supervisor"
	"sim2reald/robot"
)

// obey lets the arm follow a command for a tick, as a perfect bridge would.
func (b *bench) obey(out Output, d time.Duration) {
	b.state.Moving = false
	for j := range 7 {
		b.state.DQ[j] = out.Command.DQ[j]
		b.state.Q[j] += out.Command.DQ[j] * d.Seconds()
		b.state.Moving = b.state.Moving || math.Abs(out.Command.DQ[j]) > 0.02
	}
	b.pixels[0]++ // what is seen changes with it
	b.see(d)
}

// TestHome brings an armed and a held arm home: at a tenth of every limit, along a straight line, and to rest there in
// the mode that it left.
func TestHome(t *testing.T) {
	panda := robot.Panda()
	for _, from := range []supervisor.Mode{supervisor.Armed, supervisor.Holding} {
		b := newBench(false)
		b.loop.cfg.Home = panda.Home
		b.see(0)
		if err := b.loop.Think(); err != nil {
			t.Fatal(err)
		}
		ask(t, b, supervisor.Arm)
		if from == supervisor.Holding {
			ask(t, b, supervisor.Start)
			ask(t, b, supervisor.HoldStill)
		}
		start := b.state.Q
		ask(t, b, supervisor.GoHome)
		ticks := 0
		for ; b.loop.Machine().Mode == supervisor.Homing && ticks < 10_000; ticks++ {
			out := b.loop.Step() // without a thought: no policy is needed
			for j := range 7 {
				if math.Abs(out.Command.DQ[j]) > 0.1*panda.Limits.DQMax[j]+1e-12 {
					t.Fatalf("joint %d at %v rad/s", j, out.Command.DQ[j])
				}
			}
			if out.Command.Mode == robot.Velocity && out.Bundle != "none: on the way home" {
				t.Fatalf("signed by %s", out.Bundle)
			}
			b.obey(out, 10*time.Millisecond)
		}
		for j := range 7 {
			if math.Abs(b.state.Q[j]-panda.Home[j]) > HomeNear+1e-9 {
				t.Errorf("joint %d rests at %v, home is %v", j, b.state.Q[j], panda.Home[j])
			}
		}
		// The farthest joint has 0.356 rad to go at 0.2175 rad/s, slowing down near the end.
		if out := b.loop.Step(); b.loop.Machine().Mode != from || out.Command.Mode != robot.Hold || ticks < 150 || ticks > 600 || start == b.state.Q {
			t.Errorf("after %d ticks: %v, %v", ticks, b.loop.Machine().Mode, out.Command)
		}
	}
}

func ask(t *testing.T, b *bench, k supervisor.Kind) {
	t.Helper()
	if err := b.loop.Ask(supervisor.Request{Kind: k}); err != nil {
		t.Fatal(err)
	}
}

// TestGoTo brings an armed arm to a pose as home is gone to, and refuses one that is none.
func TestGoTo(t *testing.T) {
	b := newBench(false)
	b.armAndStart(t)
	pose := b.state.Q
	pose[0], pose[4] = pose[0]+0.2, pose[4]-0.1
	if err := b.loop.GoTo(pose); err == nil || !strings.Contains(err.Error(), "the daemon is running; arm it") {
		t.Errorf("while running: %v", err)
	}
	ask(t, b, supervisor.Stop)
	ask(t, b, supervisor.Arm)
	for _, beyond := range []float64{3, math.NaN()} {
		wrong := pose
		wrong[1] = beyond
		if err := b.loop.GoTo(wrong); err == nil || b.loop.Machine().Mode != supervisor.Armed {
			t.Errorf("joint 2 to %v rad: %v", beyond, err)
		}
	}
	if err := b.loop.GoTo(pose); err != nil {
		t.Fatal(err)
	}
	for range 10_000 {
		out := b.loop.Step()
		for j := range 7 {
			if math.Abs(out.Command.DQ[j]) > 0.1*robot.Panda().Limits.DQMax[j]+1e-12 {
				t.Fatalf("joint %d at %v rad/s", j, out.Command.DQ[j])
			}
		}
		if out.Command.Mode == robot.Velocity && out.Bundle != "none: on the way to a pose" {
			t.Fatalf("signed by %s", out.Bundle)
		}
		b.obey(out, 10*time.Millisecond)
		if b.loop.Machine().Mode != supervisor.Homing {
			break
		}
	}
	if !At(&b.state.Q, &pose, 7) || b.loop.Machine().Mode != supervisor.Armed {
		t.Errorf("at %v, %v", b.state.Q, b.loop.Machine().Mode)
	}
}

func TestHomeward(t *testing.T) {
	limits := robot.Limits{DQMax: robot.Vector{1, 2}}
	for _, c := range []struct {
		name    string
		q, home robot.Vector
		want    robot.Vector
	}{
		{"there", robot.Vector{1, 1}, robot.Vector{1, 1}, robot.Vector{}},
		{"near", robot.Vector{0, 0}, robot.Vector{0.5, -0.25}, robot.Vector{1, -0.5}},
		{"far, held back by the first joint", robot.Vector{0, 0}, robot.Vector{4, 2}, robot.Vector{1, 0.5}},
		{"far, held back by the second", robot.Vector{0, 0}, robot.Vector{-0.5, 8}, robot.Vector{-0.125, 2}},
	} {
		if got := homeward(&c.q, &c.home, &limits, 2); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
	at := func(x float64) bool { return At(&robot.Vector{0, x}, &robot.Vector{}, 2) }
	if !at(HomeNear) || !at(-HomeNear) || at(math.Nextafter(HomeNear, 1)) || at(math.NaN()) {
		t.Error("home is where each joint is within HomeNear")
	}
}

// TestHomeEnds: what is wrong with the arm ends the way home, what is wrong with the eye does not.
func TestHomeEnds(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(*bench)
		want  supervisor.Mode
	}{
		{"a blind eye", func(b *bench) {
			b.now += 90 * time.Millisecond
			b.state.Arrival = b.now
			b.loop.bounds.Frame = time.Millisecond
		}, supervisor.Homing},
		{"a late measurement", func(b *bench) { b.now += 101 * time.Millisecond }, supervisor.Armed},
		{"an episode's end", func(b *bench) { b.state.Episode = robot.EpisodeEnded }, supervisor.Armed},
		{"an emergency stop", func(b *bench) { b.state.EmergencyStop = true }, supervisor.Faulted},
		{"a person", func(b *bench) { _ = b.loop.Ask(supervisor.Request{Kind: supervisor.HoldStill}) }, supervisor.Armed},
	} {
		b := newBench(false)
		b.loop.cfg.Home = robot.Panda().Home
		b.armAndStart(t)
		ask(t, b, supervisor.Stop)
		ask(t, b, supervisor.Arm)
		ask(t, b, supervisor.GoHome)
		if out := b.loop.Step(); out.Command.Mode != robot.Velocity {
			t.Fatalf("%s: %+v before", c.name, out)
		}
		c.spoil(b)
		out := b.loop.Step()
		if got := b.loop.Machine().Mode; got != c.want || (out.Command.Mode == robot.Velocity) != (c.want == supervisor.Homing) {
			t.Errorf("%s: %v, %v", c.name, got, out.Command)
		}
	}
}

func TestHomeRefuses(t *testing.T) {
	for _, c := range []struct {
		name     string
		lockstep bool
		spoil    func(*bench)
		want     string
	}{
		{"lock-step", true, func(*bench) {}, "steps for a policy alone"},
		{"no episode", false, func(b *bench) { b.state.Episode = robot.EpisodeEnded }, "stands still until an episode runs"},
		{"no home", false, func(b *bench) { b.loop.cfg.Home[3] = math.NaN() }, "no home pose"},
		{"home out of reach", false, func(b *bench) { b.loop.cfg.Home = robot.Vector{} }, "joint 4 would be at 0.000 rad"},
		{"running", false, func(b *bench) { ask(t, b, supervisor.Start) }, "the daemon is running; arm it"},
		{"moving", false, func(b *bench) { b.state.Moving = true }, "still moves"},
		{"late", false, func(b *bench) { b.now += time.Second }, "state_stale"},
	} {
		b := newBench(c.lockstep)
		b.loop.cfg.Home = robot.Panda().Home
		b.armAndStart(t)
		ask(t, b, supervisor.Stop)
		ask(t, b, supervisor.Arm)
		c.spoil(b)
		before := b.loop.Machine()
		err := b.loop.Ask(supervisor.Request{Kind: supervisor.GoHome})
		if err == nil || !strings.Contains(err.Error(), c.want) || b.loop.Machine() != before {
			t.Errorf("%s: %v, %v", c.name, err, b.loop.Machine().Mode)
		}
	}
}

// TestShadow: the policy runs on the live rig, what it would send is told, shaped by the limiter, and holds go out.
func TestShadow(t *testing.T) {
	b := newBench(false)
	b.armAndStart(t)
	ask(t, b, supervisor.Stop)
	if _, shadows := b.loop.Shadowed(); shadows {
		t.Error("shadows before it was asked")
	}
	ask(t, b, supervisor.Arm)
	ask(t, b, supervisor.Shadow)
	last := 0.0
	for i := range 10 {
		b.see(10 * time.Millisecond)
		out := b.loop.Step()
		would, shadows := b.loop.Shadowed()
		if out.Command.Mode != robot.Hold || out.Command.DQ != (robot.Vector{}) || out.Reason != ReasonShadow || !shadows {
			t.Fatalf("tick %d sent %+v for %v", i, out.Command, out.Reason)
		}
		if would[0] <= last && last < 0.5 || would[0] > 0.5 || would[0]-last > 0.15+1e-9 {
			t.Errorf("tick %d would have sent %v after %v", i, would[0], last)
		}
		last = would[0]
	}
	if b.loop.Commanded() != (robot.Vector{}) {
		t.Errorf("commanded %v", b.loop.Commanded())
	}
	ask(t, b, supervisor.HoldStill)
	if would, shadows := b.loop.Shadowed(); shadows || would != (robot.Vector{}) || b.loop.Machine().Mode != supervisor.Armed {
		t.Errorf("after it: %v, %t, %v", would, shadows, b.loop.Machine().Mode)
	}
	ask(t, b, supervisor.Shadow)
	b.wanted.DQ[0] = math.Inf(1)
	if err := b.loop.Think(); err != nil {
		t.Fatal(err)
	}
	if out := b.loop.Step(); out.Command.Mode != robot.Hold || b.loop.Machine().Fault.Cause != supervisor.ActionRefused {
		t.Errorf("nonsense in the shadow: %+v, %+v", out.Command, b.loop.Machine())
	}
}

// TestShadowWithoutAPlan: a bundle that was swapped in has none yet, and a late picture would hold the arm.
func TestShadowWithoutAPlan(t *testing.T) {
	b := newBench(false)
	b.armAndStart(t)
	ask(t, b, supervisor.Stop)
	ask(t, b, supervisor.Arm)
	ask(t, b, supervisor.Shadow)
	b.loop.Step()
	if err := b.loop.Swap(second(robot.Panda().Limits)); err != nil {
		t.Fatal(err)
	}
	b.loop.Step()
	if would, shadows := b.loop.Shadowed(); !shadows || would != (robot.Vector{}) {
		t.Errorf("without a plan it would send %v", would)
	}
	b.see(10 * time.Millisecond)
	if err := b.loop.Think(); err != nil {
		t.Fatal(err)
	}
	b.loop.Step()
	if would, _ := b.loop.Shadowed(); would[0] >= 0 {
		t.Errorf("the new bundle would send %v", would)
	}
	b.now += 301 * time.Millisecond
	b.state.Arrival = b.now
	b.loop.Step()
	if would, shadows := b.loop.Shadowed(); !shadows || would != (robot.Vector{}) {
		t.Errorf("blind it would send %v", would)
	}
}
