package main

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

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
		Clamped: time.Second, Thinking: 240 * ms, EchoHold: 300 * ms, EchoSilent: 2 * time.Second, Skew: 250 * ms,
	}
	if got := w.bounds(); got != want {
		t.Errorf("%+v\nwant %+v", got, want)
	}
}

// TestCausesNameKeys: what the table of causes tells a person to set can be set.
func TestCausesNameKeys(t *testing.T) {
	text, err := os.ReadFile("control/supervisor/CAUSES.md")
	if err != nil {
		t.Fatal(err)
	}
	example := string(config.Example())
	named := regexp.MustCompile(`\b(ages|watch|engine|realtime|mqtt|policy)\.([a-z_]+)`).FindAllStringSubmatch(string(text), -1)
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
