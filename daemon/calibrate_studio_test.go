package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"math"
	"testing"
	"time"

	"sim2reald/calibration"
	"sim2reald/calibration/calibrationtest"
	"sim2reald/calibration/live"
	"sim2reald/calibration/opencv"
	"sim2reald/camera"
)

// studio shows rendered pictures of a board, whose truth is known, to what serves the calibration's page.
type studio struct {
	*sitter
	t       *testing.T
	truth   calibrationtest.Truth
	rays    calibrationtest.Rays
	texture calibrationtest.Texture
	now     time.Duration
	said    bytes.Buffer
	hand    *live.Arm
}

// parsedLive are the flags of calibrate live.
func parsedLive(t *testing.T, args ...string) *liveFlags {
	t.Helper()
	f := &liveFlags{}
	fs := flag.NewFlagSet("calibrate live", flag.ContinueOnError)
	f.set(fs)
	if err := fs.Parse(args); err != nil {
		t.Fatal(err)
	}
	return f
}

// newStudio takes the flags of calibrate live.
func newStudio(t *testing.T, l calibration.Lens, args ...string) *studio {
	t.Helper()
	f := parsedLive(t, args...)
	b, _, err := f.check()
	if err != nil {
		t.Fatal(err)
	}
	s := &studio{t: t, truth: calibrationtest.Truth{Lens: l, Board: b}, rays: calibrationtest.NewRays(l), texture: textureOf(t, b)}
	if s.sitter, err = f.sitter(b); err != nil {
		t.Fatal(err)
	}
	s.say, s.eye = &s.said, camera.NewLatest(f.camera)
	return s
}

func textureOf(t *testing.T, b calibration.Board) calibrationtest.Texture {
	t.Helper()
	switch b.Pattern {
	case calibration.Chessboard:
		return calibrationtest.ChessTexture(b)
	case calibration.Charuco:
		printed, err := opencv.Draw(b, 200*b.Cols, 200*b.Rows)
		if err != nil {
			t.Fatal(err)
		}
		return calibrationtest.PictureTexture(printed, b.Square*float64(b.Cols))
	}
	return calibrationtest.CircleTexture(b)
}

// held is where the n-th view has the board, T_camera_board: all over the picture, near and far, tilted this way and that,
// its middle on the ray of a pixel and its face to the camera. It is whole in the picture, the squares or circles around
// its outermost corners too, unless it may be cut off.
func (s *studio) held(n int, near float64, cutOff bool) calibration.Transform {
	s.t.Helper()
	u, v := float64([]int{0, -1, 1, 1, -1, 0, -1, 0, 1}[n%9]), float64([]int{0, -1, 1, -1, 1, -1, 0, 1, 0}[n%9])
	tilt, about := []float64{0.45, 0.6, 0.25, 0.7}[n%4], 2.4*float64(n)
	turn := calibration.Exp(calibration.Vec{tilt * math.Cos(about), tilt * math.Sin(about), 0}).Mul(calibration.Exp(calibration.Vec{0, 0, 0.4 * u * v}))
	points := s.truth.Board.Points()
	middle := points[len(points)-1]
	for part := map[bool]float64{true: 0.7, false: 0.9}[cutOff]; part >= 0; part -= 0.02 {
		l := s.truth.Lens
		ray, ok := l.Unproject(l.Cx+u*part*l.Cx, l.Cy+v*part*l.Cy)
		if !ok {
			continue
		}
		long := math.Hypot(1, math.Hypot(ray[0], ray[1]))
		facing := calibration.Exp(calibration.Vec{-math.Atan(ray[1]), math.Atan(ray[0]), 0})
		distance := near * []float64{1, 1.4, 1.5, 1.4, 1.5, 1.1, 1.3, 1.2, 1}[n%9] / long
		at := calibration.Transform{R: facing.Mul(turn), T: calibration.Vec{ray[0] * distance, ray[1] * distance, distance}}.
			Mul(calibration.Transform{R: calibration.Identity().R, T: calibration.Vec{-middle[0] / 2, -middle[1] / 2, 0}})
		if cutOff || s.whole(at) {
			return at
		}
	}
	s.t.Fatalf("view %d: the board fits nowhere", n)
	return calibration.Transform{}
}

func (s *studio) whole(at calibration.Transform) bool {
	l, margin := s.truth.Lens, s.truth.Board.Square
	for _, p := range s.truth.Board.Points() {
		for _, d := range []calibration.Vec{{-margin, -margin, 0}, {margin, -margin, 0}, {-margin, margin, 0}, {margin, margin, 0}} {
			u, v, ok := l.Project(at.Apply(calibration.Vec{p[0] + d[0], p[1] + d[1], 0}))
			if !ok || u < 0 || v < 0 || u > float64(l.Width-1) || v > float64(l.Height-1) {
				return false
			}
		}
	}
	return true
}

// hold shows the board twice, as far apart as rest wants, and gives the corners that were marked.
func (s *studio) hold(at calibration.Transform) []calibration.Corner {
	s.t.Helper()
	p := s.rays.Render(at, s.texture)
	s.now += time.Second
	for range 2 {
		f := camera.Frame{Camera: s.eye.Camera(), Seq: uint64(s.now), Width: p.Width, Height: p.Height, Arrival: s.now}
		for _, v := range p.Grey {
			f.Pix = append(f.Pix, v, v, v)
		}
		if err := s.see(&f); err != nil {
			s.t.Fatal(err)
		}
		s.now += live.RestFor
	}
	views := s.session.Views()
	if len(views) == 0 {
		return nil
	}
	return views[len(views)-1].Corners
}

// shown is what the page gets.
func (s *studio) shown() (out shownSitting) {
	s.t.Helper()
	text, err := json.Marshal(s.Shown())
	if err == nil {
		err = json.Unmarshal(text, &out)
	}
	if err != nil {
		s.t.Fatal(err)
	}
	return out
}

func (s *studio) ask(kinds ...string) {
	s.t.Helper()
	for _, k := range kinds {
		if err := s.Ask(k, 0); err != nil {
			s.t.Fatal(err)
		}
	}
}

func pinhole() calibration.Lens { return calibrationtest.Default(calibration.EyeInHand).Lens }

// fisheye sees 150 degrees from side to side.
func fisheye() calibration.Lens {
	return calibration.Lens{
		Intrinsics: calibration.Intrinsics{Width: 640, Height: 480, Fx: 245, Fy: 246, Cx: 322, Cy: 238},
		Model:      calibration.Equidistant, D: []float64{0.02, -0.005, 0.002, 0},
	}
}
