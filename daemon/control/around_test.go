package control

import (
	"math"
	"strings"
	"testing"
	"time"

	"sim2reald/daemon/control/supervisor"
	"sim2reald/robot"
	"sim2reald/robot/kinematics"
	"sim2reald/robot/limit/space"
)

// boxed gives the bench's Panda a workspace that ends at y metres to its left.
func (b *bench) boxed(t *testing.T, y float64) {
	t.Helper()
	chain, _ := kinematics.ByName("panda")
	shape, _ := space.ByName("panda")
	box := space.Everywhere()
	box.Max[1] = y
	s, err := space.New(space.Config{Chain: chain, Shape: shape, Box: box, Margin: 0.01, Blind: 200 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	b.loop.cfg.Space = s
}

// TestPushingAgainstTheWorkspace turns the arm towards a side of its workspace: it slows down, stands, never passes it, and
// is faulted for going on a second later; what it is near to is told.
func TestPushingAgainstTheWorkspace(t *testing.T) {
	b := newBench(false)
	b.boxed(t, 0.35)
	b.armAndStart(t)
	stood := time.Duration(0)
	for b.loop.Machine().Mode == supervisor.Running && b.now < 20*time.Second {
		b.obey(b.loop.Step(), 10*time.Millisecond)
		if err := b.loop.Think(); err != nil {
			t.Fatal(err)
		}
		if box, _ := b.loop.cfg.Space.Another().Look(&b.state.Q); box.M < 0 {
			t.Fatalf("outside: %v", box)
		}
		if b.state.DQ[0] > 0.05 {
			stood = b.now
		}
	}
	m := b.loop.Machine()
	box, self := b.loop.Around()
	if m.Mode != supervisor.Faulted || m.Fault.Cause != supervisor.Workspace || box.M > 0.005 || box.From != "y_max" || self.M < 0.005 {
		t.Errorf("%v, %v; %v, %v", m.Mode, m.Fault.Cause, box, self)
	}
	if lasted := b.now - stood; lasted < time.Second || lasted > 2*time.Second || b.loop.Restrained.Load() == 0 {
		t.Errorf("faulted %v after it stood; %d ticks restrained", lasted, b.loop.Restrained.Load())
	}
}

// TestArmingOutside: an arm that stands outside is not armed, and the refusal names link, distance and side.
func TestArmingOutside(t *testing.T) {
	b := newBench(false)
	b.boxed(t, 0)
	b.see(0)
	if err := b.loop.Think(); err != nil {
		t.Fatal(err)
	}
	err := b.loop.Ask(supervisor.Request{Kind: supervisor.Arm})
	if err == nil || !strings.Contains(err.Error(), "bring the arm inside by hand") || !strings.Contains(err.Error(), " too near to y_max") || strings.Contains(err.Error(), "\n") {
		t.Errorf("%v", err)
	}
	b.boxed(t, math.Inf(1))
	b.state.Q = robot.Vector{0, -0.1, 0, -3.0, 0, 1.8, 0} // folded onto itself
	b.see(time.Millisecond)
	if err := b.loop.Ask(supervisor.Request{Kind: supervisor.Arm}); err == nil || !strings.Contains(err.Error(), "self_collision") || !strings.Contains(err.Error(), "too near to link") {
		t.Errorf("%v", err)
	}
}

// TestPushedOutside: an arm that somebody pushes outside is faulted.
func TestPushedOutside(t *testing.T) {
	b := newBench(false)
	b.boxed(t, 0.35)
	b.armAndStart(t)
	b.state.Q[0] += 0.1
	for b.loop.Machine().Mode == supervisor.Running && b.state.Q[0] < 3 {
		b.state.Q[0] += 0.002
		b.pixels[0]++
		b.see(10 * time.Millisecond)
		if err := b.loop.Think(); err != nil {
			t.Fatal(err)
		}
		b.loop.Step()
	}
	box, _ := b.loop.Around()
	if m := b.loop.Machine(); m.Mode != supervisor.Faulted || m.Fault.Cause != supervisor.Workspace || box.M > -0.01 || box.M < -0.02 {
		t.Errorf("%v %v: %v", m.Mode, m.Fault.Cause, box)
	}
}

func TestHomeIsNoFasterThanTheScale(t *testing.T) {
	for _, c := range []struct{ scale, want float64 }{{0, 0.1}, {1, 0.1}, {0.3, 0.1}, {0.05, 0.05}} {
		cfg := Config{HomeSpeed: c.scale}
		if got := cfg.homeSpeed(); got != c.want {
			t.Errorf("with a scale of %g: %g, want %g", c.scale, got, c.want)
		}
	}
}

// TestHomeOutside: an arm is not sent to where it may not be.
func TestHomeOutside(t *testing.T) {
	b := newBench(false)
	b.loop.cfg.Home = robot.Panda().Home
	b.armAndStart(t)
	ask(t, b, supervisor.HoldStill)
	b.boxed(t, 0.1)
	err := b.loop.Ask(supervisor.Request{Kind: supervisor.GoHome})
	if err == nil || !strings.Contains(err.Error(), "home: there link") || !strings.Contains(err.Error(), "y_max") {
		t.Errorf("%v", err)
	}
}
