package main

import (
	"context"
	"time"

	"sim2reald/daemon/config"
	"sim2reald/daemon/control"
	"sim2reald/daemon/metrics"
	"sim2reald/daemon/topic"
)

// scheduling is what the configuration asks of the kernel.
func scheduling(r config.Realtime) control.Scheduling {
	if r.Want == config.RealtimeOff {
		return control.Scheduling{}
	}
	return control.Scheduling{Priority: r.Priority, LockMemory: r.LockMemory, Required: r.Want == config.RealtimeRequired}
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
