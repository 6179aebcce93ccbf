package main

import (
	"fmt"
	"path/filepath"
	"testing"

	"sim2reald/daemon/config"
	"sim2reald/model/bundle"
	"sim2reald/model/dataset"
)

// TestDemonstrationsToBundle goes the whole way once, with the real teacher, base and engine: demonstrations, then a
// bundle that fits the rig that it was shown on. TestCollectKilled has their interruption.
func TestDemonstrationsToBundle(t *testing.T) {
	t.Parallel()
	cfg := rigConfig(t)
	dir := t.TempDir()
	straight := demonstrate(t, cfg, filepath.Join(dir, "a"), 2)
	digest := digestOf(t, straight)
	checkLimits(t, straight)

	cfg.Policy.Bundle = filepath.Join(dir, "bundle.safetensors")
	trains(t, fmt.Sprintf("-data %s -out %s -cache %s -name test -size 112 -views 0 -held 0.5 -epochs 2", filepath.Join(dir, "a"), cfg.Policy.Bundle, filepath.Join(dir, "cache")))
	b, err := bundle.Load(cfg.Policy.Bundle)
	if err != nil {
		t.Fatal(err)
	}
	if b.Manifest.Training.DataDigest != digest || b.Manifest.Limits.SpeedScale != 0.5 {
		t.Errorf("the manifest says %+v, %v", b.Manifest.Training, b.Manifest.Limits.SpeedScale)
	}
	out, err := quietly(t.Context(), t, cfg, evaluateFlags{episodes: 1, first: 30000})
	if err != nil {
		t.Errorf("the new bundle does not run on the rig that it was shown on: %v\n%s", err, out)
	}
}

func demonstrate(t *testing.T, cfg config.Config, out string, episodes int64) *dataset.Dataset {
	t.Helper()
	f := collectFlags{out: out, episodes: episodes, first: firstDemonstration, noise: 0.2, scale: 0.5}
	if err := f.apply(&cfg); err != nil {
		t.Fatal(err)
	}
	if err := collect(t.Context(), cfg, f); err != nil {
		t.Fatal(err)
	}
	d, err := dataset.Open(out)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func digestOf(t *testing.T, d *dataset.Dataset) string {
	t.Helper()
	digest, err := d.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return digest
}

// checkLimits asserts that what was shown kept the limits that stand in the dataset, and that noise really
// parted what was sent from what was advised.
func checkLimits(t *testing.T, d *dataset.Dataset) {
	t.Helper()
	e, err := d.Episode(d.Seeds()[0])
	if err != nil {
		t.Fatal(err)
	}
	limits, apart := d.Meta.Limits.Robot(), false
	for i, s := range e.Steps {
		for j := range d.Meta.Robot.JointNames {
			if v := s.Sent.DQ[j]; v > limits.DQMax[j] || v < -limits.DQMax[j] {
				t.Errorf("step %d joint %d: %v rad/s sent, limit %v", i, j, v, limits.DQMax[j])
			}
			apart = apart || s.Sent.DQ[j] != s.Wanted.DQ[j]
		}
	}
	if !apart {
		t.Error("no noise was added")
	}
}
