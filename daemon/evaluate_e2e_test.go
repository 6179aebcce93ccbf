package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"sim2reald/daemon/config"
	"sim2reald/daemon/evaluation"
	"sim2reald/model/bundle"
	"sim2reald/robot"
)

// reportAt runs an evaluation whose report is at path.
func reportAt(t *testing.T, cfg config.Config, f evaluateFlags, path string) (evaluation.Report, string) {
	t.Helper()
	f.first, f.json = seedOfTests, path
	text, err := quietly(t.Context(), t, cfg, f)
	if err != nil {
		t.Fatal(err)
	}
	var r evaluation.Report
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &r); err != nil {
		t.Fatal(err)
	}
	return r, text
}

func withoutWall(trials []evaluation.Trial) []evaluation.Trial {
	out := append([]evaluation.Trial{}, trials...)
	for i := range out {
		out[i].Wall = 0
	}
	return out
}

// TestEvaluationGoesOn runs four seeds with two workers, and then, as if it had been killed after two of them in the
// middle of writing the third, the rest with one worker. A seed's trial is the same whoever runs it, and none is run
// twice. Another bundle is refused.
func TestEvaluationGoesOn(t *testing.T) {
	t.Parallel()
	cfg := rigConfig(t)
	path := filepath.Join(t.TempDir(), "report.json")
	both, _ := reportAt(t, cfg, evaluateFlags{episodes: 4, workers: 2}, path)
	trials := both.Arms[0].Trials
	if n, successes, _ := both.Arms[0].Counts(); n != 4 || successes == 0 || trials[0].Seed != seedOfTests || trials[3].Seed != seedOfTests+3 {
		t.Fatalf("%+v", trials)
	}
	cutJournal(t, journalOf(path), 3)
	rest, text := reportAt(t, cfg, evaluateFlags{episodes: 4, workers: 1}, path)
	if !strings.Contains(text, "going on after 2 trials in "+journalOf(path)) {
		t.Errorf("it does not say that it goes on:\n%s", text)
	}
	if got, want := withoutWall(rest.Arms[0].Trials), withoutWall(trials); !reflect.DeepEqual(got, want) {
		t.Errorf("one worker and two give different trials:\n%+v\n%+v", got, want)
	}
	kept := 0
	for i, trial := range rest.Arms[0].Trials {
		if trial.Wall == trials[i].Wall {
			kept++
		}
	}
	if kept != 2 {
		t.Errorf("%d trials are those of before, want 2", kept)
	}
	cfg.Policy.Bundle = untrainedBundle(t, cfg, nil)
	if _, err := quietly(t.Context(), t, cfg, evaluateFlags{episodes: 4, first: seedOfTests, json: path}); err == nil || !strings.Contains(err.Error(), "arm policy was") {
		t.Errorf("another bundle goes on with it: %v", err)
	}
}

// cutJournal leaves so many lines of a journal and a part of the next.
func cutJournal(t *testing.T, path string, lines int) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	all := bytes.SplitAfter(text, []byte("\n"))
	if len(all) < lines+2 {
		t.Fatalf("%d lines:\n%s", len(all), text)
	}
	cut := append(bytes.Join(all[:lines], nil), all[lines][:20]...)
	if err := os.WriteFile(path, cut, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestEvaluateBundlesUnderShifts pairs two bundles on the same seeds, each with and without a shift.
func TestEvaluateBundlesUnderShifts(t *testing.T) {
	t.Parallel()
	cfg := rigConfig(t)
	cfg.Bridge.Horizon = 60
	other := untrainedBundle(t, cfg, nil)
	r, text := reportAt(t, cfg, evaluateFlags{episodes: 2, workers: 2, bundles: cfg.Policy.Bundle + "," + other, shift: "none,camera_pose"},
		filepath.Join(t.TempDir(), "report.json"))
	if len(r.Arms) != 4 || r.Horizon != 60 || r.Schema != evaluation.Schema || r.Domain != "kitchen" || !reflect.DeepEqual(r.Cameras, []string{"default"}) {
		t.Fatalf("%+v", r)
	}
	for i, want := range []struct{ name, shift string }{{"kitchen-slide", ""}, {nameOf(other), ""}, {"kitchen-slide", "camera_pose"}, {nameOf(other), "camera_pose"}} {
		if a := r.Arms[i]; a.Name != want.name || a.Shift != want.shift || len(a.Trials) != 2 {
			t.Errorf("arm %d: %s under %q with %d trials, want %+v", i, a.Name, a.Shift, len(a.Trials), want)
		}
	}
	for _, want := range []string{
		"\n" + nameOf(other) + " less kitchen-slide\n  difference         -100 points over 2 pairs of the same seed\n",
		"\nkitchen-slide under camera_pose less kitchen-slide\n", "(Newcombe)",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the report does not say %q", want)
		}
	}
}

func TestEvaluateFlagsRefuse(t *testing.T) {
	for args, want := range map[string]string{
		"-workers 0":                           "0 workers",
		"-workers 2 -commands x":               "-commands is for one worker",
		"-workers 2 -clock realtime":           "several workers need",
		"-bundle a -bundles b,c":               "give one of them",
		"-bundles x/a.safetensors,y/a.st":      `"a" stands twice`,
		"-shift camera,camera":                 `"camera" stands twice`,
		"-shift none,camera -episodes 0":       "never comes to the second arm",
		"-record -bundles a,b":                 "-record is for one bundle",
		"-record -shift camera":                "-record is for one bundle and no shift",
		"-horizon 1000001":                     "bridge.horizon: 1000001",
		"-camera a -camera a":                  `cameras[1].name: "a" stands twice`,
		"-workers 2 -config broker-elsewhere":  "several workers need",
		"-domain metaworld -clock no -workers": "usage",
	} {
		t.Run(args, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "elsewhere.yaml")
			if err := os.WriteFile(path, []byte("mqtt: {broker: '127.0.0.1:1883'}\nbridge: {clock: lockstep}\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			line := strings.Fields(strings.ReplaceAll(args, "broker-elsewhere", path))
			if !strings.Contains(args, "-clock") && !strings.Contains(args, "-config") {
				line = append(line, "-clock", "lockstep")
			}
			if err := cmdEvaluate(t.Context(), line); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%v, want %q", err, want)
			}
		})
	}
}

// TestEvaluationOutlivesATornArm runs three starts in lock-step, of which the second leaves the measured arm at 9 rad/s: that
// one has failed, and the third is run.
func TestEvaluationOutlivesATornArm(t *testing.T) {
	t.Parallel()
	cfg := rigConfig(t)
	cfg.Bridge = config.Bridge{
		Command: []string{"env", "FAULTS_TEAR_STEPS=5", pythonOf(cfg.Bridge), "daemon/faults/arm.py"},
		Domain:  "faults", Task: "move", Clock: "lockstep", Jitter: "none", Horizon: 10,
	}
	cfg.Policy.Bundle = untrainedBundle(t, cfg, func(m *bundle.Manifest) {
		m.Task, m.Limits = "move", bundle.LimitsOf(robot.Panda().Limits, robot.Panda().N(), 0.5)
	})
	report, _ := reportAt(t, cfg, evaluateFlags{episodes: 3, workers: 1}, filepath.Join(t.TempDir(), "report.json"))
	for i, trial := range report.Arms[0].Trials {
		want := [][2]string{{"truncated", ""}, {"failure", "limit_passed: panda_joint2 was measured at"}, {"truncated", ""}}[i]
		if trial.Outcome != want[0] || !strings.Contains(trial.Reason, want[1]) {
			t.Errorf("trial %d: %+v, want %s, %q", i, trial, want[0], want[1])
		}
	}
	if n, _, _ := report.Arms[0].Counts(); n != 3 {
		t.Errorf("%d trials count, want 3", n)
	}
}
