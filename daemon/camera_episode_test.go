package main

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sim2reald/camera"
	"sim2reald/daemon/config"
)

// TestRecordedEpisode is shown at its own rate, and what is not there is said.
func TestRecordedEpisode(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "native")
	drawnDemonstrations(t, dir)
	var log bytes.Buffer
	w := onlooker(t, &log, config.Camera{Name: "front", Source: "episode:" + dir + "#1", Loop: true})
	if err := w.openCameras(t.Context()); err != nil {
		t.Fatal(err)
	}
	var f camera.Frame
	if err := w.cameras[0].Read(&f, w.clock(), time.Hour); err != nil || f.Width != 64 || f.Height != 64 {
		t.Errorf("%dx%d, %v", f.Width, f.Height, err)
	}
	opt, err := deviceOptions(w.cfg.Cameras[0], "cameras[0]")
	if err != nil || opt.RateHz != 10 || opt.Series.Len == 0 {
		t.Errorf("%g Hz, %v", opt.RateHz, err)
	}
	for source, want := range map[string]string{
		"episode:" + dir:            "names no episode; write episode:DIR#SEED",
		"episode:" + dir + "#first": `"first" is no seed`,
		"episode:" + dir + "#7":     "7",
		"episode:" + dir + "/no#1":  "cameras[0].source: ",
	} {
		_, err := deviceOptions(config.Camera{Name: "front", Source: source}, "cameras[0]")
		if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "cameras[0].source: ") {
			t.Errorf("%s: %v", source, err)
		}
	}
	if _, err := deviceOptions(config.Camera{Name: "wrist", Source: "episode:" + dir + "#1"}, "cameras[0]"); err == nil || !strings.Contains(err.Error(), "has no camera wrist") {
		t.Errorf("%v", err)
	}
}
