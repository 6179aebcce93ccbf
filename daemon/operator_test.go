package main

import (
	"errors"
	"testing"

	"sim2reald/daemon/control/supervisor"
	"sim2reald/daemon/evaluation"
)

// TestFaulted: a fault ends an evaluation, but for one of the arm's motion where a reset puts the arm elsewhere.
func TestFaulted(t *testing.T) {
	behind := errors.New("joint 2 was measured at 3 rad/s")
	for _, c := range []struct {
		cause  supervisor.Cause
		resets bool
		behind error
		lost   bool
		want   string
	}{
		{supervisor.LimitPassed, true, behind, true, "the daemon faulted: limit_passed: joint 2 was measured at 3 rad/s"},
		{supervisor.LimitPassed, false, behind, false, "the daemon faulted: limit_passed: joint 2 was measured at 3 rad/s"},
		{supervisor.StateJump, true, nil, true, "the daemon faulted: state_jump; " + supervisor.StateJump.Remedy()},
		{supervisor.Workspace, true, nil, true, "the daemon faulted: workspace; " + supervisor.Workspace.Remedy()},
		{supervisor.SelfCollision, true, nil, true, "the daemon faulted: self_collision; " + supervisor.SelfCollision.Remedy()},
		{supervisor.StateSilent, true, nil, false, "the daemon faulted: state_silent; " + supervisor.StateSilent.Remedy()},
		{supervisor.PolicyPanicked, true, behind, false, "the daemon faulted: policy_panicked: joint 2 was measured at 3 rad/s"},
		{supervisor.EmergencyStop, true, nil, false, "the daemon faulted: emergency_stop; " + supervisor.EmergencyStop.Remedy()},
	} {
		l := &loop{resets: c.resets}
		err := l.faulted(c.cause, c.behind)
		var lost *evaluation.LostError
		if errors.As(err, &lost) != c.lost || err.Error() != c.want {
			t.Errorf("%v, resets %t: lost %t, %v; want %t, %s", c.cause, c.resets, lost != nil, err, c.lost, c.want)
		}
	}
}
