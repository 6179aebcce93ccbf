package opencv

import (
	"math"
	"math/rand/v2"
	"testing"

	"sim2reald/calibration"
	"sim2reald/calibration/calibrationtest"
)

// TestHandEyeSolvers: without noise all five and ours find the truth, for both kinds.
func TestHandEyeSolvers(t *testing.T) {
	for _, k := range []calibration.Kind{calibration.EyeInHand, calibration.EyeToHand} {
		w := calibrationtest.Default(k)
		w.Pixel, w.MaxSpin = 1e-4, 0.6
		r, err := calibration.FitHandEye(k, w.Lens, w.Board, w.Samples(15, rand.New(rand.NewPCG(6, 6))),
			func(k calibration.Kind, arm, board []calibration.Transform) []calibration.Start {
				found, refused := HandEye(k, arm, board)
				if len(refused) > 0 {
					t.Errorf("%s: %v", k, refused)
				}
				return found
			})
		if err != nil {
			t.Fatal(err)
		}
		if len(r.Solvers) != 6 {
			t.Errorf("%s: %d solvers", k, len(r.Solvers))
		}
		for _, s := range r.Solvers {
			if s.Shift > 1e-4 || s.Turn > 1e-4 || s.RMS > 0.1 {
				t.Errorf("%s: %+v", k, s)
			}
		}
	}
}

// TestHandEyeWrongSolver: where some of OpenCV's solvers are far off, the comparison shows it and the refined result
// is right all the same.
func TestHandEyeWrongSolver(t *testing.T) {
	w := calibrationtest.Default(calibration.EyeToHand)
	w.Pixel = 1e-4
	r, err := calibration.FitHandEye(w.Kind, w.Lens, w.Board, w.Samples(15, rand.New(rand.NewPCG(6, 6))),
		func(k calibration.Kind, arm, board []calibration.Transform) []calibration.Start {
			found, _ := HandEye(k, arm, board)
			return found
		})
	if err != nil {
		t.Fatal(err)
	}
	wrong := 0
	for _, s := range r.Solvers {
		if s.Shift > 0.01 {
			wrong++
			if s.RMS < 1 {
				t.Errorf("%+v is off and does not show it", s)
			}
		}
	}
	d := r.TParentCamera.Inverse().Mul(w.Poses.TParentCamera)
	if wrong == 0 || math.Hypot(d.T[0], math.Hypot(d.T[1], d.T[2])) > 1e-5 || len(r.Outliers) > 0 {
		t.Errorf("%d solvers off, the result by %v, left out %v", wrong, d.T, r.Outliers)
	}
}
