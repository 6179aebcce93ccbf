package main

import (
	"errors"
	"os"
	"runtime/debug"

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

// heapGrowth is how much garbage may gather beside what is alive until it is collected, in percent. Go's 100 would
// collect several times a second under a flood of messages; each collection takes time from the tick.
const heapGrowth = 400

// quietCollector lets garbage be collected less often, unless the environment says how often. It refuses GOGC=off:
// at a limit of memory that collects without end, and stops everything for as long as 0.4 s (golang/go#73835).
func quietCollector() error {
	before := debug.SetGCPercent(heapGrowth)
	if os.Getenv("GOGC") == "" {
		return nil
	}
	debug.SetGCPercent(before)
	if before < 0 {
		return errors.New("GOGC=off: garbage would be collected only at a limit, and then without end; leave GOGC out, or give it a number")
	}
	return nil
}

// timingOf is how well a loop keeps its time.
func timingOf(l *control.Loop) topic.Timing {
	t := topic.Timing{Lateness: l.Lateness.Spread(), Collector: metrics.CollectorPauses()}
	if g, ok := l.Granted(); ok {
		t.Scheduling = g.String()
	}
	return t
}
