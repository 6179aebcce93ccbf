package main

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"sim2reald/calibration"
	"sim2reald/daemon/config"
	"sim2reald/daemon/control/supervisor"
	"sim2reald/daemon/topic"
)

// TestBoundsOfTheDemonstration: each key of the configuration bounds what it says, and no watchdog is off.
func TestBoundsOfTheDemonstration(t *testing.T) {
	const ms = time.Millisecond
	w := &workcell{cfg: config.Default(), fact: topic.Factsheet{ControlRateHz: 12.5}}
	want := supervisor.Bounds{
		StateHold: 100 * ms, StateSilent: 500 * ms, Unheeded: 300 * ms, Frame: 300 * ms, Action: 400 * ms,
		Clamped: time.Second, ClampedShare: 1, Thinking: 240 * ms, EchoHold: 300 * ms, EchoSilent: 2 * time.Second, Skew: 250 * ms,
	}
	if got := w.bounds(); got != want {
		t.Errorf("%+v\nwant %+v", got, want)
	}
}

// TestCausesNameKeys: what the table of causes tells a person to set can be set.
func TestCausesNameKeys(t *testing.T) {
	text, err := os.ReadFile("daemon/control/supervisor/CAUSES.md")
	if err != nil {
		t.Fatal(err)
	}
	example := string(config.Example())
	named := regexp.MustCompile(`\b(ages|watch|engine|realtime|mqtt|policy|robot)\.([a-z_]+)`).FindAllStringSubmatch(string(text), -1)
	if len(named) < 15 {
		t.Errorf("only %d keys are named", len(named))
	}
	for _, key := range named {
		_, section, found := strings.Cut(example, "\n"+key[1]+":")
		section, _, _ = strings.Cut(section, "\n\n")
		if !found || !strings.Contains(section, "\n  "+key[2]+":") {
			t.Errorf("CAUSES.md names %s, which the configuration does not have", key[0])
		}
	}
}

func TestAgesFitTheRates(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(*workcell)
		want  string // part of the error; empty for none
	}{
		{"the demonstration", func(*workcell) {}, ""},
		{"slow states", func(w *workcell) { w.fact.StateRateHz = 10 }, "ages.state_hold_ms: 100 is too short for joint states at 10 Hz; make it 150 or more"},
		{"just enough", func(w *workcell) { w.fact.StateRateHz = 15 }, ""},
		{"a slow camera", func(w *workcell) { w.fact.Cameras[0].RateHz = 4.5 }, "ages.frame_ms: 300 is too short for pictures of camera default at 4.5 Hz; make it 334 or more"},
		{"a device has the control rate", func(w *workcell) { w.cfg.Cameras[0].Source, w.fact.Cameras[0].RateHz = "/dev/video0", 4.5 }, ""},
		{"a slow policy", func(w *workcell) { w.fact.ControlRateHz, w.fact.Cameras[0].RateHz = 3, 30 }, "ages.action_ms: 400 is too short for plans at 3 Hz"},
		{"commands", func(w *workcell) { w.cfg.Watch.CommandMs = 14 }, "watch.command_ms: 14 is too short for commands at 100 Hz"},
		{"a late camera", func(w *workcell) { w.rig.Cameras = []calibration.CameraLatency{{Name: "default", Latency: 0.2}} },
			"ages.frame_ms: 300 is too short for pictures of camera default at 12.5 Hz that come 200ms late; make it 320 or more"},
		{"lock-step waits", func(w *workcell) { w.fact.Clock, w.fact.StateRateHz = "lockstep", 1 }, ""},
	} {
		w := &workcell{cfg: config.Default(), fact: topic.Factsheet{
			Clock: "realtime", ControlRateHz: 12.5, StateRateHz: 100, Cameras: []topic.CameraFact{{Name: "default", RateHz: 12.5}},
		}}
		c.spoil(w)
		err := w.checkAges()
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}
