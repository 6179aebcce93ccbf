package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"time"

	"sim2reald/camera/encoded"
	"sim2reald/daemon/config"
	"sim2reald/model/dataset"
	"sim2reald/robot"
)

// sitting records what a person shows, by hand on the arm or by another program. It only listens: nothing is sent to
// the bridge. The person says on the terminal when a demonstration begins, ends, and whether it went well.
type sitting struct {
	w     *workcell
	data  *dataset.Dataset
	flags *collectFlags
	lines <-chan string // what the person types; closed at the end of it
	out   io.Writer

	steps []dataset.Step
	due   time.Duration // of the next step, on the bridge's clock
	taken atomic.Int64  // steps of the running demonstration, for onlookers
}

// byPerson records until the dataset holds as many episodes as were asked for. whole is false when the person quit, or
// ctx ended, before.
func byPerson(ctx context.Context, w *workcell, data *dataset.Dataset, f *collectFlags, _ *teacher) (whole bool, err error) {
	if w.lockstep() {
		return false, errors.New("collect: a bridge of the clock lockstep waits for commands, and no person can move its arm; start it with realtime")
	}
	s := &sitting{w: w, data: data, flags: f, lines: typed(os.Stdin), out: os.Stderr}
	return s.run(ctx)
}

// typed reads lines until there are none. The reader ends with the process: nothing interrupts a read of a terminal.
func typed(in io.Reader) <-chan string {
	lines := make(chan string)
	go func() {
		defer close(lines)
		for scan := bufio.NewScanner(in); scan.Scan(); {
			lines <- scan.Text()
		}
	}()
	return lines
}

// errQuit ends a sitting.
var errQuit = errors.New("the person quit")

func (s *sitting) run(ctx context.Context) (whole bool, err error) {
	fmt.Fprintln(s.out, "collect: nothing is sent to the arm. Enter begins a demonstration and ends it; while it runs or after it, s: it went well, f: it failed, d: discard it; q quits")
	for seed := s.flags.first; int64(len(s.data.Seeds())) < s.flags.episodes; seed++ {
		if s.data.Has(seed) {
			continue
		}
		if err := s.demonstration(ctx, seed); errors.Is(err, errQuit) || ctx.Err() != nil {
			return false, nil
		} else if err != nil {
			return false, err
		}
	}
	return true, nil
}

// demonstration repeats until one is kept.
func (s *sitting) demonstration(ctx context.Context, seed int64) error {
	for {
		fmt.Fprintf(s.out, "collect: %d of %d are there; Enter begins the next\n", len(s.data.Seeds()), s.flags.episodes)
		if _, err := s.answer(ctx, ""); err != nil {
			return err
		}
		verdict, err := s.record(ctx)
		var spoilt *spoiltError
		if errors.As(err, &spoilt) {
			fmt.Fprintf(s.out, "collect: discarded: %v\n", spoilt)
			continue
		}
		if err != nil {
			return err
		}
		if verdict == "" {
			fmt.Fprintf(s.out, "collect: %d steps; s: it went well, f: it failed, d: discard it\n", len(s.steps))
			if verdict, err = s.answer(ctx, "s", "f", "d"); err != nil {
				return err
			}
		}
		if verdict != "d" {
			return s.keep(seed, verdict == "s")
		}
		fmt.Fprintln(s.out, "collect: discarded")
	}
}

// answer waits for one of the lines.
func (s *sitting) answer(ctx context.Context, wanted ...string) (string, error) {
	for {
		select {
		case <-ctx.Done():
			return "", ctx.Err()
		case line, more := <-s.lines:
			if !more || line == "q" {
				return "", errQuit
			}
			for _, w := range wanted {
				if line == w {
					return line, nil
				}
			}
			fmt.Fprintf(s.out, "collect: %q means nothing here; type one of %q, or q\n", line, wanted)
		}
	}
}

// record takes steps until the person ends it: with a verdict, or with Enter alone, which is none yet.
func (s *sitting) record(ctx context.Context) (verdict string, err error) {
	s.steps, s.due = nil, 0
	s.taken.Store(0)
	before, _ := s.w.link.State() // it may long have been there, and its arrival not yet been heard of
	fmt.Fprintln(s.out, "collect: recording")
	silent := time.NewTimer(config.Milliseconds(s.w.cfg.Ages.StateSilentMs))
	defer silent.Stop()
	for {
		select {
		case <-ctx.Done():
			return "", ctx.Err()
		case <-silent.C:
			return "", &spoiltError{fmt.Sprintf("no joint states for %d ms; see the bridge", s.w.cfg.Ages.StateSilentMs)}
		case line, more := <-s.lines:
			switch {
			case !more || line == "q":
				return "", errQuit
			case line == "" || line == "s" || line == "f" || line == "d":
				return line, s.long(line)
			}
			fmt.Fprintf(s.out, "collect: %q means nothing here; Enter, s, f or d ends it\n", line)
		case <-s.w.link.StateArrived():
			silent.Reset(config.Milliseconds(s.w.cfg.Ages.StateSilentMs))
			if state, ok := s.w.link.State(); ok && state.Seq != before.Seq {
				if err := s.see(&state); err != nil {
					return "", err
				}
			}
		}
	}
}

// long wants two steps: the label of the last one is not known.
func (s *sitting) long(verdict string) error {
	if verdict != "d" && len(s.steps) < 2 {
		return &spoiltError{fmt.Sprintf("%d steps; want at least 2", len(s.steps))}
	}
	return nil
}

// spoiltError is why a demonstration cannot be learned from.
type spoiltError struct{ why string }

// Error says it.
func (e *spoiltError) Error() string { return e.why }

// see takes a step when one is due on the bridge's clock. A missing one would double the speeds around it.
func (s *sitting) see(state *robot.State) error {
	period := time.Duration(float64(time.Second) / s.data.Meta.ControlRateHz)
	if len(s.steps) == 0 {
		s.due = state.Stamp
	}
	switch {
	case state.EmergencyStop || state.Faulted:
		return &spoiltError{"the bridge reports an error or an emergency stop"}
	case state.Stamp < s.due:
		return nil
	case state.Stamp >= s.due+period:
		return &spoiltError{fmt.Sprintf("the joint states have a gap of %v, above the %v of a step", state.Stamp-s.due, period)}
	}
	step := dataset.Step{Stamp: state.Stamp, Q: state.Q, DQ: state.DQ, Gripper: state.Gripper}
	var err error
	if step.Pictures, err = s.look(); err != nil {
		return err
	}
	s.steps, s.due = append(s.steps, step), s.due+period
	s.taken.Add(1)
	return nil
}

// look takes every camera's newest picture, or the newest set of several, without loss.
func (s *sitting) look() ([][]byte, error) {
	frames, err := s.w.look()
	if err != nil {
		return nil, &spoiltError{err.Error()}
	}
	var out [][]byte
	for _, f := range frames {
		data, err := encoded.PNG(f)
		if err != nil {
			return nil, err
		}
		out = append(out, data)
	}
	return out, nil
}

// keep labels each step with the way to the next one: the mean velocity there, and where the gripper went. That of the
// last step is not known, so it is left out.
func (s *sitting) keep(seed int64, success bool) error {
	n, limits := len(s.data.Meta.Robot.JointNames), s.data.Meta.Limits.Robot()
	e := &dataset.Episode{Seed: seed, Success: success, Steps: s.steps[:len(s.steps)-1]}
	fast := 0
	for i := range e.Steps {
		step, next := &e.Steps[i], &s.steps[i+1]
		step.Wanted = robot.Command{Mode: robot.Velocity, Gripper: next.Gripper}
		step.Sent = robot.Command{Gripper: step.Gripper}
		over := false
		for j := range n {
			step.Wanted.DQ[j] = (next.Q[j] - step.Q[j]) / (next.Stamp - step.Stamp).Seconds()
			over = over || step.Wanted.DQ[j] > limits.DQMax[j] || step.Wanted.DQ[j] < -limits.DQMax[j]
		}
		if over {
			fast++
		}
	}
	fromFirst(e.Steps)
	if err := s.data.Write(e); err != nil {
		return err
	}
	fmt.Fprintf(s.out, "collect: kept as seed %d: %d steps, success %v\n", seed, len(e.Steps), success)
	if fast > 0 {
		fmt.Fprintf(s.out, "collect: %d of its steps are faster than -speed-scale %g allows; training clips those\n", fast, s.flags.scale)
	}
	return nil
}
