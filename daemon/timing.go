package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"sim2reald/daemon/config"
	"sim2reald/daemon/control"
	"sim2reald/daemon/metrics"
	"sim2reald/daemon/topic"
)

// scheduling is what the configuration asks of the kernel, with a core from ownCore.
func scheduling(r config.Realtime, core *int) control.Scheduling {
	if r.Want == config.RealtimeOff {
		return control.Scheduling{}
	}
	return control.Scheduling{Priority: r.Priority, LockMemory: r.LockMemory, Core: core, Required: r.Want == config.RealtimeRequired}
}

// fewCores are too few to give one away unasked: camera, broker, inference and a simulator want the others.
const fewCores = 3

// ownCore is the core that is kept for the control loop of a process that may use some; nil for none. One that is not among
// them, as with isolcpus, is the kernel's to give or to refuse. An inference has as many threads as it is told to have, and
// one that had to wait for a core would make all the others wait.
func ownCore(r config.Realtime, threads int, may *unix.CPUSet) (*int, error) {
	left := may.Count() - 1
	switch {
	case r.Want == config.RealtimeOff || r.Core == config.CoreOff:
		return nil, nil
	case r.Core == config.CoreAuto && (left < fewCores || threads > left):
		return nil, nil
	case r.Core == config.CoreAuto:
		return lastOf(may), nil
	}
	core, err := strconv.Atoi(r.Core)
	if err != nil {
		return nil, fmt.Errorf("realtime.core: %w", err) // which the configuration was checked for
	}
	if !may.IsSet(core) {
		left++
	}
	if threads > left {
		return nil, fmt.Errorf("realtime.core: %d leaves %d cores, and engine.threads %d want one each; set engine.threads to less, or realtime.core to off", core, left, threads)
	}
	return &core, nil
}

func lastOf(may *unix.CPUSet) *int {
	last := 0
	for found := 0; found < may.Count(); last++ {
		if may.IsSet(last) {
			found++
		}
	}
	last--
	return &last
}

// keepCore comes before whatever starts threads or processes: they are kept off it from their beginning.
func keepCore(cfg config.Config) (*int, error) {
	if cfg.Bridge.Clock == "lockstep" {
		return nil, nil
	}
	var may unix.CPUSet
	if err := unix.SchedGetaffinity(0, &may); err != nil {
		return nil, fmt.Errorf("asking which cores there are: %w", err)
	}
	core, err := ownCore(cfg.Realtime, cfg.Engine.Threads, &may)
	if core == nil {
		return nil, asMisconfigured(err)
	}
	if err := control.LeaveCore(*core); err != nil && cfg.Realtime.Want == config.RealtimeRequired {
		return nil, err
	}
	return core, nil // what was refused here is refused again, and told, when the loop takes its core
}

func (w *workcell) sayScheduling(g control.Granted) {
	w.log.Info("control loop scheduled", "as", g.String())
}

// quietRuntime prepares for a clock that does not wait.
func (w *workcell) quietRuntime() error {
	if w.lockstep() {
		return nil
	}
	return asMisconfigured(control.QuietRuntime())
}

// timingOf is how well a loop keeps its time.
func timingOf(l *control.Loop) topic.Timing {
	t := topic.Timing{Lateness: l.Lateness.Spread(), Collector: metrics.CollectorPauses()}
	if g, ok := l.Granted(); ok {
		t.Scheduling = g.String()
	}
	return t
}

// each calls f again and again, a period apart, until ctx ends.
func each(ctx context.Context, period time.Duration, f func()) {
	ticker := time.NewTicker(period)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			f()
		}
	}
}
