package main

import (
	"time"

	"sim2reald/daemon/config"
	"sim2reald/daemon/control"
	"sim2reald/daemon/control/supervisor"
)

// bounds are what the supervisor judges by: the configuration's, and the rates of the rig.
func (w *workcell) bounds() supervisor.Bounds {
	ages, watch := w.cfg.Ages, w.cfg.Watch
	return supervisor.Bounds{
		Frame: config.Milliseconds(ages.FrameMs), StateHold: config.Milliseconds(ages.StateHoldMs),
		StateSilent: config.Milliseconds(ages.StateSilentMs), Action: config.Milliseconds(ages.ActionMs),
		Unheeded: config.Milliseconds(watch.CommandMs), Clamped: config.Milliseconds(watch.ClampedMs),
		Thinking: time.Duration(watch.ThinkingPeriods) * w.controlPeriod(),
	}
}

func (w *workcell) controlPeriod() time.Duration {
	return time.Duration(float64(time.Second) / w.fact.ControlRateHz)
}

// way is to a bridge that answers no echo and grants no lease, and is asked for neither: the bounds of both are off.
type way struct{}

// Way says that whoever speaks may command.
func (way) Way(time.Duration) control.Way { return control.Way{Leased: true} }
