package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"

	"sim2reald/daemon/config"
)

// evaluateFlags are the command's wishes.
type evaluateFlags struct {
	bridgeFlags
	episodes, first  int64
	control          int64
	workers          int
	clock            string
	shift            string
	bundle, bundles  string
	json, commands   string
	page, onlyHolder bool
	rtsp             bool
	record           bool
}

func (f *evaluateFlags) set(fs *flag.FlagSet) {
	f.bridgeFlags.set(fs)
	fs.Int64Var(&f.episodes, "episodes", 10, "how many `episodes` of each bundle under each shift; 0 goes on until Ctrl-C")
	fs.Int64Var(&f.first, "seed", 10000, "`seed` of the first episode; the next ones count up")
	fs.Int64Var(&f.control, "control", 0, "then so many `episodes` of each control: an untrained head, and the mean action whatever is seen")
	fs.StringVar(&f.clock, "clock", "", "realtime or lockstep, instead of the configuration's bridge.clock")
	fs.BoolVar(&f.rtsp, "rtsp", false, "take the bridge's pictures by RTSP, like an IP camera's, and not lossless; in real time")
	fs.StringVar(&f.shift, "shift", "", "`names`, a,b,..., of what is different from training, each for all episodes; none is one of them")
	fs.StringVar(&f.bundle, "bundle", "", "bundle `file`, instead of the configuration's policy.bundle")
	fs.StringVar(&f.bundles, "bundles", "", "bundle `files`, a,b,..., on the same seeds; the report gives the difference of each to the first")
	fs.IntVar(&f.workers, "workers", 1, "`simulators` side by side, each with a broker and a policy of its own; the trials are the same")
	fs.StringVar(&f.json, "json", "", "write the report as JSON to this `file`, and each trial as it ends to the .jsonl beside it: the same command goes on from there")
	fs.StringVar(&f.commands, "commands", "", "write every command sent to this `file`, one JSON object a line")
	fs.BoolVar(&f.page, "page", true, "serve the page")
	fs.BoolVar(&f.record, "record", false, "write the measured success rate into the bundle's manifest; its digest stays")
	fs.BoolVar(&f.onlyHolder, "hold", false, "evaluate a policy that sends nothing but holds, instead of the bundle")
}

// apply puts the flags over the configuration.
func (f *evaluateFlags) apply(cfg *config.Config) error {
	f.bridgeFlags.apply(cfg)
	cfg.Bridge.Clock, cfg.Policy.Bundle = cmp.Or(f.clock, cfg.Bridge.Clock), cmp.Or(f.bundle, cfg.Policy.Bundle)
	if f.rtsp {
		for i := range cfg.Cameras {
			if cfg.Cameras[i].Source == config.SourceBridge {
				cfg.Cameras[i].Source = config.SourceBridgeRTSP
			}
		}
	}
	if err := f.check(cfg); err != nil {
		return fmt.Errorf("evaluate: %w", err)
	}
	return cfg.Validate()
}

// check refuses wishes that contradict each other.
func (f *evaluateFlags) check(cfg *config.Config) error {
	several := len(f.files(cfg)) > 1 || len(f.shifts()) > 1
	switch {
	case f.episodes < 0 || f.control < 0 || f.first < 0:
		return errors.New("episodes, control and seed must not be negative")
	case f.bundle != "" && f.bundles != "":
		return errors.New("-bundle and -bundles; give one of them")
	case f.workers < 1 || f.workers > 64:
		return fmt.Errorf("%d workers, want 1 to 64", f.workers)
	case f.workers > 1 && (cfg.MQTT.Broker != "embedded" || cfg.Bridge.Clock != "lockstep"):
		return errors.New("several workers need brokers of their own and time that waits: set mqtt.broker to embedded and bridge.clock to lockstep")
	case f.workers > 1 && f.commands != "":
		return errors.New("-commands is for one worker, whose commands have an order")
	case f.record && (several || f.shifts()[0] != ""):
		return errors.New("-record is for one bundle and no shift")
	case f.rtsp && cfg.Bridge.Clock == "lockstep":
		return errors.New("-rtsp is for real time; a lock-step bridge waits for its pictures: leave it out, or give -clock realtime")
	case f.episodes == 0 && several:
		return errors.New("-episodes 0 never comes to the second arm; say how many")
	}
	return f.checkNames(cfg)
}

func (f *evaluateFlags) checkNames(cfg *config.Config) error {
	for _, list := range [][]string{f.shifts(), f.names(cfg)} {
		for i, name := range list {
			if slices.Contains(list[:i], name) {
				return fmt.Errorf("%q stands twice; name each once, and each bundle's file differently", name)
			}
		}
	}
	return nil
}

// files are the bundles in their order.
func (f *evaluateFlags) files(cfg *config.Config) []string {
	if f.bundles == "" {
		return []string{cfg.Policy.Bundle}
	}
	return strings.Split(f.bundles, ",")
}

// names are what the bundles are called in the report.
func (f *evaluateFlags) names(cfg *config.Config) []string {
	files := f.files(cfg)
	if len(files) == 1 {
		return []string{"policy"}
	}
	var names []string
	for _, file := range files {
		names = append(names, nameOf(file))
	}
	return names
}

// shifts are the names in their order, empty for none.
func (f *evaluateFlags) shifts() []string {
	names := strings.Split(f.shift, ",")
	for i, name := range names {
		if name == "none" {
			names[i] = ""
		}
	}
	return names
}

// cmdEvaluate runs episodes and reports.
func cmdEvaluate(ctx context.Context, args []string) error {
	var f evaluateFlags
	fs := flag.NewFlagSet("evaluate", flag.ContinueOnError)
	f.set(fs)
	cfg, err := configured(fs, args)
	if err != nil {
		return err
	}
	if err := f.apply(&cfg); err != nil {
		return err
	}
	return evaluate(ctx, cfg, f, newLog(), os.Stdout)
}

// evaluate opens everything, runs each arm, and writes the report of what was done even when an arm fails.
func evaluate(ctx context.Context, cfg config.Config, f evaluateFlags, log *slog.Logger, out io.Writer) (err error) {
	e := newEvaluator(cfg, f, log, out)
	defer closing(&err, e.library.Close)
	first, err := e.openWorker(ctx, 0)
	if err != nil {
		return err
	}
	defer closing(&err, first.close)
	if err := e.openFiles(first); err != nil {
		return err
	}
	defer closing(&err, e.closeFiles)
	runErr := e.attended(ctx, first)
	err = errors.Join(runErr, e.write(first), e.complain(runErr))
	if err == nil && f.record {
		err = e.record(first)
	}
	return err
}
