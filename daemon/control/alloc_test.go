//go:build !race

package control

import (
	"testing"
	"time"

	"sim2reald/daemon/control/supervisor"
	"sim2reald/robot"
	"sim2reald/robot/upsample"
)

// The race detector allocates by itself, so this file is not built with it.
func TestStepAllocatesNothing(t *testing.T) {
	t.Run("newest plan", func(t *testing.T) { stepAllocatesNothing(t, newBench(false)) })
	t.Run("ensemble", func(t *testing.T) {
		b := newBenchOf(false, func(c *Config) { c.Ensemble.Plans = upsample.MaxChunks })
		stepAllocatesNothing(t, b)
	})
}

func stepAllocatesNothing(t *testing.T, b *bench) {
	b.boxed(t, 1)
	b.armAndStart(t)
	b.overlap(t)
	if out := b.loop.Step(); out.Command.Mode != robot.Velocity {
		t.Fatalf("the measured tick must move: %+v", out)
	}
	slot, err := newOutbox()
	if err != nil {
		t.Fatal(err)
	}
	next := time.Duration(0)
	moved := robot.Velocity
	tick := func() {
		b.loop.ticks = supervisor.Ticks{} // that it is late, below, must not hold it
		b.loop.cfg.Period = 10 * time.Millisecond
		out := b.loop.Step()
		moved = min(moved, out.Command.Mode)
		if err := slot.put(&out); err != nil {
			t.Fatal(err)
		}
		b.loop.alive(next)
		b.loop.cfg.Period = time.Microsecond
		if _, err := b.loop.sleepUntil(next); err != nil { // long past: it skips and returns at the next slot
			t.Fatal(err)
		}
		next += AliveEvery
	}
	if n := testing.AllocsPerRun(1000, tick); n != 0 || moved != robot.Velocity {
		t.Errorf("the tick allocates %v times, moving: %v", n, moved)
	}
}

// TestOtherTicksAllocateNothing: on the way home, in the shadow, holding and faulted.
func TestOtherTicksAllocateNothing(t *testing.T) {
	for mode, bring := range map[supervisor.Mode]func(*bench){
		supervisor.Homing:    func(b *bench) { ask(t, b, supervisor.GoHome) },
		supervisor.Shadowing: func(b *bench) { ask(t, b, supervisor.Shadow) },
		supervisor.Holding:   func(b *bench) { ask(t, b, supervisor.Start); ask(t, b, supervisor.HoldStill) },
		supervisor.Faulted:   func(b *bench) { b.loop.Report(supervisor.SendFailed) },
	} {
		b := newBench(false)
		b.boxed(t, 1)
		b.loop.cfg.Home = robot.Panda().Home
		b.armAndStart(t)
		ask(t, b, supervisor.Stop)
		ask(t, b, supervisor.Arm)
		bring(b)
		n := testing.AllocsPerRun(1000, func() { b.loop.Step() })
		if got := b.loop.Machine().Mode; n != 0 || got != mode {
			t.Errorf("a tick allocates %v times in mode %v, want %v", n, got, mode)
		}
	}
}

// TestTogetherAllocatesNothing: nor does a tick with several cameras.
func TestTogetherAllocatesNothing(t *testing.T) {
	b, wrist, _ := twoEyed()
	b.shows(wrist, 0)
	if n := testing.AllocsPerRun(100, func() { b.loop.Step() }); n != 0 {
		t.Errorf("%v allocations a tick", n)
	}
}
