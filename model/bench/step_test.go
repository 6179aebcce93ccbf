package main

import (
	"math"
	"strings"
	"testing"

	"sim2reald/model/graph"
)

// TestUpdate: AdamW's first step has the length of the rate against the gradient's sign, whatever its size, and
// weights shrink by rate times decay.
func TestUpdate(t *testing.T) {
	l := newLearned(&graph.Param{Name: "w", Shape: []int{1, 2}}, []float32{1, -1})
	l.update([]float32{3, -0.5}, 1)
	for i, want := range []float64{1*(1-1e-8) - 1e-4, -1*(1-1e-8) + 1e-4} {
		if got := float64(l.values[i]); math.Abs(got-want) > 2e-7 {
			t.Errorf("weight %d is %.7f, want %.7f", i, got, want)
		}
	}
	// A second step with the gradient turned about moves less: the first moment remembers.
	before := l.values[0]
	l.update([]float32{-3, 0.5}, 2)
	if moved := float64(l.values[0] - before); !(moved > 0 && moved < 1e-4) {
		t.Errorf("the second step moved by %g", moved)
	}
	if bias := newLearned(&graph.Param{Name: "b", Shape: []int{2}}, []float32{1, 1}); bias.decays {
		t.Error("a bias decays")
	}
}

// TestGreeting: the PyTorch package says what it loaded before it is asked.
func TestGreeting(t *testing.T) {
	for line, want := range map[string]string{
		`{"model": "resnet50", "threads": 1}`: "",
		`{"error": "no such model"}`:          "no such model",
		`Traceback`:                           "invalid character",
		``:                                    "ended without an answer",
	} {
		p := newPeer(discard{}, strings.NewReader(line), func() error { return nil })
		err := p.greeting()
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: error %v, want %q", line, err, want)
		}
	}
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }
func (discard) Close() error                { return nil }
