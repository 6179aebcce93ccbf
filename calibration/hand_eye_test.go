package calibration_test

import (
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"sim2reald/calibration"
	"sim2reald/calibration/calibrationtest"
)

func kinds() []calibration.Kind {
	return []calibration.Kind{calibration.EyeInHand, calibration.EyeToHand}
}

// off is the truth seen from the result: m along and rad about the parent's axes.
func off(r calibration.HandEyeResult, truth calibration.Transform) (d [6]float64) {
	turn := calibration.Log(truth.R.Mul(r.TParentCamera.R.Transpose()))
	for i := range 3 {
		d[i], d[i+3] = truth.T[i]-r.TParentCamera.T[i], turn[i]
	}
	return d
}

// runs is 1000 for the figure (make calibration-runs), and otherwise enough to see a blunder: fewer where each
// takes longer.
func runs(t *testing.T, noise calibration.ArmNoise) int {
	n := 20
	if (noise != calibration.ArmNoise{}) {
		n = 8
	}
	if s := os.Getenv("CALIBRATION_RUNS"); s != "" {
		var err error
		if n, err = strconv.Atoi(s); err != nil {
			t.Fatal(err)
		}
	}
	return n
}

// TestHandEyeIntervals holds that what is reported as a 95 % interval is one, with pixel noise alone and with an
// arm that is not quite where it says. Of 1000 runs 930 to 970 must hold the truth, which is three standard
// deviations of the count; fewer runs get as many of theirs.
func TestHandEyeIntervals(t *testing.T) {
	for _, k := range kinds() {
		for _, noise := range []calibration.ArmNoise{{}, {Turn: 1e-3, Shift: 0.5e-3}} {
			t.Run(string(k)+" "+map[bool]string{true: "pixel noise", false: "arm noise"}[noise == calibration.ArmNoise{}], func(t *testing.T) {
				t.Parallel()
				w := calibrationtest.Default(k)
				w.Noise = noise
				holds(t, w, runs(t, noise))
			})
		}
	}
}

func holds(t *testing.T, w calibrationtest.Truth, n int) {
	var inside [6]int
	var errs []float64
	for seed := range n {
		r, err := calibration.FitHandEye(w.Kind, w.Lens, w.Board, w.Samples(20, rand.New(rand.NewPCG(1, uint64(seed)))), nil)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		d := off(r, w.Poses.TParentCamera)
		errs = append(errs, math.Sqrt(d[0]*d[0]+d[1]*d[1]+d[2]*d[2]))
		for i := range d {
			if math.Abs(d[i]) <= r.Half95[i] {
				inside[i]++
			}
		}
	}
	median := slices.Sorted(slices.Values(errs))[n/2]
	t.Logf("truth inside in %v of %d; median error %.3f mm", inside, n, 1e3*median)
	slack := max(3, 20*math.Sqrt(float64(n)/1000))
	for i, c := range inside {
		if math.Abs(float64(c)-0.95*float64(n)) > slack {
			t.Errorf("axis %d: the interval held the truth in %d of %d runs", i, c, n)
		}
	}
	if (w.Noise == calibration.ArmNoise{}) && median > 1e-3 {
		t.Errorf("median error %.3f mm, want at most 1", 1e3*median)
	}
}

func TestHandEyeOutlierIsNamed(t *testing.T) {
	for _, k := range kinds() {
		w := calibrationtest.Default(k)
		s := w.Samples(20, rand.New(rand.NewPCG(2, 3)))
		s[7].TBaseFlange = s[7].TBaseFlange.Moved([6]float64{0, 0, 0, 0.01, 0, 0})
		r, err := calibration.FitHandEye(k, w.Lens, w.Board, s, nil)
		if err != nil {
			t.Fatal(err)
		}
		if len(r.Outliers) != 1 || r.Outliers[0].Name != "pose 07" || r.Samples != 19 {
			t.Errorf("%s: outliers %+v of %d", k, r.Outliers, r.Samples)
		}
		if d := off(r, w.Poses.TParentCamera); math.Hypot(d[0], math.Hypot(d[1], d[2])) > 2e-3 {
			t.Errorf("%s: off by %v", k, d)
		}
	}
}

// TestHandEyeTurnedBoard: a detector may number a chessboard's corners from either end.
func TestHandEyeTurnedBoard(t *testing.T) {
	w := calibrationtest.Default(calibration.EyeInHand)
	s := w.Samples(15, rand.New(rand.NewPCG(2, 5)))
	for _, i := range []int{3, 4, 11} {
		s[i].View = s[i].View.Turned(w.Board)
	}
	r, err := calibration.FitHandEye(w.Kind, w.Lens, w.Board, s, nil)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(r.Turned, []string{"pose 03", "pose 04", "pose 11"}) || len(r.Outliers) > 0 || r.RMS > 0.2 {
		t.Errorf("turned %v, outliers %v, %.3f px", r.Turned, r.Outliers, r.RMS)
	}
}

func TestRichness(t *testing.T) {
	about := func(n int, axis func(i int) calibration.Vec) []calibration.Transform {
		out := make([]calibration.Transform, n)
		for i := range out {
			out[i] = calibration.Transform{R: calibration.Exp(axis(i)), T: calibration.Vec{0, float64(i), 0}}
		}
		return out
	}
	for _, c := range []struct {
		name  string
		poses []calibration.Transform
		want  string
	}{
		{"few", about(5, func(i int) calibration.Vec { return calibration.Vec{float64(i), 0, 0} }), "5 poses; want at least 6"},
		{"still", about(8, func(i int) calibration.Vec { return calibration.Vec{0.01 * float64(i), 0, 0} }), "turns by 4.0 degrees at most"},
		{"one axis", about(8, func(i int) calibration.Vec { return calibration.Vec{0, 0, 0.2 * float64(i)} }), "about one axis only"},
		{"rich", about(8, func(i int) calibration.Vec { return calibration.Vec{0.4 * float64(i%3), 0.3 * float64(i%2), 0} }), ""},
		{"no number", about(8, func(int) calibration.Vec { return calibration.Vec{math.NaN(), 0, 0} }), "turns by"},
	} {
		err := calibration.Richness(c.poses)
		if (c.want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}

// TestHandEyeRefuses holds the one-line refusals.
func TestHandEyeRefuses(t *testing.T) {
	w := calibrationtest.Default(calibration.EyeInHand)
	good := func() []calibration.Sample { return w.Samples(8, rand.New(rand.NewPCG(7, 7))) }
	for _, c := range []struct {
		name  string
		spoil func(s []calibration.Sample)
		want  string
	}{
		{"arm not finite", func(s []calibration.Sample) { s[2].TBaseFlange.T[1] = math.Inf(1) }, "pose 02: the arm's pose is not finite"},
		{"corner twice", func(s []calibration.Sample) { s[1].View.Corners[3].ID = 0 }, "pose 01: corner 0 stands twice"},
		{"corner unknown", func(s []calibration.Sample) { s[1].View.Corners[3].ID = 35 }, "pose 01: corner 35; the board has 0 to 34"},
		{"corner not finite", func(s []calibration.Sample) { s[0].View.Corners[0].U = math.NaN() }, "pose 00: corner 0 is at NaN"},
		{"three corners", func(s []calibration.Sample) { s[5].View.Corners = s[5].View.Corners[:3] }, "pose 05: 3 corners"},
		{"on a line", func(s []calibration.Sample) { s[5].View.Corners = s[5].View.Corners[:7] }, "pose 05: the corners do not fix"},
	} {
		s := good()
		c.spoil(s)
		_, err := calibration.FitHandEye(w.Kind, w.Lens, w.Board, s, nil)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}
