package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"sync"

	"sim2reald/daemon/config"
	"sim2reald/daemon/evaluation"
	"sim2reald/daemon/metrics"
	"sim2reald/daemon/recording"
)

// heat is one arm of an evaluation: who is in command, under which shift, and the trials so far.
type heat struct {
	name, file, shift string
	episodes          int64 // 0 goes on until it is stopped
	enter             entry

	arm   evaluation.Arm
	next  int64          // episodes given out, from the first seed up
	ended map[int64]bool // seeds that an evaluation before this one ran
	loops []*loop
	said  bool // that it has begun
}

// entry puts somebody at the controls of a workcell, under the limits of the brain's bundle.
type entry func(b *brain, w *workcell) (*entrant, error)

// entrant is somebody at the controls.
type entrant struct {
	policy string // what it is, for the report
	plans  string // how its answers are followed
	loop   *loop
	close  func() error
}

// evaluator holds an evaluation together: its heats, in order, for any number of workers.
type evaluator struct {
	cfg   config.Config
	flags evaluateFlags
	out   io.Writer
	log   *slog.Logger

	library library // of all workers

	mu       sync.Mutex // guards what follows
	heats    []*heat
	journal  *evaluation.Journal // nil when not asked for
	commands *recording.Log      // nil when not asked for
}

func newEvaluator(cfg config.Config, f evaluateFlags, log *slog.Logger, out io.Writer) *evaluator {
	e := &evaluator{cfg: cfg, flags: f, out: out, log: log}
	files, names := f.files(&cfg), f.names(&cfg)
	add := func(name, file, shift string, episodes int64, enter entry) {
		arm := evaluation.Arm{Name: name, Shift: shift}
		e.heats = append(e.heats, &heat{name: name, file: file, shift: shift, episodes: episodes, enter: enter, arm: arm, ended: map[int64]bool{}})
	}
	for _, shift := range f.shifts() {
		if f.onlyHolder {
			add("hold", files[0], shift, f.episodes, enterHolder)
			continue
		}
		for i, file := range files {
			add(names[i], file, shift, f.episodes, enterBundle)
		}
	}
	if f.control > 0 && !f.onlyHolder {
		add("untrained", files[0], f.shifts()[0], f.control, enterUntrained)
		add("blind", files[0], f.shifts()[0], f.control, enterBlind)
	}
	return e
}

// attended runs the workers, with the first one's page where it is wanted.
func (e *evaluator) attended(ctx context.Context, first *worker) error {
	if !e.flags.page {
		first.w.shown.Store(first.board) // its words stand on the pictures that are served, with a page or without
		return e.runWorkers(ctx, first)
	}
	return first.w.attended(ctx, first.board, func(url string) error {
		fmt.Fprintf(e.out, "\nwatch the arm at %s\n\n", url)
		return e.runWorkers(ctx, first)
	})
}

// runWorkers runs the first worker and as many more as there is work for, until all heats are done. The first
// error ends all of them.
func (e *evaluator) runWorkers(ctx context.Context, first *worker) error {
	running, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var workers sync.WaitGroup
	for i := 1; i < min(e.flags.workers, e.left()); i++ {
		workers.Go(func() {
			if err := e.runWorker(running, i); err != nil {
				cancel(err)
			}
		})
	}
	if err := first.run(running); err != nil {
		cancel(err)
	}
	workers.Wait()
	if running.Err() != nil && ctx.Err() == nil {
		return context.Cause(running)
	}
	return nil
}

func (e *evaluator) runWorker(ctx context.Context, number int) (err error) {
	k, err := e.openWorker(ctx, number)
	if err != nil {
		return err
	}
	defer closing(&err, k.close)
	return k.run(ctx)
}

// left is the number of trials that nobody has taken, for heats that end.
func (e *evaluator) left() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	n := 0
	for _, h := range e.heats {
		n += int(max(0, h.episodes-h.next)) - h.endedFrom(e.flags.first+h.next, e.flags.first+h.episodes)
	}
	return n
}

func (h *heat) endedFrom(first, last int64) int {
	n := 0
	for seed := range h.ended {
		if seed >= first && seed < last {
			n++
		}
	}
	return n
}

// take gives out the next seed of a heat that has no trial yet.
func (e *evaluator) take(h *heat) (seed int64, ok bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for h.episodes == 0 || h.next < h.episodes {
		seed = e.flags.first + h.next
		h.next++
		if !h.ended[seed] {
			return seed, true
		}
	}
	return 0, false
}

// begin opens a heat for a loop; the first one says so.
func (e *evaluator) begin(h *heat, who *entrant) {
	e.mu.Lock()
	defer e.mu.Unlock()
	h.arm.Policy, h.arm.Plans = who.policy, who.plans
	h.loops = append(h.loops, who.loop)
	if !h.said {
		h.said = true
		fmt.Fprintf(e.out, "%s: %s\n", h.title(), who.policy)
	}
}

func (h *heat) title() string {
	if h.shift == "" {
		return h.name
	}
	return h.name + " under " + h.shift
}

// arms are the heats as the report shows them.
func (e *evaluator) arms() []evaluation.Arm {
	e.mu.Lock()
	defer e.mu.Unlock()
	var arms []evaluation.Arm
	for _, h := range e.heats {
		if len(h.arm.Trials) == 0 && len(h.loops) == 0 {
			continue // it was never reached
		}
		arm := h.arm
		var inference, frame, apart []*metrics.Durations
		for _, l := range h.loops {
			inference, frame = append(inference, &l.InferenceTime), append(frame, &l.FrameToCommand)
			apart = append(apart, &l.CamerasApart)
			arm.Overruns += l.Overruns()
		}
		arm.Inference, arm.FrameToCommand = metrics.Summarise(inference...), metrics.Summarise(frame...)
		arm.CamerasApart = metrics.Summarise(apart...)
		arms = append(arms, arm)
	}
	return arms
}
