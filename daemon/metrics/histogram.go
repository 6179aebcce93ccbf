package metrics

import (
	"math"
	"math/bits"
	"sync/atomic"
	"time"
)

// A bucket of a Histogram spans at most 1/64 of its value, so that a quantile is at most 1.6 % too high.
const (
	perOctave   = 64
	octaveBits  = 6
	longestBits = 40 // 2^40 ns are 18 minutes; what is longer counts as that long
	buckets     = (longestBits - octaveBits + 1) * perOctave
)

// Histogram counts durations since the start, each in a bucket of its size. Put neither allocates nor waits, and
// nothing is forgotten: a rare long one is still there after a day. The zero value is ready.
type Histogram struct {
	counts [buckets]atomic.Uint64
	max    atomic.Int64 // ns, exact
}

// Put counts one duration. A negative one counts as zero.
func (h *Histogram) Put(d time.Duration) {
	ns := max(int64(d), 0)
	h.counts[bucketOf(ns)].Add(1)
	for {
		before := h.max.Load()
		if ns <= before || h.max.CompareAndSwap(before, ns) {
			return
		}
	}
}

// Add counts what another has counted as well.
func (h *Histogram) Add(other *Histogram) {
	for i := range h.counts {
		if n := other.counts[i].Load(); n > 0 {
			h.counts[i].Add(n)
		}
	}
	h.max.Store(max(h.max.Load(), other.max.Load()))
}

// bucketOf is linear below 128 ns and logarithmic above.
func bucketOf(ns int64) int {
	octave := bits.Len64(uint64(ns)) - octaveBits - 1
	if octave <= 0 {
		return int(ns)
	}
	return min((octave+1)*perOctave+int(ns>>octave)-perOctave, buckets-1)
}

// upperOf is the largest duration of a bucket, in ns.
func upperOf(bucket int) int64 {
	octave := bucket/perOctave - 1
	if octave <= 0 {
		return int64(bucket)
	}
	return (int64(bucket%perOctave+perOctave)+1)<<octave - 1
}

// Spread is the count and the quantiles that a deadline is judged by, in seconds. All are zero when nothing was
// put.
type Spread struct {
	Count uint64  `json:"count"`
	P50   float64 `json:"p50_s"`
	P99   float64 `json:"p99_s"`
	P999  float64 `json:"p999_s"`
	Max   float64 `json:"max_s"`
}

// Spread reads the counts, while they may go on rising.
func (h *Histogram) Spread() Spread {
	var counts [buckets]uint64
	longest := h.max.Load()
	s := Spread{Max: time.Duration(longest).Seconds()}
	for i := range counts {
		counts[i] = h.counts[i].Load()
		s.Count += counts[i]
	}
	at := func(p float64) float64 {
		return time.Duration(min(rank(&counts, uint64(math.Ceil(p*float64(s.Count)))), longest)).Seconds()
	}
	s.P50, s.P99, s.P999 = at(0.5), at(0.99), at(0.999)
	return s
}

// rank is the nth smallest duration in ns, 0 for none.
func rank(counts *[buckets]uint64, n uint64) int64 {
	seen := uint64(0)
	for i, c := range counts {
		if seen += c; seen >= n {
			return upperOf(i)
		}
	}
	return 0
}
