package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"sim2reald/daemon/evaluation"
)

// worker is one simulator with its broker, its loop and its policy. What a seed brings does not depend on the
// worker that runs it: the bridge starts each episode from the seed alone.
type worker struct {
	*evaluator
	number int
	w      *workcell
	board  *board
	desk   desk
	brain  *brain
	file   string // of the brain's bundle
}

// openWorker opens the policy of the first heat before the workcell, so that a bad file costs no time.
func (e *evaluator) openWorker(ctx context.Context, number int) (*worker, error) {
	k := &worker{evaluator: e, number: number}
	if err := k.open(ctx); err != nil {
		return nil, errors.Join(err, k.close())
	}
	return k, nil
}

func (k *worker) open(ctx context.Context) (err error) {
	if err := k.think(k.heats[0].file); err != nil {
		return err
	}
	cfg, log := k.cfg, k.log
	if k.number > 0 {
		host, _, err := net.SplitHostPort(cfg.MQTT.Listen)
		if err != nil {
			return err
		}
		cfg.MQTT.Listen, cfg.MQTT.ListenTLS, log = net.JoinHostPort(host, "0"), "", log.With("worker", k.number)
	}
	if k.w, err = openWorkcell(ctx, cfg, log, workcellOptions{startBridge: true, onRequest: k.desk.answer}); err != nil {
		return err
	}
	if err := k.w.knowsShifts(k.flags.shifts()...); err != nil {
		return fmt.Errorf("evaluate: %w", err)
	}
	if k.w.cfg.Bridge.Task == "" {
		k.w.cfg.Bridge.Task = k.w.fact.Task
	}
	if k.w.cfg.Bridge.Jitter == "" {
		k.w.cfg.Bridge.Jitter = k.w.fact.DefaultJitter
	}
	k.board = k.brain.board(k.w)
	k.desk.board.Store(k.board)
	k.w.shown.Store(k.board) // also without a page
	return nil
}

// think opens the brain of a bundle, and lets go of the one before.
func (k *worker) think(file string) error {
	if k.brain != nil && k.file == file {
		return nil
	}
	if k.brain != nil {
		before := k.brain
		k.brain = nil
		if k.board != nil {
			k.board.comparison.use(nil)
		}
		if err := before.Close(); err != nil {
			return err
		}
	}
	cfg := k.cfg
	cfg.Policy.Bundle = file
	b, err := openBrainIn(&k.library, cfg)
	if err != nil {
		return err
	}
	k.brain, k.file = b, file
	if k.board != nil {
		k.board.thinks(b)
	}
	return nil
}

func (k *worker) close() error {
	var errs []error
	if k.w != nil {
		errs = append(errs, k.w.Close())
	}
	if k.brain != nil {
		errs = append(errs, k.brain.Close())
	}
	return errors.Join(errs...)
}

// run takes part in every heat until all are done or ctx ends.
func (k *worker) run(ctx context.Context) error {
	for _, h := range k.heats {
		if ctx.Err() != nil {
			return nil
		}
		if err := k.race(ctx, h); err != nil {
			return err
		}
	}
	return nil
}

// race runs seeds of a heat beside its loop, for as long as there are any.
func (k *worker) race(ctx context.Context, h *heat) (err error) {
	seed, ok := k.take(h)
	if !ok {
		return nil
	}
	if err := k.think(h.file); err != nil {
		return err
	}
	who, err := h.enter(k.brain, k.w)
	if err != nil {
		return err
	}
	defer closing(&err, who.close)
	k.begin(h, who)
	return k.beside(ctx, who.loop, func(ctx context.Context) error { return k.trials(ctx, h, who.loop, seed) })
}

// beside runs f while the loop runs; the end of one ends the other.
func (k *worker) beside(ctx context.Context, l *loop, f func(context.Context) error) error {
	looping, stop := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan error, 1)
	running, cancel := context.WithCancelCause(ctx)
	l.audit, l.atRest = k.auditCommand, func() { cancel(errAskedForRest) }
	l.resets = k.w.lockstep() // time that waits is no real arm's
	go func() {
		err := l.run(looping, k.w)
		ended <- err
		cancel(err)
	}()
	err := f(running)
	stop()
	loopErr := <-ended
	cancel(nil)
	return errors.Join(err, loopErr)
}

// trials runs a seed and those after it. The one that a person interrupted is void.
func (k *worker) trials(ctx context.Context, h *heat, l *loop, seed int64) error {
	k.board.runs(l, k.now(h, seed))
	open := true // the seed at hand has no trial yet
	seeds := func(yield func(int64) bool) {
		for ok := true; ok && yield(seed); {
			if seed, ok = k.take(h); ok {
				open = true
				k.board.says(k.now(h, seed))
			}
		}
	}
	k.w.shifted.Store(h.shift != "" && h.shift != "none")
	r := &evaluation.Runner{Bridge: k.w.link, Operator: l, States: k.w.episodes}
	err := r.Run(ctx, k.plan(h), seeds, func(t evaluation.Trial) error {
		open = false
		return k.keep(h, t)
	})
	if l.interrupted.Load() && open {
		k.void(h, evaluation.Trial{Seed: seed, Outcome: "aborted", Reason: "stopped by an operator"})
		return errAskedForRest
	}
	return err
}

// plan bounds an episode's wall time by ten times what it takes in real time, and by a second a step: a
// lock-step simulator on a busy machine may be slow, but not for ever.
func (k *worker) plan(h *heat) evaluation.Plan {
	steps := float64(k.w.fact.HorizonSteps)
	seconds := max(10*steps/k.w.fact.ControlRateHz, steps)
	return evaluation.Plan{
		Task: k.w.cfg.Bridge.Task, Jitter: k.w.cfg.Bridge.Jitter, Shift: h.shift,
		Patience: 30 * time.Second, Horizon: time.Duration(seconds * float64(time.Second)),
	}
}

func (k *worker) now(h *heat, seed int64) string {
	of := ""
	if h.episodes > 0 {
		of = fmt.Sprintf(" of %d", h.episodes)
	}
	return fmt.Sprintf("%s: episode %d%s, seed %d", h.title(), seed-k.flags.first+1, of, seed)
}
