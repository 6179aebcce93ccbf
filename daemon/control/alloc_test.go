//go:build !race

package control

import (
	"testing"

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
	if n := testing.AllocsPerRun(1000, func() { slot.put(b.loop.Step()) }); n != 0 {
		t.Errorf("the tick allocates %v times", n)
	}
}
