package main

import (
	"fmt"
	"math"
	"time"

	"sim2reald/daemon/config"
	"sim2reald/daemon/control"
	"sim2reald/daemon/control/supervisor"
	"sim2reald/daemon/topic"
)

// bounds are what the supervisor judges by: the configuration's, and the rates of the rig.
func (w *workcell) bounds() supervisor.Bounds {
	ages, watch := w.cfg.Ages, w.cfg.Watch
	b := supervisor.Bounds{
		Frame: config.Milliseconds(ages.FrameMs), StateHold: config.Milliseconds(ages.StateHoldMs),
		StateSilent: config.Milliseconds(ages.StateSilentMs), Action: config.Milliseconds(ages.ActionMs),
		Unheeded: config.Milliseconds(watch.CommandMs), Clamped: config.Milliseconds(watch.ClampedMs), ClampedShare: watch.ClampedShare,
		EchoHold: config.Milliseconds(watch.EchoHoldMs), EchoSilent: config.Milliseconds(watch.EchoSilentMs),
		Skew:     config.Milliseconds(watch.SkewMs),
		Thinking: time.Duration(watch.ThinkingPeriods) * w.controlPeriod(),
	}
	if w.record != nil {
		b.Room = int64(w.cfg.Recording.FreeMB) << 20
	}
	return b
}

// checkAges refuses bounds that the rig's own rates go beyond: the arm would hold between any two messages. Half a period
// is for what delays one of them.
func (w *workcell) checkAges() error {
	if w.lockstep() {
		return nil
	}
	type rate struct {
		key   string
		bound int
		what  string
		hz    float64
		late  time.Duration // when they come
	}
	var latest time.Duration
	var rates []rate
	for _, c := range w.cfg.Cameras {
		late := w.latency(c.Name)
		latest = max(latest, late)
		rates = append(rates, rate{"ages.frame_ms", w.cfg.Ages.FrameMs, "pictures of camera " + c.Name, w.cameraRate(c), late})
	}
	rates = append(rates, rate{"ages.state_hold_ms", w.cfg.Ages.StateHoldMs, "joint states", w.fact.StateRateHz, 0},
		rate{"ages.action_ms", w.cfg.Ages.ActionMs, "plans", w.fact.ControlRateHz, latest},
		rate{"watch.command_ms", w.cfg.Watch.CommandMs, "commands", w.fact.StateRateHz, 0})
	for _, r := range rates {
		if apart := 1.5*1000/r.hz + 1000*r.late.Seconds(); float64(r.bound) < apart {
			return fmt.Errorf("%s: %d is too short for %s at %g Hz%s; make it %.0f or more", r.key, r.bound, r.what, r.hz, lateness(r.late), math.Ceil(apart))
		}
	}
	return nil
}

// lateness is a latency in words, if there is one.
func lateness(late time.Duration) string {
	if late == 0 {
		return ""
	}
	return fmt.Sprintf(" that come %v late", late.Round(time.Millisecond))
}

// cameraRate is what the factsheet says of a bridge's camera; a device is asked for the control rate.
func (w *workcell) cameraRate(c config.Camera) float64 {
	for _, f := range w.fact.Cameras {
		if c.OfBridge() && f.Name == c.Name && f.RateHz > 0 {
			return f.RateHz
		}
	}
	return w.fact.ControlRateHz
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
