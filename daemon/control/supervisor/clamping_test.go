package supervisor

import (
	"math"
	"testing"
	"time"

	"sim2reald/robot"
)

func TestClamping(t *testing.T) {
	limit := robot.Vector{2, 4, 0}
	over := math.Nextafter(2.5, 9)
	var c Clamping
	for i, tick := range []struct {
		wanted, allowed robot.Vector
		at              time.Duration
		lasting         time.Duration
	}{
		{robot.Vector{2.5}, robot.Vector{1.5}, 10 * ms, 0}, // by half the limit, as it may
		{robot.Vector{over}, robot.Vector{1.5}, 20 * ms, 0},
		{robot.Vector{over}, robot.Vector{1.5}, 30 * ms, 10 * ms},
		{robot.Vector{0, -6.5}, robot.Vector{0, -4}, 40 * ms, 20 * ms}, // another joint, backwards
		{robot.Vector{0, 6}, robot.Vector{0, 4}, 50 * ms, 0},
		{robot.Vector{0, 0, 9}, robot.Vector{}, 60 * ms, 0}, // beyond the joints
		{robot.Vector{0, -4.5}, robot.Vector{0, -2}, 70 * ms, 0},
		{robot.Vector{0, -4.5}, robot.Vector{0, -2}, 90 * ms, 20 * ms},
	} {
		c.See(&tick.wanted, &tick.allowed, &limit, 2, 0.5, tick.at)
		if got := c.For(tick.at); got != tick.lasting {
			t.Errorf("tick %d: lasting %v, want %v", i, got, tick.lasting)
		}
	}
}
