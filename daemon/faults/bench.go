package main

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// runner measures a case.
type runner func(context.Context, *bench) outcome

// bench is what the cases share.
type bench struct {
	binary string // sim2reald
	python string // with the bridge's packages
	dir    string // scratch
	full   bool   // full counts
	log    *journal

	once   sync.Once
	files  policyFiles
	failed error // of making them
}

// policy are the suite's base and bundle.
func (b *bench) policy() (policyFiles, error) {
	b.once.Do(func() { b.files, b.failed = writePolicy(b.dir, nil) })
	return b.files, b.failed
}

// figure is what one run of a case measured.
type figure struct {
	Value float64 `json:"value"`             // in the unit of the case
	Rest  float64 `json:"rest_ms,omitempty"` // until the arm stood, where that is another figure
}

// series is what a case measured over several runs.
type series struct {
	values []figure
	asked  int     // by the catalogue
	void   []error // of runs in which the machine gave the arm no time, done again
}

// most is the largest value.
func (s series) most() float64 {
	var most float64
	for _, v := range s.values {
		most = max(most, v.Value)
	}
	return most
}

// latest is the longest time until the arm stood, in ms.
func (s series) latest() float64 {
	var latest float64
	for _, v := range s.values {
		latest = max(latest, v.Rest)
	}
	return latest
}

// String says how many of the runs that are asked for were made.
func (s series) String() string {
	runs := fmt.Sprintf("%d of %d runs", len(s.values), s.asked)
	if len(s.void) > 0 {
		runs += fmt.Sprintf(", %d more void: the last %v", len(s.void), s.void[len(s.void)-1])
	}
	return runs
}

// count is how often something is done: reduced, or as the catalogue has it.
func (b *bench) count(reduced, asked int) int {
	if b.full {
		return asked
	}
	return reduced
}

// mostVoid is how many runs of a series may be void: where more are, the others say nothing either.
func mostVoid(runs int) int { return max(2, runs/5) }

// repeat measures a case several times; runs that the journal has are not made again. The first error ends it. A void run
// is kept in the journal, and told.
func (b *bench) repeat(ctx context.Context, id string, reduced, asked int, run func(ctx context.Context, i int) (figure, error)) (series, error) {
	s := series{asked: asked, void: b.log.voids[id]}
	runs := b.count(reduced, asked)
	for i := range runs {
		if v, ok := b.log.value(id, i); ok {
			s.values = append(s.values, v)
			continue
		}
		v, err := run(ctx, i)
		for n := 1; starved(err) && !isUnsafe(err) && n < attempts && len(s.void) < mostVoid(runs); n++ {
			s.void = append(s.void, err)
			if err := b.log.put(row{Case: id, Run: i + 1, Void: err.Error()}); err != nil {
				return s, err
			}
			v, err = run(ctx, i)
		}
		if err != nil {
			return s, fmt.Errorf("run %d: %w", i+1, err)
		}
		s.values = append(s.values, v)
		if err := b.log.put(row{Case: id, Run: i + 1, Figure: &v}); err != nil {
			return s, err
		}
	}
	return s, nil
}

// ms is a duration in milliseconds, for a figure.
func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
