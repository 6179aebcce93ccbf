package main

import (
	"math"
	"strings"
	"testing"
	"time"

	"sim2reald/camera"
	"sim2reald/camera/cameratest"
	"sim2reald/camera/device"
	"sim2reald/daemon/config"
)

// TestProbeOfAStream counts a real stream's pictures, its rate and its colour.
func TestProbeOfAStream(t *testing.T) {
	s := cameratest.Serve(t, cameratest.Options{})
	cameratest.Push(t, s.URL(), cameratest.MJPEG, "320x240", 20, "-vf", "drawbox=color=0xC86432:t=fill")
	<-s.Published()
	f := &probeFlags{camera: config.Camera{Name: "probe", Source: s.URL()}, frames: 10, wait: cameratest.Patience}
	r, err := f.probe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if r.Frames != 10 || r.Width != 320 || r.Height != 240 || r.Rate < 10 || r.Rate > 40 || r.Repeated < 1 {
		t.Errorf("%+v", r)
	}
	for i, want := range []float64{0xC8, 0x64, 0x32} {
		if math.Abs(r.Colour[i]-want) > 4 {
			t.Errorf("mean colours %.0f", r.Colour)
		}
	}
}

// TestProbeReport is arithmetic on three pictures that came after 1, 1.1 and 1.4 s.
func TestProbeReport(t *testing.T) {
	now := time.Duration(0)
	p := &cameraProbeState{frames: 3, clock: func() time.Duration { return now }, came: make(chan struct{}, 1), done: make(chan struct{})}
	for _, ms := range []int{1000, 1100, 1400, 1500} { // one more than asked for
		arrival := time.Duration(ms) * time.Millisecond
		now = arrival + 5*time.Millisecond
		p.put(&camera.Frame{Arrival: arrival, Width: 1, Height: 1, Pix: []byte{10, 20, byte(ms / 100)}})
	}
	r := p.report("rtsp://a:hunter2@h/x?t=hunter2")
	if r.Frames != 3 || math.Abs(r.Rate-5) > 1e-9 || math.Abs(r.Interval.P50-0.1) > 1e-9 || math.Abs(r.Interval.Max-0.3) > 1e-9 ||
		math.Abs(r.Jitter-0.1) > 1e-9 || math.Abs(r.Decode.P99-0.005) > 1e-9 || r.First != 1 || r.Latency != nil || r.Repeated != 0 {
		t.Errorf("%+v", r)
	}
	if want := 35. / 3; r.Colour[0] != 10 || math.Abs(r.Colour[2]-want) > 1e-9 {
		t.Errorf("colours %v", r.Colour)
	}
	r.Controls = []device.Control{{Name: "auto_exposure", Value: 3, Min: 0, Max: 3, Default: 3, Menu: map[int32]string{3: "Aperture Priority Mode"}}, {Name: "exposure_time_absolute", Value: 250, Min: 3, Max: 2047, Default: 250, Inactive: true}}
	var text strings.Builder
	want := "control              auto_exposure: 3 (Aperture Priority Mode), 0 to 3, default 3\n" +
		"control              exposure_time_absolute: 250, 3 to 2047, default 250, inactive: an automatic one decides it\n"
	if err := r.print(&text); err != nil || !strings.HasSuffix(text.String(), want) {
		t.Errorf("%v: %s", err, &text)
	}
	if strings.Contains(r.Source, "hunter") {
		t.Errorf("shows %s", r.Source)
	}
}

// TestProbeOfNothing says what to do, and nothing of what stood in a URL that holds a password.
func TestProbeOfNothing(t *testing.T) {
	for source, want := range map[string]string{
		"rtsp://127.0.0.1:1/x":           "check that the camera is on",
		"rtsp://anna:hunter2@127.0.0.1/": "put user:password into a file",
		"/dev/video97":                   "no such device",
	} {
		f := &probeFlags{camera: config.Camera{Name: "probe", Source: source}, frames: 2, wait: time.Second}
		if _, err := f.probe(t.Context()); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter") {
			t.Errorf("%s: %v", camera.Shown(source), err)
		}
	}
}
