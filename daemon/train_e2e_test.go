package main

import (
	"path/filepath"
	"testing"

	"sim2reald/daemon/config"
	"sim2reald/model/base"
	"sim2reald/model/bundle"
	"sim2reald/model/dataset"
	"sim2reald/model/train"
)

// TestDemonstrationsToBundle goes the whole way once, with the real teacher, base and engine: demonstrations,
// interrupted and gone on with, then a bundle that fits the rig that it was shown on.
func TestDemonstrationsToBundle(t *testing.T) {
	cfg := rigConfig(t)
	dir := t.TempDir()
	straight := demonstrate(t, cfg, filepath.Join(dir, "a"), 2)
	again := demonstrate(t, cfg, filepath.Join(dir, "b"), 2)
	digest := digestOf(t, straight)
	if other := digestOf(t, again); other != digest {
		t.Errorf("the same seeds gave two datasets: %s and %s", digest, other)
	}
	resumed := demonstrate(t, cfg, filepath.Join(dir, "c"), 1)
	first := digestOf(t, resumed)
	resumed = demonstrate(t, cfg, filepath.Join(dir, "c"), 2)
	if digestOf(t, resumed) == first || len(resumed.Seeds()) != 2 {
		t.Error("the dataset was not gone on with")
	}
	checkLimits(t, straight)

	cfg.Policy.Bundle = filepath.Join(dir, "bundle.safetensors")
	opt := train.DefaultOptions()
	opt.Mean, opt.Std = imageNet()
	opt.Epochs, opt.Augment.Views, opt.CacheDir, opt.ValidateShare = 2, 0, filepath.Join(dir, "cache"), 0.5
	on, err := base.Open(cfg.Policy.Base)
	if err != nil {
		t.Fatal(err)
	}
	if err := runTraining(t.Context(), cfg, on, trainFlags{data: filepath.Join(dir, "a"), out: cfg.Policy.Bundle, name: "test", size: 112, opt: opt, action: defaultActionFlags()}); err != nil {
		t.Fatal(err)
	}
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
