package supervisor

import (
	"math"
	"testing"

	"sim2reald/robot"
)

func TestEye(t *testing.T) {
	still, moved := robot.Vector{1, 1}, robot.Vector{1, 1 - AlikeTravel - 1e-9}
	short := robot.Vector{1, 1 + AlikeTravel - 1e-9}
	type seen struct {
		alike  int
		since  uint64
		q      robot.Vector
		frozen bool
	}
	for name, all := range map[string][]seen{
		"frozen":               {{1, 0, still, false}, {9, 0, moved, false}, {10, 0, moved, true}, {11, 0, still, true}, {1, 12, still, false}},
		"an arm that stands":   {{1, 5, still, false}, {10, 5, short, false}, {100, 5, short, false}, {100, 5, moved, true}},
		"just as far":          {{1, 5, robot.Vector{}, false}, {10, 5, robot.Vector{AlikeTravel}, true}},
		"not quite":            {{1, 5, robot.Vector{}, false}, {10, 5, robot.Vector{math.Nextafter(AlikeTravel, 0)}, false}},
		"looked at late":       {{9, 5, moved, false}, {10, 5, moved, false}, {11, 5, still, true}},
		"a picture in between": {{9, 5, still, false}, {9, 15, moved, false}, {10, 15, moved, false}},
		"beyond the joints":    {{1, 5, still, false}, {10, 5, robot.Vector{1, 1, 7}, false}},
	} {
		var eye Eye
		for i, s := range all {
			eye.See(s.alike, s.since, &s.q, 2)
			if eye.Frozen != s.frozen {
				t.Errorf("%s, %d: frozen %t", name, i, eye.Frozen)
			}
		}
	}
	if got := travel(&robot.Vector{0, 0}, &robot.Vector{0.5, -0.25}, 2); math.Abs(got-0.5) > 0 {
		t.Errorf("travel %v", got)
	}
	if AlikePictures != 10 || FlawedPictures != 3 || AlikeTravel != 0.05 {
		t.Error("the bounds that CAUSES.md tells have changed")
	}
}
