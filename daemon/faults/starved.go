package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"time"
)

// starvedError is a figure that says something about the machine and nothing about what is tested: the bridge was ready
// to run and got no processor, so that its arm, which is simulated in its own process, stood still in time.
type starvedError struct{ waited, after time.Duration }

func (e *starvedError) Error() string {
	return fmt.Sprintf("came after %v, while the arm's process waited %v for a processor: void", e.after, e.waited)
}

// attempts is how often what was void is done again.
const attempts = 3

// unsafeError is what no machine, however busy, excuses: a limit was passed, or an arm moved that had to stand.
type unsafeError struct{ error }

func (e *unsafeError) Unwrap() error { return e.error }

// isUnsafe reports whether an error is one.
func isUnsafe(err error) bool {
	var e *unsafeError
	return errors.As(err, &e)
}

// late is nil for what came in time, and for what came late without the machine being to blame: it is when the arm's
// process waited for all of the excess, give or take a tick of the arm's. Whoever asks has judged the limits before.
func (r *rig) late(after, within time.Duration) error {
	if after <= within || !r.arm.alive() {
		return nil
	}
	now, err := waited(r.arm.pid())
	if err != nil {
		return err
	}
	if d := now - r.waited; d+armTick >= after-within {
		return &starvedError{d, after}
	}
	return nil
}

// starved reports whether an error says that a run is void.
func starved(err error) bool {
	var e *starvedError
	return errors.As(err, &e)
}

// calmly is a case whose failures are void on a busy machine.
func calmly(run runner) runner {
	return func(ctx context.Context, b *bench) outcome { return unlessBusy(run(ctx, b)) }
}

// unlessBusy makes what failed void where more processes than twice the processors wanted to run: others than ours.
// What was unsafe stays so.
func unlessBusy(o outcome) outcome {
	text, err := os.ReadFile("/proc/loadavg")
	var load float64
	if err == nil {
		_, err = fmt.Sscan(string(text), &load)
	}
	if o.Verdict == failed && !o.unsafe && err == nil && load > 2*float64(runtime.NumCPU()) {
		o.void = true
		o.Measured += fmt.Sprintf(" (void: a load of %.1f on %d processors)", load, runtime.NumCPU())
	}
	return o
}
