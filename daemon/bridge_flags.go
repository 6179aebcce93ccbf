package main

import (
	"cmp"
	"flag"
	"strings"

	"sim2reald/daemon/config"
)

// bridgeFlags say what a bridge shall simulate and show, instead of the configuration.
type bridgeFlags struct {
	domain, task, jitter string
	cameras              []string
	horizon              int
}

func (f *bridgeFlags) set(fs *flag.FlagSet) {
	fs.StringVar(&f.domain, "domain", "", "`simulator`, instead of the configuration's bridge.domain: with its own task and jitter unless they are given")
	fs.StringVar(&f.task, "task", "", "`task`, instead of the configuration's bridge.task")
	fs.StringVar(&f.jitter, "jitter", "", "`preset` of the start, instead of the configuration's bridge.jitter")
	fs.Func("camera", "`view` of the bridge, instead of the configuration's cameras; repeat it for several", func(names string) error {
		f.cameras = append(f.cameras, strings.Split(names, ",")...)
		return nil
	})
	fs.IntVar(&f.horizon, "horizon", -1, "control `steps` after which an episode is cut off, 0 for the domain's own, instead of the configuration's bridge.horizon")
}

// apply also leaves behind what was said of another domain: each has its own tasks, presets and views.
func (f *bridgeFlags) apply(cfg *config.Config) {
	b := &cfg.Bridge
	if f.domain != "" && f.domain != b.Domain {
		if cfg.Robot.Name == b.Domain {
			cfg.Robot.Name = f.domain
		}
		b.Domain, b.Task, b.Jitter = f.domain, "", ""
	}
	b.Task, b.Jitter = cmp.Or(f.task, b.Task), cmp.Or(f.jitter, b.Jitter)
	if f.horizon >= 0 {
		b.Horizon = f.horizon
	}
	if len(f.cameras) > 0 {
		cfg.Cameras = nil
		for _, name := range f.cameras {
			cfg.Cameras = append(cfg.Cameras, config.Camera{Name: name, Source: config.SourceBridge})
		}
	}
}
