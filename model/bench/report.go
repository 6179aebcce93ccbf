package main

import (
	"slices"
	"time"
)

// machine says where and when.
type machine struct {
	Date    string   `json:"date"` // RFC 3339
	CPU     string   `json:"cpu"`
	Cores   int      `json:"cores"`
	MemoryB int64    `json:"memory_bytes"`
	Kernel  string   `json:"kernel"`
	Load    float64  `json:"load"` // runnable tasks over the last minute before it began: others take from all
	Says    []string `json:"says"` // versions of what is used
}

// row is one contender of one bout.
type row struct {
	Bout      string  `json:"bout"`
	Contender string  `json:"contender"`
	Says      string  `json:"says,omitempty"`
	Absent    string  `json:"absent,omitempty"` // why there are no figures
	MinMS     float64 `json:"min_ms"`
	MedianMS  float64 `json:"median_ms"`
	GFLOPS    float64 `json:"gflops,omitempty"`  // at the minimum
	OfPeak    float64 `json:"of_peak,omitempty"` // of sgemm's minimum in the same bout
	OfOurs    ratio   `json:"of_ours"`           // time by that of the first contender
	Differs   *number `json:"differs,omitempty"` // from the reference's output, by its largest value
	Reference string  `json:"reference,omitempty"`
	Wrong     bool    `json:"wrong,omitempty"` // differs beyond tolerance: its times mean nothing
	RunsNS    rounds  `json:"runs_ns,omitempty"`
	label     string
}

// figure is one number that somebody asked for, with the target beside it.
type figure struct {
	What   string  `json:"what"`
	Value  float64 `json:"value"`
	Unit   string  `json:"unit"`
	Spread *ratio  `json:"spread,omitempty"`
	AtMost *number `json:"at_most,omitempty"`
	Absent string  `json:"absent,omitempty"`
}

// number is a float64 that JSON can carry when it is infinite: as null.
type number float64

// verdict is "reached", "not reached", or empty without a target. A figure that is absent is not reached.
func (f figure) verdict() string {
	switch {
	case f.AtMost == nil:
		return ""
	case f.Absent == "" && f.Value <= float64(*f.AtMost):
		return "reached"
	}
	return "not reached"
}

// tolerance is how far exact contenders may lie apart: float32 through 50 and more layers in other orders of
// summation stays below 1e-5, and a wrong layer shows at 1e-3 and above.
const tolerance = 1e-4

// rows evaluates a bout. outputs are what the contenders computed, by name.
func (b *bout) rows(outputs map[string][]float32) []row {
	out := make([]row, len(b.entries))
	for i, e := range b.entries {
		out[i] = b.row(e)
		reference := b.reference(e.group, outputs)
		if got, ok := outputs[e.name]; ok && reference != nil && e != reference {
			d := difference(got, outputs[reference.name])
			out[i].Differs, out[i].Reference = asNumber(d), reference.label
			out[i].Wrong = e.exact && !(d <= tolerance)
		}
	}
	return out
}

// reference is the contender that the outputs of its group are held to: the last exact one.
func (b *bout) reference(group string, outputs map[string][]float32) *entry {
	var found *entry
	for _, e := range b.entries {
		if outputs[e.name] != nil && e.exact && e.group == group {
			found = e
		}
	}
	return found
}

// outputs asks every contender for what it computed last. One that cannot say loses its place.
func (b *bout) outputs() map[string][]float32 {
	out := map[string][]float32{}
	for _, e := range b.entries {
		if e.c == nil || e.group == "" || len(b.times[e.name]) == 0 {
			continue
		}
		values, err := e.c.Output()
		if err != nil {
			b.lose(e, err)
			continue
		}
		out[e.name] = slices.Clone(values)
	}
	return out
}

func (b *bout) row(e *entry) row {
	times := b.times[e.name]
	r := row{Bout: b.title, Contender: e.name, Says: e.says, Absent: e.absent, label: e.label,
		MinMS: ms(times.minimum()), MedianMS: ms(times.median()), RunsNS: times}
	if len(times) == 0 {
		if r.Absent == "" {
			r.Absent = "interrupted before its first round"
		}
		return r
	}
	r.OfOurs = times.over(b.times[b.entries[0].name])
	if e.flops > 0 {
		r.GFLOPS = e.flops / float64(times.minimum()) // FLOP a nanosecond are GFLOP a second
		if peak := b.peak(); peak > 0 {
			r.OfPeak = r.GFLOPS / peak
		}
	}
	return r
}

// peak is sgemm's best in the bout, GFLOP/s; 0 if it did not take part.
func (b *bout) peak() float64 {
	e := b.find(nameSgemm)
	if e == nil || len(b.times[nameSgemm]) == 0 {
		return 0
	}
	return e.flops / float64(b.times[nameSgemm].minimum())
}

// compare is the figure "a by b", absent with the reason of whichever is missing or wrong.
func (b *bout) compare(rows []row, what, a, by string, atMost float64) figure {
	f := figure{What: what, Unit: "x", AtMost: target(atMost)}
	for _, name := range []string{a, by} {
		for _, r := range rows {
			if r.Contender == name && r.Absent != "" && f.Absent == "" {
				f.Absent = r.label + ": " + r.Absent
			}
			if r.Contender == name && r.Wrong && f.Absent == "" {
				f.Absent = r.label + " computes something else"
			}
		}
	}
	times := b.times[a].over(b.times[by])
	if times.Rounds == 0 && f.Absent == "" {
		f.Absent = "no round with both"
	}
	if f.Absent == "" {
		f.Value, f.Spread = times.Median, &times
	}
	return f
}

// target is nil for 0: nothing was asked for.
func target(atMost float64) *number {
	if atMost == 0 {
		return nil
	}
	return asNumber(atMost)
}

func asNumber(v float64) *number { n := number(v); return &n }

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
