//go:build !race

package control

import (
	"testing"
	"time"

	"sim2reald/robot"
)

// The race detector allocates by itself, so this file is not built with it.
func TestStepAllocatesNothing(t *testing.T) {
	b := newBench(false)
	b.armAndStart(t)
	if out := b.loop.Step(); out.Command.Mode != robot.Velocity {
		t.Fatalf("the measured tick must move: %+v", out)
	}
	slot := newOutbox()
	next := time.Duration(0)
	tick := func() {
		slot.put(b.loop.Step())
		b.loop.alive(next)
		if _, err := b.loop.sleepUntil(next); err != nil { // long past: it skips and returns at the next slot
			t.Fatal(err)
		}
		next += AliveEvery
	}
	b.loop.cfg.Period = time.Microsecond
	if n := testing.AllocsPerRun(1000, tick); n != 0 {
		t.Errorf("the tick allocates %v times", n)
	}
}
