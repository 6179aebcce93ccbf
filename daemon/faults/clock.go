package main

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// moment is CLOCK_MONOTONIC, which the arm's log counts by as well.
type moment = time.Duration

func now() moment {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
		panic(err) // Linux has this clock
	}
	return moment(ts.Nano())
}

// pollPeriod is how often something that another process does is looked for.
const pollPeriod = 5 * time.Millisecond

// eventually waits until ok, and names what it waited for in vain.
func eventually(ctx context.Context, patience time.Duration, what string, ok func() bool) error {
	deadline := now() + patience
	for !ok() {
		if now() > deadline {
			return fmt.Errorf("waited %v in vain for %s", patience, what)
		}
		if err := pause(ctx, pollPeriod); err != nil {
			return err
		}
	}
	return nil
}

// pause lets the processes go on for a while.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
