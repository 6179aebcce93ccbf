package metrics

import (
	"math"
	"runtime/metrics"
)

// Pauses is for how long Go's runtime stopped everything since the process began: count, 99 % quantile and
// longest, in seconds, each no less than it was and at most a bucket of the runtime's more.
type Pauses struct {
	Count uint64  `json:"count"`
	P99   float64 `json:"p99_s"`
	Max   float64 `json:"max_s"`
}

// CollectorPauses are those of the garbage collector.
func CollectorPauses() Pauses {
	sample := []metrics.Sample{{Name: "/sched/pauses/total/gc:seconds"}}
	metrics.Read(sample)
	if sample[0].Value.Kind() != metrics.KindFloat64Histogram {
		return Pauses{} // a runtime that does not know this metric
	}
	return pausesOf(sample[0].Value.Float64Histogram())
}

func pausesOf(h *metrics.Float64Histogram) Pauses {
	var p Pauses
	for i, n := range h.Counts {
		if p.Count += n; n > 0 {
			p.Max = edge(h.Buckets, i)
		}
	}
	seen := uint64(0)
	for i, n := range h.Counts {
		if seen += n; float64(seen) >= 0.99*float64(p.Count) && p.Count > 0 {
			p.P99 = edge(h.Buckets, i)
			break
		}
	}
	return p
}

// edge is the upper end of a bucket, or the lower one where there is no upper.
func edge(bounds []float64, i int) float64 {
	if math.IsInf(bounds[i+1], 0) {
		return bounds[i]
	}
	return bounds[i+1]
}
