package main

import (
	"maps"
	"path/filepath"
	"strings"
	"testing"

	"sim2reald/daemon/config"
	"sim2reald/model/adapter"
	"sim2reald/model/base"
	"sim2reald/model/bundle"
	"sim2reald/model/safetensors"
	"sim2reald/robot"
)

// fullBundle is the demonstration's bundle with every weight of the base in it, after edit.
func fullBundle(t *testing.T, cfg config.Config, edit func(name string, weights []float32)) string {
	t.Helper()
	b, err := bundle.Load(cfg.Policy.Bundle)
	if err != nil {
		t.Fatal(err)
	}
	m := b.Manifest
	m.Kind, m.Name, m.Result = bundle.KindFull, "replaced", nil
	m.SetVersion()
	on, err := base.Open(cfg.Policy.Base)
	if err != nil {
		t.Fatal(err)
	}
	values, err := on.Arch.Values(on.File, m.Cameras[0].Height, m.Cameras[0].Width)
	if err != nil {
		t.Fatal(err)
	}
	tensors := maps.Clone(b.Params())
	for name, value := range values {
		v, err := value.Float32s()
		if err != nil {
			t.Fatal(err)
		}
		edit(name, v)
		tensors[adapter.BasePrefix+name] = safetensors.Float32(value.Shape, v)
	}
	action, _, err := b.Stats()
	if err != nil {
		t.Fatal(err)
	}
	tensors[bundle.ActionMean] = safetensors.Float32([]int{len(action.Mean)}, action.Mean)
	tensors[bundle.ActionStd] = safetensors.Float32([]int{len(action.Std)}, action.Std)
	full, err := bundle.New(m, tensors)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "full.safetensors")
	if err := full.Save(path); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestFullBundle: what replaces the base is refused unless the configuration says otherwise, and then computes with its
// own weights, alone.
func TestFullBundle(t *testing.T) {
	cfg := brainConfig(t)
	same := fullBundle(t, cfg, func(string, []float32) {})
	var want robot.Command
	t.Run("beside the base", func(t *testing.T) { want = answerOf(t, brainOf(t, cfg)) })

	full := cfg
	full.Policy.Bundle = same
	refused(t, full, "bundle replaced is of kind full", "set policy.allow_full: true")
	full.Policy.AllowFull = true
	t.Run("the base's own weights", func(t *testing.T) {
		b := brainOf(t, full)
		if got := answerOf(t, b); got != want {
			t.Errorf("in the bundle they want %v, in the base %v", got, want)
		}
		plain, err := bundle.Load(cfg.Policy.Bundle)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := b.load(plain); err == nil || !strings.Contains(err.Error(), "runs by itself") {
			t.Errorf("a second bundle on another's base: %v", err)
		}
	})
	full.Policy.Bundle = fullBundle(t, cfg, func(name string, v []float32) {
		if strings.HasSuffix(name, "norm.weight") {
			for i := range v {
				v[i] *= 1.05
			}
		}
	})
	for _, engine := range []string{config.ONNXRuntime, config.Gorgonia} {
		t.Run("other weights on "+engine, func(t *testing.T) {
			full.Engine.Name = engine
			if got := answerOf(t, brainOf(t, full)); got == want {
				t.Errorf("they want the same: %v", got)
			}
		})
	}
	beside := cfg
	beside.Policy.AllowFull, beside.Policy.Resident = true, []string{same}
	refused(t, beside, "full.safetensors", "runs by itself", "policy.resident")
}

func refused(t *testing.T, cfg config.Config, says ...string) {
	t.Helper()
	b, err := openBrain(cfg)
	if err == nil {
		_ = b.Close()
		t.Fatalf("%s was not refused", cfg.Policy.Bundle)
	}
	for _, want := range says {
		if !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%v, want %q in one line", err, want)
		}
	}
}
