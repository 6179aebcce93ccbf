package kinematics

import (
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
)

// TestReachFindsItsWayBack starts away from known poses. Not every start leads there inside the limits, but nearly
// all do, and none leaves them.
func TestReachFindsItsWayBack(t *testing.T) {
	for _, c := range []struct {
		spread, share float64
	}{{0.1, 0.995}, {0.4, 0.98}, {1, 0.9}} {
		rng := rand.New(rand.NewPCG(6, 1))
		for _, s := range solvers(t) {
			found := 0
			for range 500 {
				if tryReach(t, rng, s, c.spread) {
					found++
				}
			}
			t.Logf("%s: %d of 500 from within %g rad", s.Chain.Name, found, c.spread)
			if float64(found) < 500*c.share {
				t.Errorf("%s: found %d of 500 poses from within %g rad, want %g of them", s.Chain.Name, found, c.spread, c.share)
			}
		}
	}
}

func tryReach(t *testing.T, rng *rand.Rand, s *Solver, spread float64) bool {
	t.Helper()
	n := s.Chain.N()
	want := anyPose(rng, &s.Limits, n)
	start := want
	for j := range n {
		start[j] += spread * (2*rng.Float64() - 1)
	}
	target, err := s.Chain.Forward(&want)
	if err != nil {
		t.Fatal(err)
	}
	got, err := s.Reach(&start, &target)
	for j := range n {
		if got[j] < s.Limits.QMin[j] || got[j] > s.Limits.QMax[j] {
			t.Fatalf("%s joint %d: %g outside its range", s.Chain.Name, j, got[j])
		}
	}
	var short *UnreachedError
	if err != nil && !errors.As(err, &short) {
		t.Fatal(err)
	}
	if err != nil {
		return false
	}
	at, err := s.Chain.Forward(&got)
	if err != nil {
		t.Fatal(err)
	}
	off := errorTwist(&at, &target)
	if distance, angle := off.sizes(); distance > 1e-8 || angle > 1e-8 {
		t.Fatalf("%s: %g m and %g rad off", s.Chain.Name, distance, angle)
	}
	return true
}

// TestReachSaysWhatItCannot: a pose beyond the arm's length ends with how far short.
func TestReachSaysWhatItCannot(t *testing.T) {
	for _, s := range solvers(t) {
		target, err := s.Chain.Forward(&s.Posture)
		if err != nil {
			t.Fatal(err)
		}
		target.P[0] = 3
		_, err = s.Reach(&s.Posture, &target)
		var short *UnreachedError
		if !errors.As(err, &short) || short.Distance < 1 || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", s.Chain.Name, err)
		}
	}
}
