package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"sim2reald/camera"
	"sim2reald/camera/cameratest"
	"sim2reald/daemon/config"
	"sim2reald/daemon/control"
	"sim2reald/daemon/control/supervisor"
)

// TestTwoStreams of two real peers, at 25 and 10 Hz: what is looked at was taken within 50 ms of each other, and when one
// hangs, the other goes on as before and status can name the one that is behind.
func TestTwoStreams(t *testing.T) {
	quick, _ := cameratest.GStreamer(t, cameratest.H264, "160x120", 25)
	s := cameratest.Serve(t, cameratest.Options{})
	slow := cameratest.Push(t, s.URL(), cameratest.MJPEG, "160x120", 10)
	<-s.Published()
	var log bytes.Buffer
	w := onlooker(t, &log, config.Camera{Name: "front", Source: quick, Clock: "arrival"}, config.Camera{Name: "wrist", Source: s.URL()})
	for _, c := range w.cameras {
		c.Keep(300 * time.Millisecond)
	}
	if err := w.openCameras(t.Context()); err != nil {
		t.Fatal(err)
	}
	l, err := control.New(control.Config{
		Cameras: w.cameras, Together: 50 * time.Millisecond, Joints: 1, ControlPeriod: time.Second, Bounds: supervisor.Bounds{Action: time.Second},
	})
	if err != nil {
		t.Fatal(err)
	}
	sets := 0
	var worst time.Duration
	for range 50 {
		<-w.cameras[0].Updated()
		if a, _ := l.Apart(); a.Set {
			sets, worst = sets+1, max(worst, a.Spread)
		}
	}
	t.Logf("%d sets of 50 looks, at most %v apart", sets, worst)
	if sets < 40 || worst > 50*time.Millisecond {
		t.Errorf("%d sets of 50 looks, at most %v apart", sets, worst)
	}
	slow.Stop(t)
	began := w.clock()
	for range 50 {
		<-w.cameras[0].Updated()
	}
	took := w.clock() - began
	if a, _ := l.Apart(); a.Set || a.Behind != "wrist" || took > 6*time.Second {
		t.Errorf("50 pictures in %v, %+v", took, a)
	}
}

// TestLookOfSeveral gives what was taken together, and names the camera that is behind where nothing was.
func TestLookOfSeveral(t *testing.T) {
	const ms = time.Millisecond
	now := time.Second
	w := &workcell{clock: func() time.Duration { return now }}
	w.cfg.Ages.FrameMs, w.cfg.Ages.ApartMs = 300, 50
	for _, name := range []string{"front", "wrist"} {
		w.cameras = append(w.cameras, camera.NewLatest(name))
		w.cameras[len(w.cameras)-1].Keep(300 * ms)
	}
	show := func(i int, taken time.Duration) {
		w.cameras[i].Put(&camera.Frame{Camera: w.cameras[i].Camera(), Arrival: now, Taken: taken, Width: 1, Height: 1, Pix: make([]byte, 3)})
	}
	if _, err := w.look(); err == nil || !strings.Contains(err.Error(), "camera front: no frame yet") {
		t.Errorf("nothing: %v", err)
	}
	show(0, 900*ms)
	show(0, 980*ms)
	show(1, 910*ms)
	frames, err := w.look()
	if err != nil || frames[0].Taken != 900*ms || frames[1].Taken != 910*ms {
		t.Errorf("%v, %v", frames, err)
	}
	now = 1250 * ms
	show(0, 1240*ms)
	if _, err := w.look(); err == nil || err.Error() != "camera wrist: newest frame is 340ms old, more than 300ms; check that the source still sends" {
		t.Errorf("stale: %v", err)
	}
	show(1, 1100*ms)
	w.cameras[0].Keep(10 * ms)
	show(0, 1250*ms)
	if _, err := w.look(); err == nil || err.Error() != "camera wrist is 150ms behind, and no new pictures were taken within 50 ms of each other; check it and its clock, or raise ages.apart_ms" {
		t.Errorf("apart: %v", err)
	}
}
