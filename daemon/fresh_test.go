package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sim2reald/calibration"
	"sim2reald/camera"
	"sim2reald/daemon/config"
	"sim2reald/daemon/topic"
)

// TestCalibrated is what refuses to arm, each in one line with its remedy.
func TestCalibrated(t *testing.T) {
	good := calibration.Record{Date: time.Now().Add(-time.Hour), Serial: "A1", Robot: "panda 7", Samples: 20, RMS: 0.1}
	cases := []struct {
		name  string
		spoil func(*calibration.Record, *calibration.Lens, *config.Camera)
		want  string // "" for nothing wrong
	}{
		{"as it should be", nil, ""},
		{"not configured", func(_ *calibration.Record, _ *calibration.Lens, c *config.Camera) { c.Intrinsics, c.HandEye = "", "" }, ""},
		{"old", func(r *calibration.Record, _ *calibration.Lens, _ *config.Camera) {
			r.Date = time.Now().AddDate(0, 0, -31)
		}, "31.0 days old, want at most 30.0 days; calibrate again"},
		{"to come", func(r *calibration.Record, _ *calibration.Lens, _ *config.Camera) {
			r.Date = time.Now().AddDate(0, 0, 1)
		}, "which is to come"},
		{"another camera's", func(r *calibration.Record, _ *calibration.Lens, _ *config.Camera) { r.Serial = "B2" }, `of camera "B2", and this is "A1"`},
		{"no samples", func(r *calibration.Record, _ *calibration.Lens, _ *config.Camera) { r.Samples = 0 }, "0 samples; calibrate again"},
		{"another size's", func(_ *calibration.Record, l *calibration.Lens, _ *config.Camera) { l.Width = 640 }, "pictures of 640x4 px, and camera wrist sends 4x4; calibrate the lens"},
		{"another robot's", func(r *calibration.Record, _ *calibration.Lens, _ *config.Camera) { r.Robot = "panda 8" }, `cameras[0].hand_eye: `},
		{"no robot's", func(r *calibration.Record, _ *calibration.Lens, _ *config.Camera) { r.Robot = "" }, `names no robot; calibrate again with -robot "panda 7"`},
		{"gone", func(_ *calibration.Record, _ *calibration.Lens, c *config.Camera) { c.Intrinsics = "nowhere.yaml" }, "nowhere.yaml: no such file or directory; calibrate again"},
		{"no calibration", func(_ *calibration.Record, _ *calibration.Lens, c *config.Camera) { c.HandEye = c.Intrinsics }, "easy_handeye2"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			dir, record := t.TempDir(), good
			lens := calibration.Lens{Intrinsics: calibration.Intrinsics{Width: 4, Height: 4, Fx: 5, Fy: 5, Cx: 1.5, Cy: 1.5}, Model: calibration.PlumbBob, D: make([]float64, 5)}
			cam := config.Camera{Name: "wrist", Source: "bridge", Serial: "A1", Intrinsics: filepath.Join(dir, "lens.yaml"), HandEye: filepath.Join(dir, "wrist.calib")}
			paths := [2]string{cam.Intrinsics, cam.HandEye}
			if c.spoil != nil {
				c.spoil(&record, &lens, &cam)
			}
			writeCalibration(t, paths, lens, record)
			cfg := config.Default()
			cfg.Cameras = []config.Camera{cam}
			w := &workcell{cfg: cfg, cameras: []*camera.Latest{camera.NewLatest("wrist")}}
			err := w.calibratedFor(topic.Factsheet{Model: "panda", Serial: "7", Cameras: []topic.CameraFact{{Name: "wrist", Width: 4, Height: 4}}})
			if c.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "cameras[0].") || strings.Contains(err.Error(), "\n") {
				t.Errorf("%v; want one line that says %q", err, c.want)
			}
		})
	}
}

func writeCalibration(t *testing.T, paths [2]string, l calibration.Lens, r calibration.Record) {
	t.Helper()
	lens, err := calibration.CameraInfo(calibration.LensResult{Record: r, Name: "wrist", Lens: l, SD: make([]float64, len(l.Names()))})
	if err != nil {
		t.Fatal(err)
	}
	hand, err := calibration.Calib(calibration.CalibFile{Name: "wrist", Kind: calibration.EyeInHand, TParentCamera: calibration.Identity(), Record: r})
	if err != nil {
		t.Fatal(err)
	}
	for i, data := range [][]byte{lens, hand} {
		if err := os.WriteFile(paths[i], data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
