package evaluation

import (
	"fmt"
	"strings"
)

// Difference is what an arm's success rate is above that of another, on the seeds that both ran.
type Difference struct {
	Arm     string  `json:"arm"`
	Against string  `json:"against"`
	Shift   string  `json:"shift,omitempty"`         // of the arm
	From    string  `json:"against_shift,omitempty"` // of the other
	Pairs   int     `json:"pairs"`
	Value   float64 `json:"difference"`
	// Paired is a bootstrap over the seeds, Unpaired Newcombe's interval, which takes no notice of them.
	Paired   [2]float64 `json:"interval_95_paired_bootstrap"`
	Unpaired [2]float64 `json:"interval_95_newcombe"`
}

// resampling is the seed of the bootstrap, so that one result has one interval.
const resampling = 1

// Differences compares each arm with the first of its shift, and each shift of an arm with the arm's first.
func Differences(arms []Arm) []Difference {
	var all []Difference
	for i, a := range arms {
		for _, first := range arms[:i] {
			if first.Shift == a.Shift && first.Name != a.Name {
				all = append(all, Compare(a, first))
				break
			}
		}
		for _, first := range arms[:i] {
			if first.Name == a.Name && first.Shift != a.Shift {
				all = append(all, Compare(a, first))
				break
			}
		}
	}
	return all
}

// Compare is a's success less b's. Without a seed that both ran it says nothing.
func Compare(a, b Arm) Difference {
	var row []float64
	s, t := 0, 0
	other := b.bySeed()
	for _, trial := range a.Trials {
		counterpart, ok := other[trial.Seed]
		if !ok || trial.Void() {
			continue
		}
		s, t = s+trial.successes(), t+counterpart.successes()
		row = append(row, float64(trial.successes()-counterpart.successes()))
	}
	pairs, n := Grid{row}, len(row)
	d := Difference{Arm: a.Name, Against: b.Name, Shift: a.Shift, From: b.Shift, Pairs: n, Value: pairs.Mean()}
	d.Paired[0], d.Paired[1] = pairs.Difference(resampling)
	d.Unpaired[0], d.Unpaired[1] = Newcombe(s, n, t, n)
	return d
}

// bySeed are the trials that count.
func (a Arm) bySeed() map[int64]Trial {
	m := map[int64]Trial{}
	for _, t := range a.Trials {
		if !t.Void() {
			m[t.Seed] = t
		}
	}
	return m
}

// Success reports whether the environment said so.
func (t Trial) Success() bool { return t.Outcome == "success" }

func (t Trial) successes() int {
	if t.Success() {
		return 1
	}
	return 0
}

func (d Difference) writeText(b *strings.Builder) {
	fmt.Fprintf(b, "\n%s less %s\n", Arm{Name: d.Arm, Shift: d.Shift}.title(), Arm{Name: d.Against, Shift: d.From}.title())
	fmt.Fprintf(b, "  difference         %+.0f points over %d pairs of the same seed\n", 100*d.Value, d.Pairs)
	fmt.Fprintf(b, "  95 %% interval      %+.0f to %+.0f (bootstrap over the pairs); unpaired %+.0f to %+.0f (Newcombe)\n",
		100*d.Paired[0], 100*d.Paired[1], 100*d.Unpaired[0], 100*d.Unpaired[1])
}
