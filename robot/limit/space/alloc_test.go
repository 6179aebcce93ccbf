//go:build !race

package space

import (
	"testing"
	"time"

	"sim2reald/robot"
	"sim2reald/robot/limit"
)

func TestApplyAllocatesNothing(t *testing.T) {
	panda := robot.Panda()
	for _, y := range []float64{1, 0.125, -1} { // clear, near, outside
		s, q := walled(t, y), panda.Home
		wanted := robot.Command{Mode: robot.Velocity, DQ: robot.Vector{0.1, 0.05}}
		n := testing.AllocsPerRun(100, func() {
			q[6] += 1e-4
			s.Apply(wanted, &limit.Sent{}, &q, 10*time.Millisecond, &panda.Limits)
		})
		if n != 0 {
			t.Errorf("with a wall at %g m it allocates %v times", y, n)
		}
	}
}
