package main

import (
	"errors"
	"fmt"
	"time"
)

// starvedError is a figure that says something about the machine and nothing about what is tested: the bridge was ready
// to run and got no processor, so that its arm, which is simulated in its own process, stood still in time.
type starvedError struct{ waited, rest time.Duration }

func (e *starvedError) Error() string {
	return fmt.Sprintf("the arm came to rest after %v, of which its process waited %v for a processor: void", e.rest, e.waited)
}

// starvedFor is the wait from which on a late rest is void.
const starvedFor = 100 * time.Millisecond

// attempts is how often what was void is done again.
const attempts = 3

// lateRest is nil for a rest in time, and for one that the machine is not to blame for.
func (r *rig) lateRest(after time.Duration) error {
	if after <= restWithin || !r.arm.alive() {
		return nil
	}
	now, err := waited(r.arm.pid())
	if err != nil {
		return err
	}
	if d := now - r.waited; d > starvedFor {
		return &starvedError{d, after}
	}
	return nil
}

// starved reports whether an error says that a run is void.
func starved(err error) bool {
	var e *starvedError
	return errors.As(err, &e)
}
