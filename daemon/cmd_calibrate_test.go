package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sim2reald/calibration"
	"sim2reald/calibration/calibrationtest"
)

// rig is a folder of rendered pictures and samples whose truth is known.
func rig(t *testing.T, w calibrationtest.Truth, n int) (dir string, pictures []string) {
	t.Helper()
	dir = t.TempDir()
	rays, texture := calibrationtest.NewRays(w.Lens), calibrationtest.ChessTexture(w.Board)
	var lines bytes.Buffer
	for i, s := range w.Samples(n, rand.New(rand.NewPCG(11, 12))) {
		at, err := calibration.BoardPose(w.Lens, w.Board, s.View)
		if err != nil {
			t.Fatal(err)
		}
		name := fmt.Sprintf("%02d.png", i)
		pictures = append(pictures, filepath.Join(dir, name))
		writePNG(t, pictures[i], rays.Render(at, texture))
		q := s.TBaseFlange.R.Quat()
		line, _ := json.Marshal(map[string]any{"picture": name, "base_flange": map[string]any{
			"translation": s.TBaseFlange.T, "rotation": []float64{q.W, q.X, q.Y, q.Z},
		}})
		fmt.Fprintf(&lines, "%s\n", line)
	}
	if err := os.WriteFile(filepath.Join(dir, "samples.jsonl"), lines.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir, pictures
}

func writePNG(t *testing.T, path string, p calibration.Picture) {
	t.Helper()
	var out bytes.Buffer
	if err := png.Encode(&out, &image.Gray{Pix: p.Grey, Stride: p.Width, Rect: image.Rect(0, 0, p.Width, p.Height)}); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, out.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestCalibrate goes the whole way by the commands' own parts: pictures to lens, lens and samples to the camera's
// pose, both to the simulator's camera.
func TestCalibrate(t *testing.T) {
	w := calibrationtest.Default(calibration.EyeInHand)
	w.Near, w.Far, w.Pixel = 0.35, 0.6, 0
	dir, pictures := rig(t, w, 14)
	blank := filepath.Join(dir, "blank.png")
	writePNG(t, blank, calibration.Picture{Width: 640, Height: 480, Grey: make([]byte, 640*480)})
	board := boardFlags{pattern: "chessboard", size: "7x5", square: 0.03, dictionary: "4X4_50"}
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

	var said bytes.Buffer
	lens := intrinsicsFlags{boardFlags: board, model: "plumb_bob", out: filepath.Join(dir, "lens.yaml"), format: "ros", serial: "A1", name: "wrist"}
	found, err := lens.run(append(pictures, blank), now, &said)
	if err != nil {
		t.Fatal(err)
	}
	if err := lens.write(found); err != nil {
		t.Fatal(err)
	}
	if math.Abs(found.Lens.Fx/600-1) > 0.002 || !strings.Contains(said.String(), "left out "+blank+": the board was not found") {
		t.Errorf("fx %.2f px; said: %s", found.Lens.Fx, &said)
	}

	hand := handEyeFlags{boardFlags: board, kind: "eye_in_hand", intrinsics: lens.out, out: filepath.Join(dir, "wrist.calib"), name: "wrist", robot: "panda 7",
		frames: calibration.FrameNames{Base: "base", Flange: "flange", Camera: "camera", Board: "board"}}
	said.Reset()
	if err := hand.run([]string{filepath.Join(dir, "samples.jsonl")}, now, &said); err != nil {
		t.Fatalf("%v; said: %s", err, &said)
	}
	data, err := os.ReadFile(hand.out)
	if err != nil {
		t.Fatal(err)
	}
	file, err := calibration.ParseCalib(data)
	if err != nil {
		t.Fatal(err)
	}
	d := file.TParentCamera.Inverse().Mul(w.Poses.TParentCamera)
	if off := math.Hypot(d.T[0], math.Hypot(d.T[1], d.T[2])); off > 2e-3 || d.R.Angle() > 3e-3 {
		t.Errorf("off by %.2f mm and %.4f rad; said: %s", 1e3*off, d.R.Angle(), &said)
	}
	if err := file.Record.Fresh(hand.out, now.Add(time.Hour), 24*time.Hour, "A1"); err != nil {
		t.Error(err)
	}

	for _, path := range []string{lens.out, hand.out} {
		if r, _, err := readRecord(path); err != nil || !r.Date.Equal(now) || r.Serial != "A1" || r.Samples < 10 {
			t.Errorf("%s: %v, %+v", path, err, r)
		}
	}
	if err := cmdCalibrateCheck(t.Context(), []string{"-serial", "B2", lens.out}); err == nil || !strings.Contains(err.Error(), `is of camera "A1", and this is "B2"`) {
		t.Error(err)
	}
	if err := cmdCalibrateCheck(t.Context(), []string{"-serial", "A1", "-days", "36400", "-robot", "panda 7", hand.out, lens.out}); err != nil {
		t.Error(err)
	}

	if err := cmdCalibrateCheck(t.Context(), []string{"-serial", "A1", "-days", "36400", "-robot", "panda 8", hand.out}); err == nil || !strings.Contains(err.Error(), `is of robot "panda 7"`) {
		t.Error(err)
	}

	said.Reset()
	if err := tellSim(lens.out, hand.out, "wrist", &said); err != nil || !strings.Contains(said.String(), `<camera name="wrist" fovy="43.`) {
		t.Errorf("%v: %s", err, &said)
	}
}

func TestCalibrateRefuses(t *testing.T) {
	dir := t.TempDir()
	small := filepath.Join(dir, "small.png")
	writePNG(t, small, calibration.Picture{Width: 64, Height: 48, Grey: make([]byte, 64*48)})
	large := filepath.Join(dir, "large.png")
	writePNG(t, large, calibration.Picture{Width: 128, Height: 96, Grey: make([]byte, 128*96)})
	text := filepath.Join(dir, "text.png")
	if err := os.WriteFile(text, []byte("no picture"), 0o644); err != nil {
		t.Fatal(err)
	}
	good := func() intrinsicsFlags {
		return intrinsicsFlags{boardFlags: boardFlags{pattern: "chessboard", size: "7x5", square: 0.03}, model: "plumb_bob", out: "x", format: "ros"}
	}
	for _, c := range []struct {
		spoil    func(f *intrinsicsFlags)
		pictures []string
		want     string
	}{
		{func(f *intrinsicsFlags) { f.size = "7" }, []string{small}, `-board "7"; want columns and rows`},
		{func(f *intrinsicsFlags) { f.size = "7x5x" }, []string{small}, `-board "7x5x"; want columns and rows`},
		{func(f *intrinsicsFlags) { f.square = 0 }, []string{small}, "board square of 0 m"},
		{func(f *intrinsicsFlags) { f.square = math.NaN() }, []string{small}, "board square of NaN m"},
		{func(f *intrinsicsFlags) { f.model = "fisheye" }, []string{small}, `-model "fisheye"; want`},
		{func(f *intrinsicsFlags) { f.format = "xml" }, []string{small}, `-format "xml"; want ros or opencv`},
		{func(f *intrinsicsFlags) { f.out = "" }, []string{small}, "-out is missing"},
		{func(*intrinsicsFlags) {}, nil, "no pictures"},
		{func(*intrinsicsFlags) {}, []string{small}, "too few views: 0 are usable, want 5"},
		{func(*intrinsicsFlags) {}, []string{small, large}, "large.png is 128x96 px"},
		{func(*intrinsicsFlags) {}, []string{text}, "want PNG or JPEG"},
		{func(*intrinsicsFlags) {}, []string{filepath.Join(dir, "none.png")}, "none.png"},
	} {
		f := good()
		c.spoil(&f)
		_, err := f.run(c.pictures, time.Time{}, io.Discard)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%v, want %q", err, c.want)
		}
	}
}
