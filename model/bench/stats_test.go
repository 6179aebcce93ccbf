package main

import (
	"math"
	"testing"
	"time"
)

func times(v ...time.Duration) []time.Duration { return v }

func TestMinimumAndMedianAreOfAllRuns(t *testing.T) {
	r := rounds{times(5, 3), times(), times(9)}
	if r.minimum() != 3 || r.median() != 5 {
		t.Errorf("minimum %d and median %d, want 3 and 5", r.minimum(), r.median())
	}
	if (rounds{}).minimum() != 0 || (rounds{nil}).median() != 0 {
		t.Error("no runs give a time")
	}
}

func TestRatioPairsRounds(t *testing.T) {
	for name, c := range map[string]struct {
		a, b rounds
		want ratio
	}{
		// The machine is ten times slower in the second round: for both, so that their ratio stays.
		"slow round":    {rounds{times(2), times(20), times(2)}, rounds{times(1), times(10), times(1)}, ratio{2, 2, 2, 3}},
		"best of round": {rounds{times(9, 2)}, rounds{times(1, 7)}, ratio{2, 2, 2, 1}},
		"quartiles": {rounds{times(1), times(2), times(3), times(4), times(5)},
			rounds{times(1), times(1), times(1), times(1), times(1)}, ratio{3, 2, 4, 5}},
		"missed round":   {rounds{times(2), nil, times(4)}, rounds{times(1), times(1), times(1)}, ratio{3, 2.5, 3.5, 2}},
		"shorter":        {rounds{times(2), times(3)}, rounds{times(1)}, ratio{2, 2, 2, 1}},
		"none":           {nil, rounds{times(1)}, ratio{}},
		"no time at all": {rounds{times(1)}, rounds{times(0)}, ratio{}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := c.a.over(c.b); got != c.want {
				t.Errorf("%+v, want %+v", got, c.want)
			}
		})
	}
}

func TestDifference(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for name, c := range map[string]struct {
		got, want []float32
		d         float64
	}{
		"equal":          {[]float32{1, -4}, []float32{1, -4}, 0},
		"by the largest": {[]float32{1, -4}, []float32{2, -4}, 0.25},
		"length":         {[]float32{1}, []float32{1, 2}, math.Inf(1)},
		"empty":          {nil, nil, math.Inf(1)},
		"not a number":   {[]float32{nan}, []float32{1}, math.Inf(1)},
		"infinite":       {[]float32{1}, []float32{inf}, math.Inf(1)},
		"all zero":       {[]float32{0}, []float32{0}, math.Inf(1)},
	} {
		t.Run(name, func(t *testing.T) {
			if got := difference(c.got, c.want); got != c.d {
				t.Errorf("%g, want %g", got, c.d)
			}
		})
	}
}
