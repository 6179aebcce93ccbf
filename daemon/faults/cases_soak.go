package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"syscall"
	"time"
)

// hardships are what the soak does to a moving arm, each over after a second.
func (r *rig) hardships() map[string]func(context.Context) error {
	suffer := func(faults map[string]any) func(context.Context) error {
		return func(ctx context.Context) error {
			if err := r.arm.suffer(faults); err != nil {
				return err
			}
			if err := pause(ctx, time.Second); err != nil {
				return err
			}
			return r.arm.recover()
		}
	}
	frozen := func(p func() *process) func(context.Context) error {
		return func(ctx context.Context) error {
			if err := p().signal(syscall.SIGSTOP); err != nil {
				return err
			}
			if err := pause(ctx, time.Second); err != nil {
				return err
			}
			return p().signal(syscall.SIGCONT)
		}
	}
	return map[string]func(context.Context) error{
		"camera silent": suffer(map[string]any{"mute": []string{"camera/default"}}),
		"states silent": suffer(map[string]any{"mute": []string{"joint_states"}}),
		"states frozen": suffer(map[string]any{"repeat": []string{"joint_states"}}),
		"jump":          suffer(map[string]any{"jump": 0.5}),
		"NaN":           suffer(map[string]any{"nan": true}),
		"emergency":     suffer(map[string]any{"emergency_stop": true}),
		"reflex":        suffer(map[string]any{"errors": []string{"joint_reflex"}}),
		"dark":          suffer(map[string]any{"picture": "black"}),
		"broker frozen": frozen(func() *process { return r.broker }),
		"bridge frozen": frozen(func() *process { return r.arm.process }),
		"cut":           func(context.Context) error { r.proxy.cut(); return nil },
		"daemon frozen": frozen(func() *process { return r.daemon }),
	}
}

// soakOrder is the order in which a seed draws them.
func soakOrder() []string {
	return []string{
		"camera silent", "states silent", "states frozen", "jump", "NaN", "emergency", "reflex", "dark",
		"broker frozen", "bridge frozen", "cut", "daemon frozen",
	}
}

// soak lets the arm move for long, with a fault drawn again and again, and a person who acknowledges and starts anew.
func soak(ctx context.Context, b *bench) outcome {
	const seed = 46
	length, every := 100*time.Second, 4*time.Second
	if b.full {
		length, every = time.Hour, 30*time.Second
	}
	return b.inMotion(ctx, rigOptions{proxied: true}, func(r *rig) outcome {
		draw := rand.New(rand.NewPCG(seed, seed))
		before, err := r.footprint()
		if err != nil {
			return broken(err)
		}
		began, faults := now(), 0
		for ; now()-began < length; faults++ {
			name := soakOrder()[draw.IntN(len(soakOrder()))]
			if err := r.suffersAndRecovers(ctx, name, every); err != nil {
				return broken(fmt.Errorf("fault %d, %s, seed %d: %w", faults+1, name, seed, err))
			}
		}
		after, err := r.footprint()
		if err != nil {
			return broken(err)
		}
		return r.soaked(before, after, now()-began, faults)
	})
}

func (r *rig) soaked(before, after footprint, took time.Duration, faults int) outcome {
	if err := r.safe(); err != nil {
		return broken(err)
	}
	grown := float64(after.bytes-before.bytes) / (1 << 20)
	descriptors := after.descriptors - before.descriptors
	// A slope of 1 MiB/h cannot be told from noise in a short run: there the catalogue's flood, 64 MiB, is the bound.
	ok := descriptors <= 2 && grown <= 64
	return measured(ok, "0 limits passed in %.0f s (of 24 h) with %d faults; memory %+.1f MiB, descriptors %+d, threads %+d",
		took.Seconds(), faults, grown, descriptors, after.threads-before.threads)
}

// suffersAndRecovers does one hardship, sees the arm stop or go on within limits, and brings it back into motion.
func (r *rig) suffersAndRecovers(ctx context.Context, name string, every time.Duration) error {
	from := now()
	if err := r.hardships()[name](ctx); err != nil {
		return err
	}
	if err := pause(ctx, every-(now()-from)); err != nil {
		return err
	}
	if err := eventually(ctx, 10*time.Second, "an answer of the daemon's", func() bool { return r.mode(ctx) != "" }); err != nil {
		return err
	}
	if r.mode(ctx) == "running" {
		return nil
	}
	return r.againInMotion(ctx)
}

// againInMotion is a person who reads the fault, acknowledges it and starts anew.
func (r *rig) againInMotion(ctx context.Context) error {
	if err := r.settle(ctx, 0); err != nil {
		return err
	}
	if r.mode(ctx) == "faulted" {
		if err := r.acknowledge(ctx); err != nil {
			return err
		}
	} else if err := r.ask(ctx, "stop", 0); err != nil {
		return err
	}
	return r.move(ctx)
}

// footprint is what a process takes.
type footprint struct {
	bytes                int64
	descriptors, threads int
}

func (r *rig) footprint() (f footprint, err error) {
	if f.bytes, err = resident(r.daemon.pid()); err != nil {
		return f, err
	}
	if f.descriptors, err = descriptors(r.daemon.pid()); err != nil {
		return f, err
	}
	f.threads, err = threads(r.daemon.pid())
	return f, err
}
