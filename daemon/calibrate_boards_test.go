package main

import (
	"bytes"
	"image/jpeg"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sim2reald/calibration"
	"sim2reald/calibration/calibrationtest"
	"sim2reald/calibration/live"
	"sim2reald/robot"
)

// TestLiveBoards calibrates lenses before every kind of board, by what serves the page and by what the page asks.
func TestLiveBoards(t *testing.T) {
	for _, c := range []struct {
		name string
		lens calibration.Lens
		near float64 // m
		cut  bool
		args string
		what string // that the page says
	}{
		{"charuco, cut off", pinhole(), 0.3, true, "-pattern charuco -board 8x6 -square 0.03 -marker 0.022", "charuco 8x6, 30 mm, markers 4X4_50 of 22 mm"},
		{"circles", pinhole(), 0.42, false, "-pattern circles -board 7x5 -square 0.03", "circles 7x5, 30 mm"},
		{"shifted circles", pinhole(), 0.42, false, "-pattern acircles -board 4x9 -square 0.02", "acircles 4x9, 20 mm"},
		{"fisheye, chessboard", fisheye(), 0.22, false, "-board 7x5 -square 0.03 -model equidistant", "chessboard 7x5, 30 mm"},
		{"fisheye, charuco", fisheye(), 0.2, true, "-pattern charuco -board 8x6 -square 0.03 -marker 0.022 -model equidistant -format opencv", "charuco 8x6"},
	} {
		t.Run(c.name, func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "lens.yaml")
			s := newStudio(t, c.lens, append(strings.Fields(c.args), "-serial", "A1", "-out", out)...)
			s.ask("start")
			whole := len(s.truth.Board.Points())
			parts := 0
			for n := range 10 {
				before := s.session.Kept()
				at := s.held(n, c.near, c.cut)
				corners := s.hold(at)
				if s.session.Kept() == before {
					t.Logf("view %d: %s", n, s.shown().Now)
					continue
				}
				if len(corners) < whole {
					parts++
				}
				s.marked(corners)
			}
			page := s.shown()
			if !strings.Contains(page.What, c.what) || len(page.Views) < 8 || !page.Enough || len(page.Missing) > 0 {
				t.Fatalf("%q, %d views, missing %q", page.What, len(page.Views), page.Missing)
			}
			if c.cut != (parts > 2) {
				t.Errorf("%d views of a board that was cut off", parts)
			}
			s.ask("solve", "save")
			s.holdsTruth(out)
		})
	}
}

// marked looks for rings around a view's corners in the newest picture.
func (s *studio) marked(corners []calibration.Corner) {
	s.t.Helper()
	p, _ := s.seen(s.eye.Camera())
	img, err := jpeg.Decode(bytes.NewReader(p.Data))
	if err != nil {
		s.t.Fatal(err)
	}
	ringed := 0
	for _, c := range corners {
		r, g, _, _ := img.At(int(c.U+0.5)+max(3, img.Bounds().Dx()/120), int(c.V+0.5)).RGBA()
		if g > r+0x3000 {
			ringed++
		}
	}
	if ringed < len(corners)*3/4 { // a ring may be cut off, or lie under another one
		s.t.Errorf("%d of %d corners have a green ring", ringed, len(corners))
	}
}

// holdsTruth holds the saved lens to the one that drew, and the page to the file.
func (s *studio) holdsTruth(path string) {
	s.t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		s.t.Fatal(err)
	}
	r, err := calibration.ParseLens(data)
	if err != nil {
		s.t.Fatal(err)
	}
	want, page := s.truth.Lens, s.shown()
	s.t.Logf("%s; f %.3f (%s), %.3f of %.3f, %.3f", page.Result.Title, r.Lens.Fx, page.Result.Rows[0].Spread, r.Lens.Fy, want.Fx, want.Fy)
	if math.Abs(r.Lens.Fx/want.Fx-1) > 0.002 || math.Abs(r.Lens.Fy/want.Fy-1) > 0.002 || r.RMS > 0.2 || r.Samples < 8 || r.Serial != "A1" {
		s.t.Errorf("focal lengths %.3f and %.3f px, want %.3f and %.3f within 0.2 %%; %+v", r.Lens.Fx, r.Lens.Fy, want.Fx, want.Fy, r.Record)
	}
	// A ray goes where it goes in truth, out to the picture's edge, whatever the model.
	worst := 0.0
	for u := 0.02; u < 1; u += 0.06 {
		for v := 0.02; v < 1; v += 0.06 {
			ray, ok := want.Unproject(u*float64(want.Width), v*float64(want.Height))
			x, y, seen := r.Lens.Project(ray)
			if !ok || !seen {
				s.t.Fatalf("no ray at %g, %g", u, v)
			}
			worst = max(worst, math.Hypot(x-u*float64(want.Width), y-v*float64(want.Height)))
		}
	}
	s.t.Logf("a ray is off by %.2f px at most", worst)
	if worst > 2.5 {
		s.t.Errorf("a ray is off by %.2f px", worst)
	}
	if page.Saved != path || len(page.Result.Rows) != len(r.Lens.Names()) || page.Result.Rows[5].Name != r.Lens.Names()[5] || !strings.HasSuffix(page.Views[0].Error, " px") {
		s.t.Errorf("the page says %+v", page.Result)
	}
}

// TestLiveHandOfAnotherBoard calibrates a fisheye in the hand before a ChArUco board.
func TestLiveHandOfAnotherBoard(t *testing.T) {
	dir := t.TempDir()
	known := fisheye()
	data, err := calibration.CameraInfo(calibration.LensResult{Record: calibration.Record{Date: time.Now(), Serial: "A1", Samples: 9, RMS: 0.1}, Name: "default", Lens: known})
	if err != nil {
		t.Fatal(err)
	}
	lens, out := filepath.Join(dir, "lens.yaml"), filepath.Join(dir, "hand.calib")
	if err := os.WriteFile(lens, data, 0o600); err != nil {
		t.Fatal(err)
	}
	s := newStudio(t, known, "-kind", "eye_in_hand", "-intrinsics", lens, "-pattern", "charuco", "-board", "8x6", "-square", "0.03", "-marker", "0.022", "-out", out)
	s.robot = "panda 1"
	s.arm = func() (robot.State, *live.Arm) { return robot.State{}, s.hand }
	truth := calibrationtest.Default(calibration.EyeInHand).Poses
	s.ask("start")
	for n := range 10 {
		at := s.held(n, 0.2, false)
		tBoardFlange := truth.TParentCamera.Mul(at).Inverse()
		s.hand = &live.Arm{TBaseFlange: truth.TOtherBoard.Mul(tBoardFlange)}
		s.hold(at)
	}
	if page := s.shown(); len(page.Views) < 8 || !page.Enough || page.Kind != "eye_in_hand" {
		t.Fatalf("%d views, missing %q", len(page.Views), page.Missing)
	}
	s.ask("solve", "save")
	if at := s.shown().Views[0].Error; !strings.HasSuffix(at, " mm") {
		t.Errorf("the first view is off by %q", at)
	}
	if data, err = os.ReadFile(out); err != nil {
		t.Fatal(err)
	}
	file, err := calibration.ParseCalib(data)
	if err != nil {
		t.Fatal(err)
	}
	d := file.TParentCamera.Inverse().Mul(truth.TParentCamera)
	off := math.Hypot(d.T[0], math.Hypot(d.T[1], d.T[2]))
	t.Logf("off by %.3f mm and %.4f degrees; %s", 1e3*off, d.R.Angle()*degreesPerRad, s.shown().Result.Title)
	if off > 1e-3 || d.R.Angle() > 0.2/degreesPerRad || file.Record.Serial != "A1" || file.Record.Robot != "panda 1" {
		t.Errorf("off by %.3f mm and %.4f degrees; %+v", 1e3*off, d.R.Angle()*degreesPerRad, file.Record)
	}
}

// TestLiveRefuses: what cannot be is refused in one line before a camera is opened.
func TestLiveRefuses(t *testing.T) {
	for args, want := range map[string]string{
		"-board 7x5 -square 0.03":                                                       "-out is missing",
		"-out x -board 7 -square 0.03":                                                  `-board "7"; want columns and rows`,
		"-out x -pattern hexagons -board 7x5 -square 0.03":                              `board pattern "hexagons" is not known`,
		"-out x -pattern charuco -board 8x6 -square 0.03":                               "board marker of 0 m; want more than 0 and less than the square's 0.03 (-pattern, -board, -square, -marker, -dictionary)",
		"-out x -pattern charuco -board 8x6 -square 0.03 -marker 0.02 -dictionary 9X9":  `dictionary "9X9" is not known`,
		"-out x -board 7x5 -square 0.03 -model fisheye":                                 `-model "fisheye"; want plumb_bob, rational_polynomial or equidistant`,
		"-out x -board 7x5 -square 0.03 -camera wrist":                                  `-camera "wrist" is not in the configuration`,
		"-out x -board 7x5 -square 0.03 -drive":                                         "-drive, -poses and -intrinsics are for hand-eye",
		"-out x -board 7x5 -square 0.03 -kind eye_in_hand":                              "-intrinsics is missing",
		"-out x -board 7x5 -square 0.03 -kind eye_in_hand -intrinsics y -poses z":       "-poses is for -drive",
		"-out x -rehearse lenses":                                                       `-rehearse "lenses"; want lens, eye_in_hand or eye_to_hand`,
		"-out x -rehearse lens -pattern circles":                                        "-rehearse shows a chessboard of 7x5 corners and squares of 0.03 m alone; leave -pattern, -board and -square out",
		"-out x -rehearse lens -board 8x6 -square 0.03":                                 "-rehearse shows a chessboard of 7x5",
		"-out x -rehearse eye_in_hand -intrinsics y -board 7x5 -square 0.025 -serial A": "-rehearse shows a chessboard of 7x5",
	} {
		_, _, err := parsedLive(t, strings.Fields(args)...).check()
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, want %q", args, err, want)
		}
	}
}
