package main

import (
	"errors"
	"runtime"
	"time"
)

// session is what both of this project's engines give.
type session interface {
	Input(i int) []float32
	Output(i int) []float32
	Run() error
	Close() error
}

// own is one of this project's engines, in this process.
type own struct {
	session session
	model   interface{ Close() error }
}

// Run is a contender's.
func (o *own) Run(n int) ([]time.Duration, error) { return timed(n, o.session.Run) }

// timed does something n times.
func timed(n int, do func() error) ([]time.Duration, error) {
	times := make([]time.Duration, n)
	for i := range times {
		start := time.Now()
		if err := do(); err != nil {
			return nil, err
		}
		times[i] = time.Since(start)
	}
	return times, nil
}

// Output is a contender's.
func (o *own) Output() ([]float32, error) { return o.session.Output(0), nil }

// Close is a contender's.
func (o *own) Close() error { return errors.Join(o.session.Close(), o.model.Close()) }

// repeated is a contender in this process, whose garbage can be counted.
type repeated interface{ once() error }

func (o *own) once() error { return o.session.Run() }

// garbage is what one run leaves on Go's heap, over n of them: in whole allocations, as testing.AllocsPerRun
// counts, and in bytes. Memory that libraries take for themselves is not on it.
func garbage(c repeated, n uint64) (allocations, bytes float64, err error) {
	err = c.once() // what is made at first use
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range n {
		if err == nil {
			err = c.once()
		}
	}
	runtime.ReadMemStats(&after)
	return float64((after.Mallocs - before.Mallocs) / n), float64((after.TotalAlloc - before.TotalAlloc) / n), err
}
