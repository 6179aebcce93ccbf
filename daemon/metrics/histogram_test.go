package metrics

import (
	"math"
	"math/rand/v2"
	"runtime"
	runtimemetrics "runtime/metrics"
	"slices"
	"testing"
	"time"
)

func TestHistogramFindsQuantiles(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var h, rest Histogram
	var all []time.Duration
	for i := range 100_000 {
		d := time.Duration(math.Exp(rng.NormFloat64()*3 + 10)) // from nanoseconds to a second
		all = append(all, d)
		if i%3 == 0 {
			rest.Put(d)
		} else {
			h.Put(d)
		}
	}
	slices.Sort(all)
	h.Add(&rest)
	s := h.Spread()
	if s.Count != 100_000 || s.Max != all[len(all)-1].Seconds() {
		t.Errorf("count %d, longest %v; want 100000, %v", s.Count, s.Max, all[len(all)-1])
	}
	for _, c := range []struct{ p, got float64 }{{0.5, s.P50}, {0.99, s.P99}, {0.999, s.P999}} {
		want := all[int(math.Ceil(c.p*100_000))-1].Seconds()
		if c.got < want || c.got > want*1.02 {
			t.Errorf("quantile %v is %v s, want %v and at most 2 %% more", c.p, c.got, want)
		}
	}
}

func TestHistogramTakesEverything(t *testing.T) {
	for _, d := range []time.Duration{-1, 0, 1, 63, 64, 65, 127, 128, 1 << 20, time.Hour, math.MaxInt64} {
		var h Histogram
		h.Put(d)
		want := max(d, 0).Seconds()
		if s := h.Spread(); s.Count != 1 || s.Max != want || s.P50 > want {
			t.Errorf("%d ns: %+v", d, s)
		}
	}
	if s := new(Histogram).Spread(); s != (Spread{}) {
		t.Errorf("of nothing: %+v", s)
	}
}

func TestBucketsFollowOneAnother(t *testing.T) {
	for b := range buckets - 1 {
		if got := bucketOf(upperOf(b)); got != b {
			t.Fatalf("the largest of bucket %d lies in %d", b, got)
		}
		if got := bucketOf(upperOf(b) + 1); got != b+1 {
			t.Fatalf("what follows bucket %d lies in %d", b, got)
		}
	}
}

func TestPauses(t *testing.T) {
	before := CollectorPauses()
	runtime.GC()
	after := CollectorPauses()
	if after.Count <= before.Count || !(after.Max > 0) || after.P99 > after.Max {
		t.Errorf("a collection went unseen: %+v, then %+v", before, after)
	}
	inf := math.Inf(1)
	h := &runtimemetrics.Float64Histogram{Counts: []uint64{0, 99, 0, 1}, Buckets: []float64{math.Inf(-1), 0, 1, 2, inf}}
	if got, want := pausesOf(h), (Pauses{Count: 100, P99: 1, Max: 2}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestHistogramAllocatesNothing(t *testing.T) {
	var h Histogram
	if n := testing.AllocsPerRun(1000, func() { h.Put(12345) }); n != 0 {
		t.Errorf("Put allocates %v times", n)
	}
}
