// Package metrics keeps durations for reports without allocating.
//
// What belongs here: counting and timing that a control tick may do. What does not: what is done about it.
package metrics

import (
	"slices"
	"sync"
	"time"
)

// Durations keeps the last 65536 durations put into it.
type Durations struct {
	mu     sync.Mutex
	ring   [1 << 16]time.Duration
	stored uint64
}

// Put stores one duration.
func (d *Durations) Put(v time.Duration) {
	d.mu.Lock()
	d.ring[d.stored%uint64(len(d.ring))] = v
	d.stored++
	d.mu.Unlock()
}

// Summary is the count and some quantiles, in seconds. All are zero when nothing was put.
type Summary struct {
	Count uint64  `json:"count"`
	P50   float64 `json:"p50_s"`
	P99   float64 `json:"p99_s"`
	Max   float64 `json:"max_s"`
}

// Summary sorts a copy; it is for reports and not for a tick.
func (d *Durations) Summary() Summary { return Summarise(d) }

// Summarise is the summary of all durations together, of which each keeps its last.
func Summarise(all ...*Durations) Summary {
	var kept []time.Duration
	count := uint64(0)
	for _, d := range all {
		d.mu.Lock()
		kept = append(kept, d.ring[:min(d.stored, uint64(len(d.ring)))]...)
		count += d.stored
		d.mu.Unlock()
	}
	if len(kept) == 0 {
		return Summary{}
	}
	slices.Sort(kept)
	at := func(p float64) float64 { return kept[int(p*float64(len(kept)-1))].Seconds() }
	return Summary{Count: count, P50: at(0.5), P99: at(0.99), Max: at(1)}
}
