package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"sim2reald/daemon/config"
)

// faultyEngine is ONNX Runtime behind a library of the suite's, which can hang or fail; see engine/engine.c.
type faultyEngine struct{ library, switches string }

// newFaultyEngine compiles it with the header that comes with the Go package.
func newFaultyEngine(ctx context.Context, dir string) (faultyEngine, error) {
	e := faultyEngine{filepath.Join(dir, "libengine.so"), filepath.Join(dir, "engine")}
	headers, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", "github.com/yalue/onnxruntime_go").Output()
	if err != nil {
		return e, fmt.Errorf("finding the header of ONNX Runtime: %w", err)
	}
	args := []string{"-shared", "-fPIC", "-o", e.library, "-I", strings.TrimSpace(string(headers)), "daemon/faults/engine/engine.c", "-ldl"}
	if text, err := exec.CommandContext(ctx, "gcc", args...).CombinedOutput(); err != nil {
		return e, fmt.Errorf("compiling the faulty engine: %w: %s", err, lastOf(string(text), 3))
	}
	return e, nil
}

func (e faultyEngine) options() (rigOptions, error) {
	real, err := filepath.Abs(config.Default().Engine.Library)
	return rigOptions{
		config:      fmt.Sprintf("engine: {library: %q}\n", e.library),
		environment: []string{"FAULTS_ENGINE=" + e.switches, "FAULTS_ENGINE_LIBRARY=" + real},
	}, err
}

// turn begins or ends a fault, hang or fail.
func (e faultyEngine) turn(what string, on bool) error {
	if on {
		return os.WriteFile(e.switches+"."+what, nil, 0o600)
	}
	return os.Remove(e.switches + "." + what)
}

// engineFault opens a rig on a faulty engine, moves its arm, begins a fault and does f.
func (b *bench) engineFault(ctx context.Context, what string, f func(r *rig, at moment) outcome) outcome {
	dir, err := os.MkdirTemp(b.dir, "rig")
	if err != nil {
		return broken(err)
	}
	e, err := newFaultyEngine(ctx, dir)
	if err != nil {
		return broken(err)
	}
	opts, err := e.options()
	if err != nil {
		return broken(err)
	}
	return b.inMotion(ctx, opts, func(r *rig) outcome {
		at := now()
		if err := e.turn(what, true); err != nil {
			return broken(err)
		}
		o := f(r, at)
		if err := e.turn(what, false); err != nil {
			return broken(err)
		}
		return o
	})
}

// inferenceHangs has the engine never answer again, in motion.
func inferenceHangs(ctx context.Context, b *bench) outcome {
	const within = 3*80*time.Millisecond + 80*time.Millisecond + 10*time.Millisecond
	return b.engineFault(ctx, "hang", func(r *rig, at moment) outcome {
		held, err := r.firstHold(ctx, at)
		if err != nil {
			return broken(err)
		}
		stopped, err := r.stopped(ctx, at)
		if err != nil {
			return broken(err)
		}
		s, err := r.status(ctx)
		if err != nil {
			return broken(err)
		}
		return measured(held <= within, "held after %.0f ms (%s), arm at rest after %.0f ms; the page still answers", ms(held), s.Why, ms(stopped.after))
	})
}

// engineFails has each inference fail as without memory, in motion, several times over.
func engineFails(ctx context.Context, b *bench) outcome {
	s, err := b.repeat(ctx, "22b", 4, 20, func(ctx context.Context, _ int) (f figure, err error) {
		o := b.engineFault(ctx, "fail", func(r *rig, at moment) outcome {
			if err := r.awaitMode(ctx, "faulted", 2*time.Second); err != nil {
				return broken(err)
			}
			stopped, err := r.stopped(ctx, at)
			if err != nil {
				return broken(err)
			}
			f.Value = ms(stopped.after)
			return measured(true, "")
		})
		if o.Verdict != passed {
			err = fmt.Errorf("%s", o.Measured)
		}
		return f, err
	})
	if err != nil {
		return broken(err)
	}
	return measured(s.most() <= 500, "faulted, arm at rest after %.0f ms, no limit passed, %v", s.most(), s)
}
