package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"sim2reald/daemon/config"
	"sim2reald/model/bundle"
	"sim2reald/model/dataset"
	"sim2reald/model/safetensors"
)

// TestDomains goes the whole way in each further simulator, by the commands that a person gives: a demonstration that
// succeeds, a bundle that learned the tool's motion from it, and two evaluations of one seed, which send the same
// commands.
func TestDomains(t *testing.T) {
	t.Parallel()
	rig := rigConfig(t)
	for domain, action := range map[string]string{
		"metaworld":    "-action cartesian_velocity -dimensions vx,vy,vz",
		"rgb_stacking": "-action cartesian_velocity -dimensions vx,vy,vz,wz -chain sawyer_moma",
	} {
		t.Run(domain, func(t *testing.T) {
			t.Parallel()
			cfg, dir := rig, t.TempDir()
			need(t, pythonOf(config.Bridge{Command: rig.Bridge.Command, Domain: domain}), "the simulator of "+domain)
			data, trained := filepath.Join(dir, "data"), filepath.Join(dir, "trained.safetensors")
			asTyped(t, cmdCollect, fmt.Sprintf("-config %s -domain %s -episodes 1 -out %s", configFile(t, "mqtt: {listen: '127.0.0.1:0'}\n"), domain, data))
			d, err := dataset.Open(data)
			if err != nil {
				t.Fatal(err)
			}
			if e, err := d.Episode(firstDemonstration); err != nil || !e.Success || d.Meta.Domain != domain || d.Meta.Robot.Model != "sawyer" || d.Meta.Noise == 0 {
				t.Fatalf("%v, %+v", err, d.Meta)
			}
			trains(t, fmt.Sprintf("-data %s -out %s -cache %s -size 56 -views 0 -held 0 -epochs 2 %s", data, trained, filepath.Join(dir, "cache"), action))
			asTyped(t, cmdTrain, fmt.Sprintf("-trainer torch -torch-print -data %s -out %s -size 56 %s", data, trained, action))
			if labels, err := safetensors.ReadFile(trained+".labels.safetensors", safetensors.DefaultLimits()); err != nil || len(labels.Tensors) != 1 {
				t.Errorf("what PyTorch would learn: %v, %v", labels, err)
			}
			b, err := bundle.Load(trained)
			if err != nil || b.Manifest.Action.Kind != bundle.ActionCartesian {
				t.Fatalf("%+v, %v", b, err)
			}
			f := evaluateFlags{bridgeFlags: bridgeFlags{domain: domain, horizon: 20}, bundle: trained, episodes: 1, workers: 1}
			if err := f.apply(&cfg); err != nil {
				t.Fatal(err)
			}
			first, second := evaluateTyped(t, cfg, f), evaluateTyped(t, cfg, f)
			sameCommands(t, second.commands, first.commands)
			if len(first.commands) != 20 || first.commands[10].Mode != "velocity" || first.report.Domain != domain {
				t.Errorf("%d commands in %s, the eleventh %+v", len(first.commands), first.report.Domain, first.commands[10])
			}
		})
	}
}

// asTyped runs a command as a person gives it.
func asTyped(t *testing.T, f func(context.Context, []string) error, line string) {
	t.Helper()
	if err := f(t.Context(), strings.Fields(line)); err != nil {
		t.Fatalf("%s: %v", line, err)
	}
}

// trains trains as a person does, when no other test has the engine.
func trains(t *testing.T, line string) {
	t.Helper()
	defer engineTurn(t)()
	asTyped(t, cmdTrain, line)
}
