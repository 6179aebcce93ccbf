package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"syscall"
	"time"
)

// brokerStops freezes the broker: no connection ends, and nothing comes.
func brokerStops(ctx context.Context, b *bench) outcome {
	return b.inMotion(ctx, rigOptions{}, func(r *rig) outcome {
		at := now()
		if err := r.broker.signal(syscall.SIGSTOP); err != nil {
			return broken(err)
		}
		held, err := r.leavesRunning(ctx, at)
		if err != nil {
			return broken(err)
		}
		if err := pause(ctx, 5*time.Second-(now()-at)); err != nil {
			return broken(err)
		}
		stopped, err := r.stopped(ctx, at)
		if err != nil {
			return broken(err)
		}
		back := now()
		if err := r.broker.signal(syscall.SIGCONT); err != nil {
			return broken(err)
		}
		if err := r.flows(ctx, back); err != nil {
			return broken(err)
		}
		if err := r.armStood(back); err != nil {
			return broken(fmt.Errorf("once the broker went on, %w", err))
		}
		ok := held <= 300*time.Millisecond && stopped.after <= restWithin
		return measured(ok, "held after %.0f ms, arm at rest after %.0f ms, 0 old commands executed", ms(held), ms(stopped.after))
	})
}

// flows waits until both sides are heard again, and a little longer, in which nothing may move.
func (r *rig) flows(ctx context.Context, from moment) error {
	err := eventually(ctx, 10*time.Second, "states and commands on the broker", func() bool {
		return len(r.since("joint_states", from)) > 20 && len(r.commands(from, "")) > 20
	})
	if err != nil {
		return err
	}
	return pause(ctx, quietFor)
}

// halfOpen pulls the daemon's cable: its writes go nowhere, and no connection ends.
func halfOpen(ctx context.Context, b *bench) outcome {
	calm := b.atRest(ctx, rigOptions{proxied: true}, func(r *rig) outcome { return countGoroutines(ctx, r, nil) })
	if calm.Verdict != passed {
		return calm
	}
	var held, rested time.Duration
	after := b.inMotion(ctx, rigOptions{proxied: true}, func(r *rig) outcome {
		at := now()
		r.proxy.stall(true)
		var err error
		if held, err = r.leavesRunning(ctx, at); err != nil {
			return broken(err)
		}
		stopped, err := r.stopped(ctx, at)
		if err != nil {
			return broken(err)
		}
		rested = stopped.after
		if err := pause(ctx, 5*time.Second); err != nil { // longer than keep-alive and ping
			return broken(err)
		}
		return countGoroutines(ctx, r, func() error { return r.heals(ctx) })
	})
	if after.Verdict != passed {
		return after
	}
	ok := held <= 500*time.Millisecond && rested <= restWithin && after.Measured == calm.Measured
	return measured(ok, "held after %.0f ms, arm at rest after %.0f ms; goroutines %s, without the fault %s", ms(held), ms(rested), after.Measured, calm.Measured)
}

// heals ends the silence; the connection is made anew, and nothing moves by itself.
func (r *rig) heals(ctx context.Context) error {
	from := now()
	r.proxy.stall(false)
	if err := r.flows(ctx, from); err != nil {
		return err
	}
	return r.armStood(from)
}

// countGoroutines brings a daemon to rest, disarmed, and counts.
func countGoroutines(ctx context.Context, r *rig, before func() error) outcome {
	if before != nil {
		if err := before(); err != nil {
			return broken(err)
		}
		if err := r.acknowledge(ctx); err != nil {
			return broken(err)
		}
	}
	if err := r.awaitMode(ctx, "disarmed", 5*time.Second); err != nil {
		return broken(err)
	}
	http.DefaultClient.CloseIdleConnections() // each of which has a goroutine at the page's end
	if err := pause(ctx, time.Second); err != nil {
		return broken(err)
	}
	n, err := r.goroutines()
	if err != nil {
		return broken(err)
	}
	return measured(true, "%d", n)
}

// brokerRestarts ends the broker as a package's update does, and starts it again at once.
func brokerRestarts(ctx context.Context, b *bench) outcome {
	return b.inMotion(ctx, rigOptions{}, func(r *rig) outcome {
		at := now()
		r.broker.end(5 * time.Second)
		var err error
		if r.broker, err = startBroker(ctx, r.dir, r.address, ""); err != nil {
			return broken(err)
		}
		back := now()
		if err := r.flows(ctx, back); err != nil {
			return broken(err)
		}
		first := max(r.commands(back, "")[0].at, r.since("joint_states", back)[0].at) - back
		mode := r.mode(ctx)
		if mode != "holding" && mode != "faulted" {
			return broken(fmt.Errorf("the daemon is %s after the broker's restart", mode))
		}
		stopped, err := r.stopped(ctx, at)
		if err != nil {
			return broken(err)
		}
		ok := first <= 2*time.Second && stopped.after <= restWithin
		return measured(ok, "both back after %.0f ms, %s; arm at rest after %.0f ms, and stays so", ms(first), mode, ms(stopped.after))
	})
}

// slowConsumer is a client that subscribes to everything and reads nothing.
func slowConsumer(ctx context.Context, b *bench) outcome {
	seconds := b.count(15, 120)
	o := b.inMotion(ctx, rigOptions{}, func(r *rig) outcome {
		p, err := startProxy(r.address)
		if err != nil {
			return broken(err)
		}
		defer p.Close()
		lazy, err := newTap(ctx, p.address())
		if err != nil {
			return broken(err)
		}
		defer lazy.close()
		if err := pause(ctx, time.Second); err != nil {
			return broken(err)
		}
		p.stall(true)
		from := now()
		if err := pause(ctx, time.Duration(seconds)*time.Second); err != nil {
			return broken(err)
		}
		gap := longestGap(r.since("joint_states", from))
		if strings.Contains(r.daemon.said.String(), "broker lost") || strings.Contains(r.arm.said.String(), "offline") {
			return broken(fmt.Errorf("a connection was lost"))
		}
		if m := r.mode(ctx); m != "running" {
			return broken(fmt.Errorf("the daemon is %s", m))
		}
		if err := r.safe(); err != nil {
			return broken(err)
		}
		return measured(true, "0 disconnects and running throughout %d of 120 s; longest gap between states %.0f ms", seconds, ms(gap))
	})
	return beside(ctx, o, "./daemon/topic", "^TestBlockedCallbackStallsNothingElse$", "a blocked handler stalls no ping")
}

func longestGap(all []heard) time.Duration {
	var gap time.Duration
	for i := 1; i < len(all); i++ {
		gap = max(gap, all[i].at-all[i-1].at)
	}
	return gap
}
