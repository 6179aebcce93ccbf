package main

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sim2reald/camera"
	"sim2reald/camera/cameratest"
	"sim2reald/daemon/config"
	"sim2reald/daemon/topic"
	"sim2reald/daemon/web"
)

// onlooker is a workcell of which nothing is there but its cameras.
func onlooker(t *testing.T, log *bytes.Buffer, cameras ...config.Camera) *workcell {
	t.Helper()
	began := time.Now()
	w := &workcell{
		log: slog.New(slog.NewTextHandler(log, nil)), clock: func() time.Duration { return time.Since(began) }, pictures: map[string]web.Picture{},
	}
	w.cfg.Cameras, w.fact.Clock = cameras, "realtime"
	for _, c := range cameras {
		w.cameras = append(w.cameras, camera.NewLatest(c.Name))
		w.screens = append(w.screens, camera.NewLatest(c.Name))
	}
	t.Cleanup(w.rest)
	return w
}

// rest ends the cameras; the log is complete then.
func (w *workcell) rest() {
	w.stop()
	w.workers.Wait()
}

// TestStreamOfTheConfiguration: user and password come out of a file, the loop's slot and the page get pictures, and
// nothing that is logged or said shows the password.
func TestStreamOfTheConfiguration(t *testing.T) {
	s := cameratest.Serve(t, cameratest.Options{User: "anna", Password: "hunter2:x"})
	cameratest.Push(t, s.URL(), cameratest.H264, "320x240", 20)
	<-s.Published()
	secret := filepath.Join(t.TempDir(), "camera")
	if err := os.WriteFile(secret, []byte("anna:hunter2:x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	w := onlooker(t, &log, config.Camera{Name: "front", Source: s.URL(), CredentialsFile: secret})
	if err := w.openCameras(t.Context()); err != nil {
		t.Fatal(err)
	}
	if width, height := w.cameras[0].Size(); width != 320 || height != 240 {
		t.Errorf("%dx%d", width, height)
	}
	deadline := time.Now().Add(cameratest.Patience)
	for p, ok := w.picture("front"); !ok || !bytes.HasPrefix(p.Data, []byte{0xff, 0xd8}); p, ok = w.picture("front") {
		if time.Now().After(deadline) {
			t.Fatal("the page has no picture")
		}
	}
	w.rest()
	if strings.Contains(log.String(), "hunter") {
		t.Errorf("the password is in the log: %s", &log)
	}
}

// TestStreamThatCannotBeRead says why at start, and what to do.
func TestStreamThatCannotBeRead(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return filepath.Join(dir, name)
	}
	s := cameratest.Serve(t, cameratest.Options{})
	for name, c := range map[string]struct {
		camera config.Camera
		want   string
	}{
		"nobody there":       {config.Camera{Source: "rtsp://127.0.0.1:1/x"}, "connection refused; check that the camera is on, and cameras[0].source"},
		"no such path":       {config.Camera{Source: s.URL()}, "404 (Not Found); check the path in cameras[0].source"},
		"no credentials":     {config.Camera{Source: s.URL(), CredentialsFile: filepath.Join(dir, "none")}, "cameras[0].credentials_file: "},
		"credentials, alone": {config.Camera{Source: s.URL(), CredentialsFile: write("alone", "hunter2\n")}, "is not user:password"},
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			c.camera.Name = "front"
			w := onlooker(t, &log, c.camera)
			err := w.openCameras(t.Context())
			w.rest()
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error()+log.String(), "hunter") {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
		})
	}
}

// TestOut serves what a camera sends by RTSP again, plain and with words on it, to a source of our own.
func TestOut(t *testing.T) {
	s := cameratest.Serve(t, cameratest.Options{})
	cameratest.Push(t, s.URL(), cameratest.H264, "320x240", 20)
	<-s.Published()
	var log bytes.Buffer
	w := onlooker(t, &log, config.Camera{Name: "front", Source: s.URL()})
	w.cfg.Web.RTSP = "127.0.0.1:0"
	if err := w.openOut(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.out.Close)
	if err := w.openCameras(t.Context()); err != nil {
		t.Fatal(err)
	}
	for path, width := range map[string]int{"front": 320, "front/annotated": 640} {
		f := &probeFlags{camera: config.Camera{Name: "probe", Source: w.out.URL(path)}, frames: 3, wait: cameratest.Patience}
		r, err := f.probe(t.Context())
		if err != nil || r.Width != width || r.Repeated != 0 {
			t.Errorf("%s: %+v, %v", path, r, err)
		}
	}
}

func TestWordsOfAStatus(t *testing.T) {
	got := strings.Join(wordsOf(topic.Status{
		Mode: "HOLDING", Why: "no picture", Gripper: 0.5, Joints: []topic.JointStatus{{Commanded: 0.25}, {Commanded: -1}},
		Ages: []topic.AgeStatus{{Name: "camera front", Age: 0.012}},
	}), "\n")
	if want := "HOLDING: no picture\nrad/s +0.25 -1.00, gripper 0.50\nms camera front 12"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
