package main

import (
	"context"
	"fmt"
	"time"
)

// hostsApart has the bridge's host two seconds off: arming is refused, each time.
func hostsApart(ctx context.Context, b *bench) outcome {
	const tries = 20
	return b.atRest(ctx, rigOptions{}, func(r *rig) outcome {
		if err := r.arm.suffer(map[string]any{"skew_s": 2.0}); err != nil {
			return broken(err)
		}
		if _, err := r.begin(ctx); err != nil {
			return broken(err)
		}
		if err := pause(ctx, 3*time.Second); err != nil { // some thirty echoes
			return broken(err)
		}
		refused := 0
		var last error
		for range tries {
			if err := r.ask(ctx, "arm", 0); err != nil {
				refused, last = refused+1, err
			} else if err := r.ask(ctx, "stop", 0); err != nil {
				return broken(err)
			}
			if err := pause(ctx, 20*time.Millisecond); err != nil {
				return broken(err)
			}
		}
		return measured(refused == tries, "%d of %d refused: %v", refused, tries, last)
	})
}

// clockSteps has the wall clock of the bridge's host jump in motion, there and back. The daemon's own wall clock would
// have to be set for the rest, which is the machine's.
func clockSteps(ctx context.Context, b *bench) outcome {
	return b.inMotion(ctx, rigOptions{}, func(r *rig) outcome {
		from := now()
		steps := []float64{3600, -3600, 0.5, -0.5, 0}
		for _, s := range steps {
			if err := r.arm.suffer(map[string]any{"skew_s": s}); err != nil {
				return broken(err)
			}
			if err := pause(ctx, time.Second); err != nil {
				return broken(err)
			}
		}
		held := 0
		for _, c := range r.commands(from, "") {
			if c.msg.Mode == "hold" {
				held++
			}
		}
		if err := r.safe(); err != nil {
			return broken(err)
		}
		return measured(held == 0, "bridge's clock stepped by ±1 h and ±500 ms: %d holds; the daemon's own clock was not set", held)
	})
}

// nothingBad is here so that a rig without any fault is judged too: what the checks say of it is their own noise.
func nothingBad(ctx context.Context, b *bench) outcome {
	return b.inMotion(ctx, rigOptions{}, func(r *rig) outcome {
		from := now()
		if err := pause(ctx, 5*time.Second); err != nil {
			return broken(err)
		}
		for _, c := range r.commands(from, "") {
			if c.msg.Mode == "hold" {
				return broken(fmt.Errorf("held %v after the beginning: %s", c.at-from, c.msg.Reason))
			}
		}
		return measured(r.safe() == nil, "5 s in motion, 0 holds, 0 limits passed")
	})
}
