package tour

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"sim2reald/calibration"
	"sim2reald/calibration/calibrationtest"
	"sim2reald/robot"
	"sim2reald/robot/kinematics"
)

// workcell is an arm at home, a camera and a board that it sees there, in the middle of its picture or nearly.
func workcell(t *testing.T, k calibration.Kind) (*Planner, calibrationtest.Truth) {
	t.Helper()
	panda := robot.Panda()
	chain, _ := kinematics.ByName(panda.Name)
	w := calibrationtest.Default(k)
	at, err := chain.Forward(&panda.Home)
	if err != nil {
		t.Fatal(err)
	}
	tBaseFlange := transformOf(at)
	// Seen 0.5 m away, its middle 2 cm beside the line of sight.
	seen := calibration.Transform{R: calibration.Exp(calibration.Vec{0.1, -0.1, 0.3}), T: calibration.Vec{-0.08, -0.05, 0.5}}
	if k == calibration.EyeInHand {
		w.Poses.TParentCamera = calibration.Transform{R: calibration.Exp(calibration.Vec{0.1, -0.1, 0.6}), T: calibration.Vec{0.06, -0.03, 0.05}}
		w.Poses.TOtherBoard = tBaseFlange.Mul(w.Poses.TParentCamera).Mul(seen)
	} else {
		w.Poses.TOtherBoard = calibration.Transform{R: calibration.Exp(calibration.Vec{0.2, 1.4, 0.1}), T: calibration.Vec{0.05, 0.02, 0.1}}
		w.Poses.TParentCamera = tBaseFlange.Mul(w.Poses.TOtherBoard).Mul(seen.Inverse())
	}
	return &Planner{Kind: k, Lens: w.Lens, Board: w.Board, Chain: chain, Limits: panda.Limits, Start: panda.Home}, w
}

// TestTour goes through whole tours: the board is seen whole at nearly every pose, no joint is near its end, and what
// comes of it is where the camera is.
func TestTour(t *testing.T) {
	for _, k := range []calibration.Kind{calibration.EyeInHand, calibration.EyeToHand} {
		p, w := workcell(t, k)
		rng := rand.New(rand.NewPCG(3, 4))
		var samples []calibration.Sample
		q, n, missed := p.Start, 0, 0
		for {
			at, err := p.Chain.Forward(&q)
			if err != nil {
				t.Fatal(err)
			}
			tBaseFlange := transformOf(at)
			between := tBaseFlange
			if k == calibration.EyeInHand {
				between = tBaseFlange.Inverse()
			}
			v, ok := w.View(fmt.Sprintf("pose %d", n), w.Poses.TParentCamera.Inverse().Mul(between).Mul(w.Poses.TOtherBoard), rng)
			if ok {
				samples = append(samples, calibration.Sample{TBaseFlange: tBaseFlange, View: v})
			} else {
				missed++
			}
			if q, n, err = p.Next(n+1, samples); errors.Is(err, ErrOver) {
				break
			} else if err != nil {
				t.Fatal(err)
			}
			for j := range 7 {
				if q[j] < p.Limits.QMin[j]+margin-1e-9 || q[j] > p.Limits.QMax[j]-margin+1e-9 || math.Abs(q[j]-p.Start[j]) > farthest+1e-9 {
					t.Fatalf("%s, pose %d: joint %d at %v", k, n, j+1, q[j])
				}
			}
		}
		if len(samples) < 15 || missed > 3 {
			t.Errorf("%s: %d samples, the board missed %d times", k, len(samples), missed)
		}
		r, err := calibration.FitHandEye(k, w.Lens, w.Board, samples, nil)
		if err != nil {
			t.Fatalf("%s: %v", k, err)
		}
		d := r.TParentCamera.Inverse().Mul(w.Poses.TParentCamera)
		off := math.Hypot(d.T[0], math.Hypot(d.T[1], d.T[2]))
		t.Logf("%s: %d samples, off by %.2f mm and %.3f degrees", k, len(samples), 1e3*off, d.R.Angle()*180/math.Pi)
		if off > 2e-3 || d.R.Angle() > 0.3*math.Pi/180 {
			t.Errorf("%s: off by %.2f mm and %.3f degrees", k, 1e3*off, d.R.Angle()*180/math.Pi)
		}
	}
}

// TestTourWithoutSight: where the first poses showed nothing, there is no second part, and it is said why.
func TestTourWithoutSight(t *testing.T) {
	p, _ := workcell(t, calibration.EyeInHand)
	if _, _, err := p.Next(len(turns())+1, nil); err == nil || !strings.Contains(err.Error(), "the first poses do not show where the camera is: 0 poses") {
		t.Error(err)
	}
}

func cases() []struct{ text, want string } {
	return []struct{ text, want string }{
		{"# home\n0 -0.78 0 -2.35 0 1.57 0.78\n\n 0.1 -0.7 0 -2.3 0.1 1.5 0.7 \n", ""},
		{"", "no poses; write one a line, 7 numbers in rad"},
		{"0 0 0", "line 1: 3 numbers, want one for each of the 7 joints"},
		{"0 -0.78 0 0 0 1.57 0.78", "line 1: joint 4 at 0 rad; this arm's limits are -3.0718 to -0.0698"},
		{"# x\n0 -0.78 0 -2.35 0 nan 0.78", `line 2: "nan" is no number`},
		{"0 -0.78 0 -2.35 0 x 0.78", `line 1: "x" is no number`},
	}
}

func TestParse(t *testing.T) {
	for _, c := range cases() {
		got, err := Parse([]byte(c.text), robot.Panda())
		if c.want == "" {
			if err != nil || len(got) != 2 || got[1][0] != 0.1 {
				t.Errorf("%v, %v", got, err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%v, want %s", err, c.want)
		}
	}
}

// FuzzParse: whatever a file says, what comes out is inside the limits.
func FuzzParse(f *testing.F) {
	for _, c := range cases() {
		f.Add([]byte(c.text))
	}
	panda := robot.Panda()
	f.Fuzz(func(t *testing.T, data []byte) {
		poses, err := Parse(data, panda)
		if err != nil {
			return
		}
		for _, q := range poses {
			for j := range panda.N() {
				if !(q[j] >= panda.Limits.QMin[j] && q[j] <= panda.Limits.QMax[j]) {
					t.Fatalf("joint %d at %v", j+1, q[j])
				}
			}
		}
	})
}
