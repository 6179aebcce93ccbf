package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"sim2reald/camera/cameratest"
	"sim2reald/daemon/topic"
)

// TestCameraServerDies under a moving arm whose policy looks through RTSP: it holds within 700 ms because its pictures are
// too old, stays well otherwise, and the daemon goes on without a fault. What the pictures show is GStreamer's.
func TestCameraServerDies(t *testing.T) {
	url, peer := cameratest.GStreamer(t, cameratest.H264, "224x224", 25)
	s := newService(t, fmt.Sprintf("cameras: [{name: default, source: %q}]", url))
	s.awaitMode("disarmed", 60*time.Second)
	s.move("camera-dies")
	at := time.Now()
	peer.Kill()
	hold := func(c heard[topic.JointCommand]) bool { return c.msg.Mode == "hold" }
	eventually(t, 5*time.Second, "a hold", func() bool { return slices.ContainsFunc(s.commandsSince(at), hold) })
	s.onlyHolds(at, 700*time.Millisecond, "holding")
	first := slices.IndexFunc(s.commandsSince(at), hold)
	t.Logf("held %v after the server's death", s.commandsSince(at)[first].at.Sub(at))
	// A plan made from the last picture may run out as well, earlier where inference is slow.
	s.awaitMode("holding", time.Second)
	tooOld := func() bool { return strings.Contains(s.newestStatus().msg.Why, "frame_stale") }
	eventually(t, 2*time.Second, "the picture to be too old", tooOld)
	if status := s.newestStatus().msg; status.Fault != 0 {
		t.Errorf("fault %d, %s", status.Fault, status.Why)
	}
}
