package main

import (
	"context"
	"fmt"
	"time"

	"sim2reald/daemon/topic"
)

// begin resets the arm to an episode and waits until it is ready.
func (r *rig) begin(ctx context.Context) (string, error) {
	r.resets++
	id := fmt.Sprintf("e%d", r.resets)
	reset := topic.EpisodeReset{Envelope: r.envelope("episode/reset"), Episode: id, Seed: int64(r.resets)}
	if err := r.say("episode/reset", 1, false, reset); err != nil {
		return id, err
	}
	return id, eventually(ctx, 10*time.Second, "episode "+id, func() bool {
		_, s, ok := newest[topic.EpisodeState](r.tap, "episode/state")
		return ok && s.Episode == id && s.State == "ready"
	})
}

// move brings a disarmed daemon and its arm into motion.
func (r *rig) move(ctx context.Context) error {
	id, err := r.begin(ctx)
	if err != nil {
		return err
	}
	var refusal error
	err = eventually(ctx, 20*time.Second, "arm to be granted", func() bool {
		refusal = r.ask(ctx, "arm", 0)
		return refusal == nil
	})
	if err != nil {
		return fmt.Errorf("%w: %w", err, refusal)
	}
	if err := r.ask(ctx, "start", 0); err != nil {
		return err
	}
	if err := r.release(id); err != nil {
		return err
	}
	return r.awaitMotion(ctx)
}

// release lets a ready episode run.
func (r *rig) release(id string) error {
	return r.say("episode/start", 1, false, topic.EpisodeStart{Envelope: r.envelope("episode/start"), Episode: id})
}

// awaitMotion waits until the arm has moved for half a second without a break.
func (r *rig) awaitMotion(ctx context.Context) error {
	from := now()
	err := eventually(ctx, 15*time.Second, "an arm in motion", func() bool {
		t, ok := r.arm.newestTick()
		if !ok || t.still() || t.mode != "velocity" {
			from = now()
		}
		return now()-from > 500*time.Millisecond
	})
	if err != nil {
		s, _ := r.status(ctx)
		return fmt.Errorf("%w: the daemon is %s, %s", err, s.Mode, s.Why)
	}
	r.waited, err = waited(r.arm.pid())
	return err
}

// settle waits until the arm stands, and then a little longer, so that a motion that comes again is in the log.
func (r *rig) settle(ctx context.Context, longer time.Duration) error {
	err := eventually(ctx, 5*time.Second, "an arm at rest", func() bool {
		t, ok := r.arm.newestTick()
		return ok && t.still()
	})
	if err != nil {
		return err
	}
	return pause(ctx, longer)
}

// acknowledge ends a latched fault, whichever it is.
func (r *rig) acknowledge(ctx context.Context) error {
	s, err := r.status(ctx)
	if err != nil {
		return err
	}
	return r.ask(ctx, "acknowledge", s.Fault)
}

// safe judges the whole log: no limit passed by what was sent or by what the arm did.
func (r *rig) safe() error {
	lim := limits()
	ticks, err := r.arm.ticks()
	if err != nil {
		return err
	}
	err = withinLimits(ticks, &lim)
	if err == nil {
		err = commandsWithin(r.commands(0, ""), &lim)
	}
	if err != nil {
		return &unsafeError{err}
	}
	return nil
}
