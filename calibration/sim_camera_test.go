package calibration_test

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"sim2reald/calibration"
	"sim2reald/calibration/calibrationtest"
)

// TestSimulatedCamera: a camera that looks straight down, its picture's upper edge towards x.
func TestSimulatedCamera(t *testing.T) {
	l := calibrationtest.Default(calibration.EyeInHand).Lens
	// Optical x is -y of the base, optical y is -x, optical z is -z.
	down := calibration.Transform{R: calibration.Rotation{0, -1, 0, -1, 0, 0, 0, 0, -1}, T: calibration.Vec{0.5, 0, 1}}
	c, err := calibration.SimulatedCamera(l, down)
	if err != nil {
		t.Fatal(err)
	}
	if want := 2 * math.Atan(240.0/600) * 180 / math.Pi; math.Abs(c.FovyDegrees-want) > 1e-9 {
		t.Errorf("fovy %v, want %v", c.FovyDegrees, want)
	}
	r := c.Quat.Rotation()
	for _, v := range []struct{ camera, base calibration.Vec }{
		{calibration.Vec{0, 0, -1}, calibration.Vec{0, 0, -1}}, // it looks along its -z: down
		{calibration.Vec{0, 1, 0}, calibration.Vec{1, 0, 0}},   // its up is x
		{calibration.Vec{1, 0, 0}, calibration.Vec{0, -1, 0}},  // its right is -y
	} {
		got := r.Apply(v.camera)
		for i := range 3 {
			if math.Abs(got[i]-v.base[i]) > 1e-9 {
				t.Errorf("%v of the camera is %v, want %v", v.camera, got, v.base)
			}
		}
	}
	if s := c.MJCF("wrist"); !strings.Contains(s, `name="wrist" fovy="43.6028" pos="0.5 0 1"`) {
		t.Error(s)
	}
	down.T[0] = math.NaN()
	if _, err := calibration.SimulatedCamera(l, down); err == nil {
		t.Error("a pose that is no number was taken")
	}
}

// TestWarp: a real picture, warped, is what the simulated camera sees, but for the edges' last few levels.
func TestWarp(t *testing.T) {
	w := calibrationtest.Default(calibration.EyeInHand)
	w.Lens.Cx, w.Lens.Fy = 331, 610
	at := w.BoardSeen(rand.New(rand.NewPCG(9, 9)))
	texture := calibrationtest.ChessTexture(w.Board)
	seen := calibrationtest.NewRays(w.Lens).Render(at, texture)
	sim, err := calibration.Pinhole(224, 224, 0.6)
	if err != nil {
		t.Fatal(err)
	}
	want := calibrationtest.NewRays(calibration.Lens{Intrinsics: sim, Model: calibration.PlumbBob, D: make([]float64, 5)}).Render(at, texture)
	warp, err := calibration.NewWarp(w.Lens, sim)
	if err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 3*224*224)
	if err := warp.Apply(got, rgb(seen)); err != nil {
		t.Fatal(err)
	}
	sum, worst := 0.0, 0.0
	for i, g := range want.Grey {
		d := math.Abs(float64(got[3*i]) - float64(g))
		sum, worst = sum+d, max(worst, d)
	}
	if mean := sum / float64(len(want.Grey)); warp.Missing > 0 || mean > 1 || worst > 80 {
		t.Errorf("off by %.2f levels in the mean, %.0f at worst, missing %.3f", mean, worst, warp.Missing)
	}
}

func rgb(p calibration.Picture) []byte {
	out := make([]byte, 0, 3*len(p.Grey))
	for _, g := range p.Grey {
		out = append(out, g, g, g)
	}
	return out
}

// TestWarpMissing: what the real camera does not see is counted and black, and a distortion that folds back shows
// nothing twice.
func TestWarpMissing(t *testing.T) {
	l := calibration.Lens{
		Intrinsics: calibration.Intrinsics{Width: 64, Height: 48, Fx: 60, Fy: 60, Cx: 31.5, Cy: 23.5},
		Model:      calibration.PlumbBob, D: make([]float64, 5),
	}
	wide := calibration.Intrinsics{Width: 64, Height: 48, Fx: 30, Fy: 30, Cx: 31.5, Cy: 23.5}
	w, err := calibration.NewWarp(l, wide)
	if err != nil {
		t.Fatal(err)
	}
	if w.Missing < 0.74 || w.Missing > 0.77 {
		t.Errorf("missing %.3f, want three quarters and a rim", w.Missing)
	}
	out := make([]byte, 3*64*48)
	white := make([]byte, 3*64*48)
	for i := range white {
		white[i] = 255
	}
	if err := w.Apply(out, white); err != nil || out[0] != 0 || out[3*(24*64+32)] != 255 {
		t.Errorf("%v: corner %d, middle %d", err, out[0], out[3*(24*64+32)])
	}
	l.D[0] = -0.6 // folds back at 0.75 from the centre
	folded, err := calibration.NewWarp(l, wide)
	if err != nil {
		t.Fatal(err)
	}
	if err := folded.Apply(out, white); err != nil || out[0] != 0 {
		t.Errorf("%v: the corner beyond the fold is %d", err, out[0])
	}
	if err := w.Apply(out[1:], white); err == nil {
		t.Error("a buffer of another size was filled")
	}
	if _, err := calibration.NewWarp(l, calibration.Intrinsics{Width: 4, Height: 4, Fx: math.NaN(), Fy: 1}); err == nil {
		t.Error("a focal length that is no number was taken")
	}
}

func BenchmarkWarp(b *testing.B) {
	w := calibrationtest.Default(calibration.EyeInHand)
	sim, _ := calibration.Pinhole(224, 224, 0.6)
	warp, err := calibration.NewWarp(w.Lens, sim)
	if err != nil {
		b.Fatal(err)
	}
	to, from := make([]byte, 3*224*224), make([]byte, 3*640*480)
	for b.Loop() {
		if err := warp.Apply(to, from); err != nil {
			b.Fatal(err)
		}
	}
}
