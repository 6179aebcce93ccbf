package config

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// mutants are what a person gets wrong in a file: one change of the shipped one each, and what the refusal must say
// beside the line.
func mutants() []struct{ from, to, want string } {
	return []struct{ from, to, want string }{
		// A section that is misspelled, or of another program.
		{"robot:", "robots:", "robots; did you mean robot?"},
		{"mqtt:", "mqqt:", "mqqt; did you mean mqtt?"},
		{"bridge:", "brige:", "brige; did you mean bridge?"},
		{"policy:", "Policy:", "Policy; did you mean policy?"},
		{"engine:", "engines:", "engines; did you mean engine?"},
		{"cameras:", "camera:", "camera; did you mean cameras?"},
		{"ages:", "age:", "age; did you mean ages?"},
		{"watch:", "wacth:", "wacth; did you mean watch?"},
		{"realtime:", "real_time:", "real_time; did you mean realtime?"},
		{"web:", "www:", "www; did you mean web?"},
		// A key that is.
		{"  name: kitchen", "  nam: kitchen", "robot.nam; did you mean name?"},
		{"  clock:", "  clok:", "bridge.clok; did you mean clock?"},
		{"  horizon:", "  horizon_steps:", "bridge.horizon_steps; did you mean horizon?"},
		{"  allow_full:", "  allowfull:", "policy.allowfull; did you mean allow_full?"},
		{"  require_reference:", "  require_references:", "policy.require_references; did you mean require_reference?"},
		{"  bundle:", "  bundles:", "policy.bundles; did you mean bundle?"},
		{"  threads:", "  thread:", "engine.thread; did you mean threads?"},
		{"  device:", "  devices:", "engine.devices; did you mean device?"},
		{"    source:", "    src:", "cameras[0].src; did you mean source?"},
		{"  frame_ms:", "  frame_s:", "ages.frame_s; did you mean frame_ms?"},
		{"  state_hold_ms:", "  state_hold:", "ages.state_hold; did you mean state_hold_ms?"},
		{"  action_ms:", "  actions_ms:", "ages.actions_ms; did you mean action_ms?"},
		{"  hosts:", "  host:", "web.host; did you mean hosts?"},
		// A key that stands twice.
		{"web:", "robot: {name: other}\nweb:", "key robot stands twice"},
		{"  frame_ms: 300", "  frame_ms: 300\n  frame_ms: 3000", "key ages.frame_ms stands twice"},
		{"  device: cpu", "  device: cpu\n  device: cuda", "key engine.device stands twice"},
		{"    source: bridge", "    source: bridge\n    source: /dev/video0", "key cameras[0].source stands twice"},
		{"trusted_keys: []", "trusted_keys: [\"ed25519:AAAA\"]", "policy.releases: is empty"},
		// A unit, or a number of another kind.
		{"frame_ms: 300", "frame_ms: 300ms", `ages.frame_ms: "300ms" is not a whole number, without a unit`},
		{"state_hold_ms: 100", "state_hold_ms: 0.1 s", `ages.state_hold_ms: "0.1 s" is not a whole number`},
		{"action_ms: 400", "action_ms: 0.4", `ages.action_ms: "0.4" is not a whole number`},
		{"threads: 1", "threads: 1.5", `engine.threads: "1.5" is not a whole number`},
		{"threads: 1", "threads: one", `engine.threads: "one" is not a whole number`},
		{"frame_ms: 300", `frame_ms: "300"`, `ages.frame_ms: "300" is not a whole number`},
		{"clamped_share: 1", "clamped_share: 100 %", `watch.clamped_share: "100 %" is not a number, without a unit`},
		{"allow_full: false", "allow_full: 0", `policy.allow_full: "0" is not true or false`},
		{"allow_full: false", "allow_full: nope", `policy.allow_full: "nope" is not true or false`},
		{"  name: kitchen", "  name: [kitchen]", "robot.name"},
		{"resident: []", "resident: a.safetensors", `policy.resident: "a.safetensors" is not a list`},
		{"web:\n", "web: 8080\nx:\n", "web holds keys, not a value"},
		{"frame_ms: 300", "frame_ms:", "ages.frame_ms has no value"},
		// No number, or a senseless one.
		{"frame_ms: 300", "frame_ms: .nan", `ages.frame_ms: ".nan" is not a whole number`},
		{"clamped_share: 1", "clamped_share: .nan", "watch.clamped_share: NaN"},
		{"clamped_share: 1", "clamped_share: .inf", "watch.clamped_share: +Inf"},
		{"clamped_share: 1", "clamped_share: -1", "watch.clamped_share: -1"},
		{"frame_ms: 300", "frame_ms: -300", "ages.frame_ms: -300 is not between 1 and"},
		{"frame_ms: 300", "frame_ms: 0", "ages.frame_ms: 0 is not between 1 and"},
		{"state_silent_ms: 500", "state_silent_ms: -1", "ages.state_silent_ms: -1 is not between"},
		{"horizon: 0", "horizon: -1", "bridge.horizon: -1 is not between"},
		{"threads: 1", "threads: -2", "engine.threads: -2 is not between"},
		{"priority: 20", "priority: -1", "realtime.priority: -1 is not between"},
		{"command_ms: 300", "command_ms: 99999999999999999999", "watch.command_ms"},
		// A bound that would bound nothing, or would let a fault come before its hold.
		{"frame_ms: 300", "frame_ms: 86400000", "ages.frame_ms: 86400000 is not between"},
		{"action_ms: 400", "action_ms: 86400000", "ages.action_ms: 86400000 is not between"},
		{"state_silent_ms: 500", "state_silent_ms: 50", "ages.state_silent_ms: 50 is below ages.state_hold_ms 100"},
		{"thinking_periods: 3", "thinking_periods: 0", "watch.thinking_periods: 0 is not between"},
		{"clamped_share: 1", "clamped_share: 1000", "watch.clamped_share: 1000"},
		{"priority: 20", "priority: 99", "realtime.priority: 99 is not between 1 and 49"},
		// Limits are the robot's and the bundle's: nothing here can loosen them.
		{"robot:\n", "limits: {velocity_max: [9, 9, 9, 9, 9, 9, 9]}\nrobot:\n", "unknown key limits"},
		{"  name: kitchen", "  name: kitchen\n  speed_limit: 2", "unknown key robot.speed_limit"},
		{"ages:", "velocity_max: 99\nages:", "unknown key velocity_max"},
		// A choice that there is not.
		{"clock: realtime", "clock: real_time", `bridge.clock: "real_time" is not one of [realtime lockstep]`},
		{"device: cpu", "device: gpu", `engine.device: "gpu" is not one of`},
		{"precision: float32", "precision: float16", `engine.precision: "float16" is not one of`},
		{"name: onnxruntime", "name: onnx", `engine.name: "onnx" is not one of`},
		{"want: auto", "want: yes please", `realtime.want: "yes please" is not one of`},
		{"  - name: default", `  - name: ""`, "cameras[0].name: is empty"},
		{"cameras:", "cameras:\n  - {name: default, source: bridge}", `cameras[1].name: "default" stands twice`},
		{"hosts: []", "hosts: [\"http://robot-pc\"]", `web.hosts[0]: "http://robot-pc" is not a name`},
		{"listen: 127.0.0.1:8080", "listen: 8080", `web.listen: "8080" is not host:port`},
	}
}

// TestMutantsAreRefused: at least 60 of them, each with its line, in one line.
func TestMutantsAreRefused(t *testing.T) {
	line := regexp.MustCompile(`: line [1-9]\d*: `)
	all := mutants()
	if len(all) < 60 {
		t.Errorf("%d mutants, want 60", len(all))
	}
	for _, m := range all {
		t.Run(m.to, func(t *testing.T) {
			text := string(Example())
			if !strings.Contains(text, m.from) {
				t.Fatalf("the shipped file has no %q", m.from)
			}
			path := filepath.Join(t.TempDir(), "sim2reald.yaml")
			if err := os.WriteFile(path, []byte(strings.Replace(text, m.from, m.to, 1)), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := Load(path)
			if err == nil || !strings.Contains(err.Error(), m.want) {
				t.Fatalf("got %v, want %q", err, m.want)
			}
			if text := err.Error(); strings.Contains(text, "\n") || !line.MatchString(text) {
				t.Errorf("not one line that names the file's: %s", text)
			}
		})
	}
}

// TestLocatedSaysTheRightLine, of the key or else of its section.
func TestLocatedSaysTheRightLine(t *testing.T) {
	for text, want := range map[string]string{
		"robot: {name: a}\nages:\n  frame_ms: 9\n  action_ms: -1\n":          "line 4: ages.action_ms",
		"cameras:\n  - name: a\n    source: b\n  - name: a\n    source: c\n": "line 4: cameras[1].name",
		"ages:\n  state_hold_ms: 900\n":                                      "line 1: ages.state_silent_ms",
		"\n\nweb:\n  hosts:\n    - fine\n    - not/fine\n":                   "line 6: web.hosts[1]",
		"bridge: &b {clock: wall}\n":                                         "line 1: bridge.clock",
		"---\nrobot: {name: a}\n---\nrobot: {name: b}\n":                     "a second document",
	} {
		path := filepath.Join(t.TempDir(), "c.yaml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Load(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}
