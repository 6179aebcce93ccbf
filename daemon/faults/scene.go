package main

import (
	"context"
	"fmt"
	"strings"
	"syscall"
	"time"
)

// inMotion opens a rig, brings its arm into motion, and does f to it.
func (b *bench) inMotion(ctx context.Context, opts rigOptions, f func(*rig) outcome) outcome {
	return b.atRest(ctx, opts, func(r *rig) outcome {
		if err := r.move(ctx); err != nil {
			return broken(err)
		}
		return f(r)
	})
}

// atRest opens a rig whose daemon is disarmed, and does f to it.
func (b *bench) atRest(ctx context.Context, opts rigOptions, f func(*rig) outcome) outcome {
	r, err := b.newRig(ctx, opts)
	if err != nil {
		return broken(err)
	}
	defer r.close()
	return f(r)
}

// leavesRunning polls the page until the daemon is in another mode, and gives the time since a moment.
func (r *rig) leavesRunning(ctx context.Context, at moment) (time.Duration, error) {
	err := eventually(ctx, 3*time.Second, "the daemon to leave mode running", func() bool {
		m := r.mode(ctx)
		return m != "" && m != "running"
	})
	return now() - at, err
}

// firstHold waits for the first hold that was sent after a moment, and gives the time between.
func (r *rig) firstHold(ctx context.Context, at moment) (time.Duration, error) {
	return r.firstReason(ctx, at, "")
}

// firstReason is firstHold of one reason, or of any for "".
func (r *rig) firstReason(ctx context.Context, at moment, reason string) (time.Duration, error) {
	var after time.Duration
	err := eventually(ctx, 3*time.Second, "a hold "+reason, func() bool {
		for _, c := range r.commands(at, "") {
			if c.msg.Mode == "hold" && (reason == "" || c.msg.Reason == reason) {
				after = c.at - at
				return true
			}
		}
		return false
	})
	return after, err
}

// lastHeard is when the last message of a topic came.
func (r *rig) lastHeard(name string) moment {
	all := r.since(name, 0)
	if len(all) == 0 {
		return 0
	}
	return all[len(all)-1].at
}

// armStood is an error if the arm moved at any time since a moment.
func (r *rig) armStood(from moment) error {
	ticks, err := r.arm.ticks()
	if err != nil {
		return err
	}
	for _, t := range since(ticks, from) {
		if !t.still() {
			return fmt.Errorf("the arm moved %v later", t.at-from)
		}
	}
	return nil
}

// goroutines ends the daemon with the signal that makes it say what each goroutine does, and counts them.
func (r *rig) goroutines() (int, error) {
	if err := r.daemon.signal(syscall.SIGQUIT); err != nil {
		return 0, err
	}
	if err := r.daemon.wait(10 * time.Second); err != nil {
		return 0, err
	}
	n := strings.Count(r.daemon.said.String(), "\ngoroutine ")
	if n == 0 {
		return 0, fmt.Errorf("the daemon ended without a dump of its goroutines: %s", r.daemon.lastLines(3))
	}
	return n, nil
}
