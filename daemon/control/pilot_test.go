package control

import (
	"errors"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"sim2reald/camera"
	"sim2reald/daemon/control/supervisor"
	"sim2reald/robot"
)

// constant always wants the same speed of the first joint.
type constant float64

func (c constant) Act(_ []*camera.Frame, _ *robot.State, plan *Plan) error {
	plan.Rows, plan.Wanted[0] = 1, robot.Command{Mode: robot.Velocity, DQ: robot.Vector{float64(c)}}
	return nil
}

func second(limits robot.Limits) Pilot {
	return Pilot{Actor: constant(-0.05), Limits: limits, Bundle: "second"}
}

// TestSwapByMode wants a swap refused while the arm runs, and everywhere else done without moving anything.
func TestSwapByMode(t *testing.T) {
	limits := robot.Panda().Limits
	for _, c := range []struct {
		name  string
		bring func(*bench)
		done  bool
		after supervisor.Mode
	}{
		{"disarmed", func(b *bench) { _ = b.loop.Ask(supervisor.Request{Kind: supervisor.Stop}) }, true, supervisor.Disarmed},
		{"armed", func(b *bench) {
			_ = errors.Join(b.loop.Ask(supervisor.Request{Kind: supervisor.Stop}), b.loop.Ask(supervisor.Request{Kind: supervisor.Arm}))
		}, true, supervisor.Armed},
		{"running", func(*bench) {}, false, supervisor.Running},
		{"holding by a person", func(b *bench) { _ = b.loop.Ask(supervisor.Request{Kind: supervisor.HoldStill}) }, true, supervisor.Holding},
		{"holding by itself", func(b *bench) { b.now += 301 * time.Millisecond; b.loop.Step() }, true, supervisor.Holding},
		{"on the way home", func(b *bench) {
			b.loop.cfg.Home = limits.QMin
			ask(t, b, supervisor.HoldStill)
			ask(t, b, supervisor.GoHome)
		}, false, supervisor.Homing},
		{"faulted", func(b *bench) { b.loop.Report(supervisor.RigChanged); b.loop.Step() }, true, supervisor.Faulted},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(false)
			b.armAndStart(t)
			c.bring(b)
			err := b.loop.Swap(second(limits))
			m := b.loop.Machine()
			if (err == nil) != c.done || m.Mode != c.after {
				t.Fatalf("error %v, mode %v; want done %t, mode %v", err, m.Mode, c.done, c.after)
			}
			if m.Mode == supervisor.Holding && !m.ByOperator {
				t.Error("what holds must wait for a person after a swap")
			}
			want := "first"
			if c.done {
				want = "second"
			}
			if out := b.loop.Step(); out.Bundle != want && m.Mode != supervisor.Homing || c.done && out.Command.Mode != robot.Hold {
				t.Errorf("after it: %v of %s, want a hold of %s", out.Command, out.Bundle, want)
			}
		})
	}
}

// TestSwapStartsAnew: what the pilot before wanted is forgotten, and the new one starts from rest when told.
func TestSwapStartsAnew(t *testing.T) {
	b := newBench(false)
	b.armAndStart(t)
	b.loop.Step()
	if err := errors.Join(b.loop.Ask(supervisor.Request{Kind: supervisor.HoldStill}), b.loop.Swap(second(robot.Panda().Limits))); err != nil {
		t.Fatal(err)
	}
	if err := b.loop.Ask(supervisor.Request{Kind: supervisor.Start}); err == nil {
		t.Error("started before the new pilot has seen anything")
	}
	b.see(10 * time.Millisecond)
	if err := errors.Join(b.loop.Think(), b.loop.Ask(supervisor.Request{Kind: supervisor.Start})); err != nil {
		t.Fatal(err)
	}
	if out := b.loop.Step(); out.Command.DQ[0] != -0.05 || out.Bundle != "second" {
		t.Errorf("%+v", out)
	}
}

// TestSwapWhileThinking swaps in the middle of a thought: its plan must not become the new pilot's, nor its
// failure, and Swap must not return before the thought has ended.
func TestSwapWhileThinking(t *testing.T) {
	for _, failure := range []error{nil, errors.New("broken")} {
		b := newBench(false)
		b.armAndStart(t)
		if err := b.loop.Ask(supervisor.Request{Kind: supervisor.HoldStill}); err != nil {
			t.Fatal(err)
		}
		inside, finish := make(chan struct{}), make(chan struct{})
		b.meanwhile, b.err = func() { close(inside); <-finish }, failure
		var thought sync.WaitGroup
		thought.Go(func() { _ = b.loop.Think() })
		<-inside
		swapped := make(chan error, 1)
		go func() { swapped <- b.loop.Swap(second(robot.Panda().Limits)) }()
		for b.loop.atControls().Bundle != "second" {
			runtime.Gosched() // until the other goroutine came so far
		}
		select {
		case <-swapped:
			t.Error("the swap returned while the pilot before was thinking")
		default:
		}
		close(finish)
		if err := <-swapped; err != nil {
			t.Fatal(err)
		}
		thought.Wait()
		if b.loop.planned || b.loop.Failure() != nil {
			t.Errorf("planned %t, failure %v", b.loop.planned, b.loop.Failure())
		}
	}
}

func TestSwapChecksTheRig(t *testing.T) {
	b := newBench(false)
	p := second(robot.Panda().Limits)
	p.CheckRig = func() error { return errors.New("another robot") }
	if err := b.loop.Swap(p); err == nil || !strings.Contains(err.Error(), "another robot") {
		t.Errorf("error %v", err)
	}
	if b.loop.Step().Bundle != "first" {
		t.Error("a refused pilot took over")
	}
}
