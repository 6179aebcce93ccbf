package metrics

import (
	"testing"
	"time"
)

func TestSummary(t *testing.T) {
	d := new(Durations)
	if s := d.Summary(); s != (Summary{}) {
		t.Errorf("of nothing: %+v", s)
	}
	for i := range 101 {
		d.Put(time.Duration(100-i) * time.Second)
	}
	if s := d.Summary(); s != (Summary{Count: 101, P50: 50, P99: 99, Max: 100}) {
		t.Errorf("of 0 to 100 s: %+v", s)
	}
}

func TestDurationsKeepTheLast(t *testing.T) {
	d := new(Durations)
	d.Put(time.Hour)
	for range len(d.ring) {
		d.Put(time.Second)
	}
	if s := d.Summary(); s.Max != 1 || s.Count != uint64(len(d.ring))+1 {
		t.Errorf("the first should be gone: %+v", s)
	}
}

func TestSummariseTogether(t *testing.T) {
	a, b := new(Durations), new(Durations)
	for i := range 101 {
		[]*Durations{a, b}[i%2].Put(time.Duration(i) * time.Second)
	}
	if s := Summarise(a, b); s != (Summary{Count: 101, P50: 50, P99: 99, Max: 100}) {
		t.Errorf("of 0 to 100 s in two parts: %+v", s)
	}
}
