package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"sim2reald/calibration"
	"sim2reald/daemon/config"
)

// latencyFlags are those of calibrate latency.
type latencyFlags struct {
	out             string
	camera, joint   string
	pictures, steps int
	step            float64
	workcell        bool
	wait            time.Duration
}

func (f *latencyFlags) set(fs *flag.FlagSet) {
	fs.StringVar(&f.out, "out", "", "the rig's `file` that is written or changed; empty: calibration.rig of the configuration")
	fs.StringVar(&f.camera, "camera", "", "`name` of the camera whose pictures' way is measured, by a page that blinks on a screen before it")
	fs.IntVar(&f.pictures, "changes", 60, "how many changes of the pattern are looked at")
	fs.StringVar(&f.joint, "joint", "", "`name` of the joint that steps, so that the way of commands is measured: the arm moves")
	fs.IntVar(&f.steps, "steps", 6, "how many times it steps there and back")
	fs.Float64Var(&f.step, "step", 0.02, "how far it steps, `rad`, at most 0.1")
	fs.BoolVar(&f.workcell, "workcell", false, "start the simulated workcell of the configuration as well")
	fs.DurationVar(&f.wait, "wait", 2*time.Minute, "give up after so `long`")
}

// cmdCalibrateLatency measures how long pictures and commands are on their way.
func cmdCalibrateLatency(ctx context.Context, args []string) error {
	var f latencyFlags
	fs := flag.NewFlagSet("calibrate latency", flag.ContinueOnError)
	f.set(fs)
	cfg, err := configured(fs, args)
	if err != nil {
		return err
	}
	if err := f.run(ctx, cfg, os.Stdout); err != nil {
		return fmt.Errorf("calibrate latency: %w", err)
	}
	return nil
}

func (f latencyFlags) run(ctx context.Context, cfg config.Config, say io.Writer) error {
	if f.out == "" {
		f.out = cfg.Calibration.Rig
	}
	if err := f.check(); err != nil {
		return err
	}
	rig, err := readRig(f.out)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, f.wait, fmt.Errorf("not done within %v; give it longer by -wait", f.wait))
	defer cancel()
	if f.camera != "" {
		c, err := f.cameraLatency(ctx, cfg, say)
		if err != nil {
			return err
		}
		rig = rig.WithCamera(c)
	}
	if f.joint != "" {
		c, err := f.commandLatency(ctx, cfg, say)
		if err != nil {
			return err
		}
		rig.Command = &c
	}
	text, err := rig.YAML()
	if err != nil {
		return err
	}
	fmt.Fprintln(say, "wrote", f.out)
	return os.WriteFile(f.out, text, 0o644)
}

func (f latencyFlags) check() error {
	switch {
	case f.camera == "" && f.joint == "":
		return errors.New("name a -camera, a -joint or both")
	case f.out == "":
		return errors.New("-out is missing, and calibration.rig is empty; name the file to write")
	case f.pictures < 20 || f.pictures > 10_000:
		return fmt.Errorf("-changes %d; want 20 to 10000", f.pictures)
	case f.steps < 2 || f.steps > 100:
		return fmt.Errorf("-steps %d; want 2 to 100", f.steps)
	case !(f.step >= 0.01 && f.step <= 0.1):
		return fmt.Errorf("-step %g; want 0.01 to 0.1 rad", f.step)
	}
	return nil
}

// readRig reads a rig's file.
func readRig(path string) (calibration.Rig, error) {
	data, err := readSmall(path)
	if err != nil {
		return calibration.Rig{}, err
	}
	r, err := calibration.ParseRig(data)
	if err != nil {
		return r, fmt.Errorf("%s: %w", path, err)
	}
	return r, nil
}
