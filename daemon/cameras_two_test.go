package main

import (
	"bytes"
	"testing"
	"time"

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
