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

// series is what a case measured over several runs.
type series struct {
	values []float64
	asked  int // by the catalogue
}

// most is the largest value.
func (s series) most() float64 {
	var most float64
	for _, v := range s.values {
		most = max(most, v)
	}
	return most
}

// String says how many of the runs that are asked for were made.
func (s series) String() string {
	if len(s.values) == s.asked {
		return fmt.Sprintf("%d runs", s.asked)
	}
	return fmt.Sprintf("%d of %d runs", len(s.values), s.asked)
}

// count is how often something is done: reduced, or as the catalogue has it.
func (b *bench) count(reduced, asked int) int {
	if b.full {
		return asked
	}
	return reduced
}

// repeat measures a case several times; runs that the journal has are not made again. The first error ends it.
func (b *bench) repeat(ctx context.Context, id string, reduced, asked int, run func(ctx context.Context, i int) (float64, error)) (series, error) {
	s := series{asked: asked}
	for i := range b.count(reduced, asked) {
		if v, ok := b.log.value(id, i); ok {
			s.values = append(s.values, v)
			continue
		}
		v, err := run(ctx, i)
		if err != nil {
			return s, fmt.Errorf("run %d: %w", i+1, err)
		}
		s.values = append(s.values, v)
		if err := b.log.put(row{Case: id, Run: i + 1, Value: v}); err != nil {
			return s, err
		}
	}
	return s, nil
}

// ms is a duration in milliseconds, for a figure.
func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
