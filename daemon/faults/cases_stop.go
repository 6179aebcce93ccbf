package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"sim2reald/daemon/topic"
)

// emergencyStop presses the button in motion, and lets it go.
func emergencyStop(ctx context.Context, b *bench) outcome {
	const within = 40 * time.Millisecond // one period of states, 20 ms, and a tick to the recorder
	return b.inMotion(ctx, rigOptions{}, func(r *rig) outcome {
		var err error
		if r.waited, err = waited(r.arm.pid()); err != nil {
			return broken(err)
		}
		at := now()
		if err := r.arm.suffer(map[string]any{"emergency_stop": true}); err != nil {
			return broken(err)
		}
		held, err := r.firstReason(ctx, at, "faulted")
		if err != nil {
			return broken(err)
		}
		told, err := r.statusSays(ctx, at, "faulted")
		if err != nil {
			return broken(err)
		}
		if err := r.arm.recover(); err != nil {
			return broken(err)
		}
		stopped, err := r.stopped(ctx, at)
		if err != nil {
			return broken(err)
		}
		if m := r.mode(ctx); m != "faulted" {
			return broken(fmt.Errorf("the daemon is %s once the button is released", m))
		}
		mapped, slowest, err := r.errorFlags(ctx)
		if err != nil {
			return broken(err)
		}
		if err := r.late(max(held, slowest), within); err != nil {
			return broken(err)
		}
		ok := held <= within && slowest <= within && mapped == len(frankaErrors()) && told <= statusWithin
		return measured(ok, "faulted after %.0f ms, told on status after %.0f ms, arm at rest after %.0f ms, latched when released; %d of %d error flags fault, slowest %.0f ms",
			ms(held), ms(told), ms(stopped.after), mapped, len(frankaErrors()), ms(slowest))
	})
}

// statusWithin is the catalogue's 500 ms, in which status is told once, and a tick on either side.
const statusWithin = 520 * time.Millisecond

// statusSays waits for a mode on the status topic, and gives the time from a moment.
func (r *rig) statusSays(ctx context.Context, at moment, mode string) (time.Duration, error) {
	var after time.Duration
	err := eventually(ctx, 3*time.Second, "status "+mode, func() bool {
		for _, h := range r.since("status", at) {
			var s topic.Status
			if json.Unmarshal(h.payload, &s) == nil && s.Mode == mode {
				after = h.at - at
				return true
			}
		}
		return false
	})
	return after, err
}

// errorFlags raises each error of a Franka in an armed daemon.
func (r *rig) errorFlags(ctx context.Context) (mapped int, slowest time.Duration, err error) {
	for _, name := range frankaErrors() {
		if err := r.acknowledge(ctx); err != nil {
			return mapped, slowest, fmt.Errorf("%s: %w", name, err)
		}
		if err := r.armed(ctx); err != nil {
			return mapped, slowest, fmt.Errorf("%s: %w", name, err)
		}
		at := now()
		if err := r.arm.suffer(map[string]any{"errors": []string{name}}); err != nil {
			return mapped, slowest, err
		}
		held, err := r.firstReason(ctx, at, "faulted")
		if err != nil {
			return mapped, slowest, fmt.Errorf("%s: %w", name, err)
		}
		mapped, slowest = mapped+1, max(slowest, held)
		if err := r.arm.recover(); err != nil {
			return mapped, slowest, err
		}
	}
	return mapped, slowest, nil
}

// armed asks until it is granted.
func (r *rig) armed(ctx context.Context) error {
	var refusal error
	err := eventually(ctx, 5*time.Second, "arm to be granted", func() bool {
		refusal = r.ask(ctx, "arm", 0)
		return refusal == nil
	})
	if err != nil {
		return fmt.Errorf("%w: %w", err, refusal)
	}
	return nil
}
