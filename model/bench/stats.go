package main

import (
	"math"
	"slices"
	"time"
)

// rounds are a contender's times, one slice for each round of a bout; a round without any is one that it
// missed.
type rounds [][]time.Duration

// minimum of all runs, 0 where there is none. On a machine that is shared it is the figure that others
// disturb least.
func (r rounds) minimum() time.Duration {
	all := slices.Concat(r...)
	if len(all) == 0 {
		return 0
	}
	return slices.Min(all)
}

// median of all runs, 0 where there is none.
func (r rounds) median() time.Duration {
	var all []float64
	for _, d := range slices.Concat(r...) {
		all = append(all, float64(d))
	}
	if len(all) == 0 {
		return 0
	}
	return time.Duration(quantile(all, 0.5))
}

// ratio compares two contenders: the median over the rounds of one's best time by the other's in the same
// round, so that a slow minute of the machine slows both, and the quartiles as its spread.
type ratio struct {
	Median float64 `json:"median"`
	Low    float64 `json:"low"`
	High   float64 `json:"high"`
	Rounds int     `json:"rounds"` // that both took part in; the rest is meaningless where it is 0
}

// over is a's time by b's.
func (r rounds) over(b rounds) ratio {
	var each []float64
	for i := range min(len(r), len(b)) {
		if len(r[i]) == 0 || len(b[i]) == 0 || slices.Min(b[i]) <= 0 {
			continue
		}
		each = append(each, float64(slices.Min(r[i]))/float64(slices.Min(b[i])))
	}
	if len(each) == 0 {
		return ratio{}
	}
	return ratio{quantile(each, 0.5), quantile(each, 0.25), quantile(each, 0.75), len(each)}
}

// quantile q of at least one value, between two neighbours by straight line. It sorts v.
func quantile(v []float64, q float64) float64 {
	slices.Sort(v)
	at := q * float64(len(v)-1)
	i := min(int(at), len(v)-1)
	j := min(i+1, len(v)-1)
	return v[i] + (at-float64(i))*(v[j]-v[i])
}

// difference is the largest |got - want| by the largest |want|: how wrong a contender is, on the scale of
// what it computes. It is +Inf for another length, a value that is not finite, or nothing to compare with.
func difference(got, want []float32) float64 {
	if len(got) != len(want) || len(got) == 0 {
		return math.Inf(1)
	}
	worst, scale := 0.0, 0.0
	for i := range got {
		d := math.Abs(float64(got[i]) - float64(want[i]))
		if math.IsNaN(d) || math.IsInf(d, 0) {
			return math.Inf(1)
		}
		worst, scale = max(worst, d), max(scale, math.Abs(float64(want[i])))
	}
	if scale == 0 {
		return math.Inf(1)
	}
	return worst / scale
}
