package main

import (
	"errors"
	"strings"
	"testing"
	"time"

	"sim2reald/camera"
	"sim2reald/daemon/control"
	"sim2reald/daemon/control/supervisor"
	"sim2reald/daemon/evaluation"
	"sim2reald/daemon/topic"
	"sim2reald/robot"
)

// fastArm is a rig whose first joint is measured at a speed.
type fastArm struct{ state robot.State }

func (a *fastArm) State() (robot.State, bool)    { return a.state, true }
func (a *fastArm) Way(time.Duration) control.Way { return control.Way{Heard: true, Leased: true} }

// runningLoop is a loop that runs on such a rig and holds.
func runningLoop(t *testing.T, arm *fastArm) *loop {
	t.Helper()
	eye, panda := camera.NewLatest("front"), robot.Panda()
	eye.Put(&camera.Frame{Camera: "front", Seq: 1, Width: 1, Height: 1, Pix: []byte{1, 2, 3}})
	arm.state.Seq, arm.state.Q = 1, panda.Home
	c, err := control.New(control.Config{
		Pilot: control.Pilot{Actor: control.Holder{}, Limits: panda.Limits, Bundle: "none"}, Rig: arm, Way: arm, Cameras: []*camera.Latest{eye},
		Joints: 7, Limits: panda.Limits, Period: 10 * time.Millisecond, ControlPeriod: 80 * time.Millisecond, Clock: func() time.Duration { return 0 },
		Bounds: supervisor.Bounds{StateSilent: time.Second, Action: time.Second, ClampedShare: 1},
	})
	if err != nil {
		t.Fatal(err)
	}
	l := &loop{Loop: c, link: &topic.Link{}}
	if err := errors.Join(l.Think(), l.Arm(), l.Start()); err != nil {
		t.Fatal(err)
	}
	return l
}

// TestStopAfterALostTrial: what the arm did is told with the joint, and another trial can be armed where a reset undoes it;
// elsewhere the fault stays latched.
func TestStopAfterALostTrial(t *testing.T) {
	for _, resets := range []bool{true, false} {
		arm := new(fastArm)
		l := runningLoop(t, arm)
		l.resets = resets
		arm.state.Seq, arm.state.DQ[0] = 2, 9
		l.Step()
		arm.state.Seq, arm.state.DQ[0] = 3, 0 // as after a reset
		l.Step()
		err := l.Stop()
		var lost *evaluation.LostError
		if errors.As(err, &lost) != resets || !strings.Contains(err.Error(), "was measured at 0.000 rad and 9.000 rad/s") {
			t.Errorf("resets %t: %v", resets, err)
		}
		if armed := l.Arm() == nil; armed != resets {
			t.Errorf("resets %t: the next trial can be armed: %t", resets, armed)
		}
	}
}

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
