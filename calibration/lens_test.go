package calibration_test

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"sim2reald/calibration"
	"sim2reald/calibration/calibrationtest"
)

func TestLensUnproject(t *testing.T) {
	for name, r := range map[string]calibration.Lens{
		"plumb_bob": calibrationtest.Default(calibration.EyeInHand).Lens,
		"rational": {Intrinsics: calibration.Intrinsics{Width: 640, Height: 480, Fx: 600, Fy: 590, Cx: 320, Cy: 240}, Model: calibration.Rational,
			D: []float64{0.2, 0.1, 0.002, -0.003, 0.01, 0.3, 0.05, 0.01}},
		"fisheye": {Intrinsics: calibration.Intrinsics{Width: 640, Height: 480, Fx: 250, Fy: 250, Cx: 320, Cy: 240}, Model: calibration.Equidistant,
			D: []float64{0.03, -0.01, 0.002, 0}},
	} {
		for _, at := range [][2]float64{{0, 0}, {639, 0}, {320, 240}, {17.5, 400.25}, {639, 479}} {
			p, ok := r.Unproject(at[0], at[1])
			if !ok {
				t.Errorf("%s: nothing at %v", name, at)
				continue
			}
			u, v, ok := r.Project(calibration.Vec{2 * p[0], 2 * p[1], 2 * p[2]})
			if !ok || math.Abs(u-at[0]) > 1e-6 || math.Abs(v-at[1]) > 1e-6 {
				t.Errorf("%s: %v came back as %v, %v", name, at, u, v)
			}
		}
	}
}

func TestTransform(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for range 200 {
		w := calibration.Vec{r.NormFloat64(), r.NormFloat64(), r.NormFloat64()}
		a := calibration.Transform{R: calibration.Exp(w), T: calibration.Vec{1, r.Float64(), -2}}
		back := calibration.Log(a.R)
		if n := math.Sqrt(w[0]*w[0] + w[1]*w[1] + w[2]*w[2]); n < math.Pi && math.Abs(back[0]-w[0]) > 1e-9 {
			t.Fatalf("log(exp(%v)) = %v", w, back)
		}
		one := a.Mul(a.Inverse())
		if one.R.Angle() > 1e-7 || math.Abs(one.T[0])+math.Abs(one.T[1])+math.Abs(one.T[2]) > 1e-12 {
			t.Fatalf("T·T⁻¹ = %v", one)
		}
		if q := a.R.Quat().Rotation(); q.Transpose().Mul(a.R).Angle() > 1e-7 {
			t.Fatalf("the quaternion of %v is another rotation", a.R)
		}
	}
	// Half turns, where the quaternion's w is nothing.
	for i := range 3 {
		var w calibration.Vec
		w[i] = math.Pi
		if a := calibration.Exp(w).Angle(); math.Abs(a-math.Pi) > 1e-9 {
			t.Errorf("half a turn about axis %d is %v", i, a)
		}
	}
}

func TestBoardPose(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	w := calibrationtest.Default(calibration.EyeInHand)
	for range 50 {
		want := w.BoardSeen(r)
		v, _ := w.View("v", want, nil)
		got, err := calibration.BoardPose(w.Lens, w.Board, v)
		if err != nil {
			t.Fatal(err)
		}
		d := got.Inverse().Mul(want)
		if d.R.Angle() > 1e-6 || math.Abs(d.T[0])+math.Abs(d.T[1])+math.Abs(d.T[2]) > 1e-7 {
			t.Fatalf("off by %v", d)
		}
	}
}

// drawn is a solver that knows the truth, and sees one view's board elsewhere.
type drawn struct {
	lens calibration.Lens
	at   map[string]calibration.Transform
}

func (d drawn) Solve(b calibration.Board, views []calibration.View, _, _ int, _ calibration.Model) (calibration.Solution, error) {
	s := calibration.Solution{Lens: d.lens}
	for _, v := range views {
		s.TCameraBoard = append(s.TCameraBoard, d.at[v.Name])
	}
	return s, nil
}

func TestFitLensLeavesOutTheOutlier(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 9))
	w := calibrationtest.Default(calibration.EyeInHand)
	d := drawn{w.Lens, map[string]calibration.Transform{}}
	var views []calibration.View
	for _, name := range []string{"a", "b", "c", "d", "e", "f"} {
		at := w.BoardSeen(r)
		v, _ := w.View(name, at, r)
		if name == "d" {
			at.T[0] += 0.005
		}
		d.at[name] = at
		views = append(views, v)
	}
	_, used, out, err := calibration.FitLens(d, w.Board, views, 640, 480, calibration.PlumbBob, calibration.DefaultCriteria())
	if err != nil || len(used) != 5 || len(out) != 1 || out[0].Name != "d" || !strings.HasPrefix(out[0].Reason, "outlier: reprojection error ") {
		t.Errorf("%v, %d used, left out %v", err, len(used), out)
	}
	_, _, _, err = calibration.FitLens(d, w.Board, views[:4], 640, 480, calibration.PlumbBob, calibration.DefaultCriteria())
	if err == nil || err.Error() != "too few views: 4 are usable, want 5" {
		t.Error(err)
	}
}

// TestEdgeWidth: a picture that is blurred is told from one that is sharp.
func TestEdgeWidth(t *testing.T) {
	w := calibrationtest.Default(calibration.EyeInHand)
	at := w.BoardSeen(rand.New(rand.NewPCG(8, 8)))
	v, _ := w.View("v", at, nil)
	p := calibrationtest.NewRays(w.Lens).Render(at, calibrationtest.ChessTexture(w.Board))
	c := calibration.DefaultCriteria()
	if e := calibration.EdgeWidth(p, v); !(e > 0.9 && e < 3) || c.Usable(v, e) != "" {
		t.Errorf("sharp: edges rise over %.2f px", e)
	}
	for range 12 {
		p = smooth(p)
	}
	if e := calibration.EdgeWidth(p, v); !strings.HasPrefix(c.Usable(v, e), "blurred: edges rise over ") {
		t.Errorf("blurred: edges rise over %.2f px", e)
	}
	v.Corners = v.Corners[:3]
	if got := c.Usable(v, 2); got != "too few corners: 3, want 8" {
		t.Error(got)
	}
	if got := c.Usable(calibration.View{}, 0); got != "the board was not found" {
		t.Error(got)
	}
}

// smooth takes the mean of 3x3 pixels.
func smooth(p calibration.Picture) calibration.Picture {
	out := calibration.Picture{Width: p.Width, Height: p.Height, Grey: make([]byte, len(p.Grey))}
	for y := 1; y < p.Height-1; y++ {
		for x := 1; x < p.Width-1; x++ {
			sum := 0
			for i := range 9 {
				sum += int(p.Grey[(y+i/3-1)*p.Width+x+i%3-1])
			}
			out.Grey[y*p.Width+x] = byte((sum + 4) / 9)
		}
	}
	return out
}

func TestCoverage(t *testing.T) {
	middle := calibration.View{Corners: []calibration.Corner{{U: 320, V: 240}}}
	c := calibration.Covered(640, 480, []calibration.View{middle}, []calibration.Transform{{R: calibration.Identity().R, T: calibration.Vec{0, 0, 1}}})
	if c.Seen != 1.0/16 || c.Cells[2][2] != 1 || c.MaxTilt > 1e-6 {
		t.Errorf("%+v", c)
	}
	advice := strings.Join(c.Advice(), "; ")
	if !strings.Contains(advice, "upper left, upper right, lower left, lower right") || !strings.Contains(advice, "tilted by 0 degrees") {
		t.Error(advice)
	}
	var all []calibration.Corner
	for i := range 16 {
		all = append(all, calibration.Corner{U: float64(i%4)*160 + 3, V: float64(i/4)*120 + 3})
	}
	tilted := calibration.Transform{R: calibration.Exp(calibration.Vec{0.6, 0, 0}), T: calibration.Vec{0, 0, 1}}
	c = calibration.Covered(640, 480, []calibration.View{{Corners: all}}, []calibration.Transform{tilted})
	if c.Seen != 1 || len(c.Advice()) > 0 || math.Abs(c.MaxTilt-0.6) > 1e-9 {
		t.Errorf("%+v: %v", c, c.Advice())
	}
}
