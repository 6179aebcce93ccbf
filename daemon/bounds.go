package main

import (
	"time"

	"sim2reald/daemon/config"
	"sim2reald/daemon/control"
	"sim2reald/daemon/control/supervisor"
	"sim2reald/daemon/topic"
)

// bounds are what the supervisor judges by: the configuration's, and the rates of the rig.
func (w *workcell) bounds() supervisor.Bounds {
	ages, watch := w.cfg.Ages, w.cfg.Watch
	return supervisor.Bounds{
		Frame: config.Milliseconds(ages.FrameMs), StateHold: config.Milliseconds(ages.StateHoldMs),
		StateSilent: config.Milliseconds(ages.StateSilentMs), Action: config.Milliseconds(ages.ActionMs),
		Unheeded: config.Milliseconds(watch.CommandMs), Clamped: config.Milliseconds(watch.ClampedMs),
		EchoHold: config.Milliseconds(watch.EchoHoldMs), EchoSilent: config.Milliseconds(watch.EchoSilentMs),
		Skew:     config.Milliseconds(watch.SkewMs),
		Thinking: time.Duration(watch.ThinkingPeriods) * w.controlPeriod(),
	}
}

func (w *workcell) controlPeriod() time.Duration {
	return time.Duration(float64(time.Second) / w.fact.ControlRateHz)
}

// way is a link, as the supervisor sees it.
type way struct{ link *topic.Link }

// Way is what the link knows of the bridge now.
func (w way) Way(now time.Duration) control.Way {
	echo, lease := w.link.Echo(now), w.link.Lease(now)
	return control.Way{
		Heard: echo.Answered, EchoAge: echo.Age, Skew: echo.Skew,
		Leased: lease.Held, Taken: lease.Required && lease.Holder != "" && lease.Holder != w.link.Epoch(),
	}
}
