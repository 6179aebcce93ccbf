package main

import (
	"math"
	"strings"
	"testing"

	"sim2reald/daemon/config"
	"sim2reald/model/dataset"
)

func TestCollectFlags(t *testing.T) {
	for name, c := range map[string]struct {
		f    collectFlags
		says string
	}{
		"source":         {collectFlags{source: "a bird"}, "a bird"},
		"person, domain": {collectFlags{source: dataset.SourceHandGuided, bridgeFlags: bridgeFlags{domain: "metaworld"}}, "a person places things"},
		"person, shift":  {collectFlags{source: dataset.SourceTeleoperation, shift: "dark"}, "a person places things"},
		"noise":          {collectFlags{noise: math.NaN()}, "noise"},
		"scale":          {collectFlags{scale: 2}, "speed-scale"},
		"camera":         {collectFlags{bridgeFlags: bridgeFlags{cameras: []string{"a", ""}}}, "-camera"},
		"two alike":      {collectFlags{bridgeFlags: bridgeFlags{cameras: []string{"a", "a"}}}, "cameras[1].name"},
		"episodes":       {collectFlags{episodes: -1}, "episodes"},
	} {
		t.Run(name, func(t *testing.T) {
			f := c.f
			if f.episodes == 0 {
				f.episodes = 1
			}
			if f.scale == 0 {
				f.scale = 0.5
			}
			cfg := config.Default()
			if err := f.apply(&cfg); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v, want %q", err, c.says)
			}
		})
	}
	f := collectFlags{bridgeFlags: bridgeFlags{"metaworld", "hammer", "", []string{"corner", "wrist"}, 99}, episodes: 1, scale: 1, noise: ownNoise}
	cfg := config.Default()
	if err := f.apply(&cfg); err != nil {
		t.Fatal(err)
	}
	if f.noise != noiseOf("metaworld") || f.noise == 0 || f.noise >= noiseOf("kitchen") {
		t.Errorf("noise %g", f.noise)
	}
	b := cfg.Bridge
	if b.Domain != "metaworld" || b.Task != "hammer" || b.Jitter != "" || b.Horizon != 99 || b.Clock != "lockstep" || cfg.Robot.Name != "metaworld" ||
		len(cfg.Cameras) != 2 || cfg.Cameras[1].Name != "wrist" || cfg.Cameras[1].Source != config.SourceBridge {
		t.Errorf("%+v", cfg)
	}
}
