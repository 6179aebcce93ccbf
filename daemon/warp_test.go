package main

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sim2reald/calibration"
	"sim2reald/calibration/calibrationtest"
	"sim2reald/camera"
	"sim2reald/daemon/config"
)

// TestWarper makes of a distorted camera's picture the simulated one's, which is rendered beside it as the truth.
func TestWarper(t *testing.T) {
	truth := calibrationtest.Default(calibration.EyeInHand)
	truth.Lens.D = []float64{-0.25, 0.08, 0.001, -0.001, 0}
	sim, err := calibration.Pinhole(224, 224, 0.6)
	if err != nil {
		t.Fatal(err)
	}
	at := calibration.Transform{R: calibration.Identity().R, T: calibration.Vec{-0.09, -0.06, 0.5}}
	texture := calibrationtest.ChessTexture(truth.Board)
	seen := calibrationtest.NewRays(truth.Lens).Render(at, texture)
	want := calibrationtest.NewRays(calibration.Lens{Intrinsics: sim, Model: calibration.PlumbBob, D: make([]float64, 5)}).Render(at, texture)

	path := filepath.Join(t.TempDir(), "lens.yaml")
	text, err := calibration.CameraInfo(calibration.LensResult{Record: calibration.Record{Date: time.Now(), Serial: "A1", Samples: 9}, Name: "wrist", Lens: truth.Lens, SD: make([]float64, 9)})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	cfg := config.Default()
	cfg.Cameras = []config.Camera{{Name: "wrist", Source: "x.mp4", Serial: "A1", Intrinsics: path, Warp: config.Warp{Width: 224, Height: 224, FovyRad: 0.6}}, {Name: "plain", Source: "y.mp4"}}
	w := &workcell{cfg: cfg, log: newLog()}
	warped, err := w.warper(0)
	if err != nil {
		t.Fatal(err)
	}
	f := &camera.Frame{Camera: "wrist", Seq: 7, Taken: 3, Width: seen.Width, Height: seen.Height}
	for _, g := range seen.Grey {
		f.Pix = append(f.Pix, g, g, g)
	}
	got, err := warped(f)
	if err != nil || got.Seq != 7 || got.Taken != 3 || got.Width != 224 || got.Height != 224 {
		t.Fatalf("%v: %+v", err, got)
	}
	var off, contrast float64
	for i, g := range want.Grey {
		off += math.Abs(float64(got.Pix[3*i])-float64(g)) / float64(len(want.Grey))
		contrast += math.Abs(float64(g)-128) / float64(len(want.Grey))
	}
	if off > 2 || contrast < 20 {
		t.Errorf("off by %.2f levels in the mean, of a picture that is %.0f from grey", off, contrast)
	}
	again, err := warped(f)
	if err != nil || &again.Pix[0] != &got.Pix[0] {
		t.Errorf("%v: another buffer for each picture", err)
	}
	f.Width, f.Height = f.Height, f.Width
	if _, err := warped(f); err == nil || !strings.Contains(err.Error(), "calibrate the lens at the size that is used") {
		t.Errorf("a picture of another size: %v", err)
	}
	if plain, err := w.warper(1); plain != nil || err != nil {
		t.Errorf("a camera without a warp: %v", err)
	}
}
