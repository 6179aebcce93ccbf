package main

import (
	"testing"
	"time"

	"sim2reald/camera"
	"sim2reald/daemon/config"
	"sim2reald/daemon/control"
	"sim2reald/model/adapter"
	"sim2reald/model/bundle"
	"sim2reald/robot"
)

// TestAdaptedBundleActs: a bundle with adapters everywhere, that sees two observations at once, on the real
// base. What it answers depends on what was seen a control step ago in this episode, and on nothing before it.
func TestAdaptedBundleActs(t *testing.T) {
	cfg := config.Default()
	need(t, cfg.Policy.Base, "the pretrained base")
	need(t, cfg.Engine.Library, "ONNX Runtime")
	cfg.Policy.Bundle = untrainedBundle(t, cfg, func(m *bundle.Manifest) {
		m.Adapters.Placement, m.Adapters.Middle = "bottom,middle,norms,top", &adapter.Middle{Width: 64}
		m.History = 2
		m.SetVersion()
	})
	b, err := openBrain(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	}()
	actions, err := b.bundle.Actions()
	if err != nil {
		t.Fatal(err)
	}
	p, err := b.policy(b.bundle.Params(), actions)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	}()
	started := 0 * time.Millisecond
	// last starts an episode, shows these shades of grey one control step apart, and gives the last answer.
	last := func(shades ...byte) robot.Command {
		var plan control.Plan
		started += time.Second
		for step, shade := range shades {
			state := robot.State{Stamp: started + time.Duration(step)*80*time.Millisecond, Episode: robot.EpisodeRunning, Step: step}
			if err := p.actor.Act([]*camera.Frame{grey(shade)}, &state, &plan); err != nil {
				t.Fatal(err)
			}
		}
		return plan.Wanted[0]
	}
	light, changed := last(200), last(40, 200)
	if light == changed {
		t.Error("what was seen before changes nothing")
	}
	if again := last(200); again != light {
		t.Errorf("the episode before changes the first answer from %v to %v", light.DQ, again.DQ)
	}
	if again := last(90, 40, 200); again != changed {
		t.Errorf("what was seen two steps ago changes the answer from %v to %v", changed.DQ, again.DQ)
	}
}

// grey is a picture of one shade with a darker corner.
func grey(shade byte) *camera.Frame {
	f := &camera.Frame{Camera: "default", Width: 224, Height: 224, Pix: make([]byte, 3*224*224)}
	for i := 3 * 224 * 20; i < len(f.Pix); i++ {
		f.Pix[i] = shade
	}
	return f
}

// TestLightSwitch runs the bundle that `make run` shows, adapters and all, on starts that no figure uses: it finds the
// switch in two of three at least, which the demonstrations' mean action, whatever is seen, does in none.
func TestLightSwitch(t *testing.T) {
	t.Parallel()
	cfg := rigConfig(t)
	f := evaluateFlags{bridgeFlags: bridgeFlags{task: "light", horizon: 150}, bundle: "model/bundles/kitchen-light.safetensors", episodes: 3, control: 1, workers: 1}
	if err := f.apply(&cfg); err != nil {
		t.Fatal(err)
	}
	found := map[string]int{}
	for _, arm := range evaluateTyped(t, cfg, f).report.Arms {
		for _, trial := range arm.Trials {
			if trial.Success() {
				found[arm.Name]++
			}
		}
	}
	if found["policy"] < 2 || found["blind"]+found["untrained"] > 0 {
		t.Errorf("successes: %v", found)
	}
}
