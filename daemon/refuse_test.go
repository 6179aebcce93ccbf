package main

import (
	"bytes"
	"encoding/binary"
	"math"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sim2reald/daemon/config"
	"sim2reald/daemon/topic"
	"sim2reald/model/bundle"
)

// TestRefuses is bad input from the outside: each ends in one line that names the thing and the remedy.
func TestRefuses(t *testing.T) {
	t.Parallel()
	cfg := rigConfig(t)
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = busy.Close() })
	plain := untrainedBundle(t, cfg, nil)
	cases := []struct {
		name  string
		spoil func(t *testing.T, c *config.Config)
		want  []string
	}{
		{"a bundle for another base", func(t *testing.T, c *config.Config) {
			c.Policy.Bundle = untrainedBundle(t, cfg, func(m *bundle.Manifest) { m.Base.Digest = "sha256:" + strings.Repeat("ab", 32) })
		}, []string{"base.digest", "abab", "set policy.base"}},
		{"a flipped byte in the base", func(t *testing.T, c *config.Config) {
			c.Policy.Base = spoiledCopy(t, c.Policy.Base, 50_000_000)
		}, []string{"file digest is", "make setup"}},
		{"a flipped byte in the bundle", func(t *testing.T, c *config.Config) {
			c.Policy.Bundle = spoiledCopy(t, plain, 20_000)
		}, []string{"bundle is damaged", "fetch or train it again"}},
		{"a NaN in the weights", func(t *testing.T, c *config.Config) {
			c.Policy.Bundle = withNaN(t, plain)
		}, []string{"bundle"}},
		{"a bundle for other joints", func(t *testing.T, c *config.Config) {
			c.Policy.Bundle = untrainedBundle(t, cfg, func(m *bundle.Manifest) {
				m.Robot.JointNames = []string{"right_j0", "right_j1", "right_j2", "right_j3", "right_j4", "right_j5", "right_j6"}
				m.Action.Dimensions = bundle.Dimensions(m.Robot.JointNames)
			})
		}, []string{"robot.joint_names", "right_j0", "panda_joint1", "use a bundle for these joints"}},
		{"no bundle", func(_ *testing.T, c *config.Config) { c.Policy.Bundle = "nowhere.safetensors" }, []string{"nowhere.safetensors", "no such file"}},
		{"no base", func(_ *testing.T, c *config.Config) { c.Policy.Base = "nowhere.safetensors" }, []string{"nowhere", "make setup"}},
		{"no ONNX Runtime", func(_ *testing.T, c *config.Config) { c.Engine.Library = "nowhere.so" }, []string{"nowhere.so", "make setup"}},
		{"no GPU", func(_ *testing.T, c *config.Config) { c.Engine.Device = "cuda" }, []string{"cuda", "onnxruntime-gpu"}},
		{"the broker's port in use", func(_ *testing.T, c *config.Config) { c.MQTT.Listen = busy.Addr().String() }, []string{"mqtt.listen", busy.Addr().String(), "address already in use"}},
		{"the page's port in use", func(_ *testing.T, c *config.Config) { c.Web.Listen = busy.Addr().String() }, []string{"web.listen", "address already in use"}},
		{"no bridge program", func(_ *testing.T, c *config.Config) { c.Bridge.Command = []string{"nowhere"} }, []string{"nowhere", "bridge.command"}},
		{"no environment of the domain", func(_ *testing.T, c *config.Config) {
			c.Bridge.Domain, c.Bridge.Task, c.Bridge.Jitter = "elsewhere", "", ""
		}, []string{"domain elsewhere", "build/venv-elsewhere/bin/python", "no such file", "make setup", "bridge.command"}},
		{"no such task", func(_ *testing.T, c *config.Config) { c.Bridge.Task = "juggle" }, []string{"juggle", "slide"}},
		{"no such jitter", func(_ *testing.T, c *config.Config) { c.Bridge.Jitter = "j99" }, []string{"j99"}},
		{"no camera of that name", func(_ *testing.T, c *config.Config) {
			c.Cameras = []config.Camera{{Name: "front", Source: "bridge"}}
		}, []string{"front", "default"}},
		{"no camera there", func(_ *testing.T, c *config.Config) {
			c.Bridge.Clock = "realtime"
			c.Cameras = []config.Camera{{Name: "default", Source: "/dev/video97"}}
		}, []string{"camera default", "/dev/video97", "cameras[0].source"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			bad := cfg
			bad.Policy.Bundle = plain
			c.spoil(t, &bad)
			_, err := quietly(t.Context(), t, bad, evaluateFlags{episodes: 1, first: 1, page: true})
			if err == nil {
				t.Fatal("accepted")
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("more than one line: %v", err)
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q does not say %q", err, want)
				}
			}
		})
	}
}

// TestShiftsAreKnownBefore the first episode: the last of many would be hours away.
func TestShiftsAreKnownBefore(t *testing.T) {
	w := &workcell{fact: topic.Factsheet{Shifts: map[string]topic.Named{"light": {}, "blur": {}, "none": {}}}}
	for _, names := range [][]string{{""}, {"none", "light"}, {"blur"}} {
		if err := w.knowsShifts(names...); err != nil {
			t.Errorf("%v: %v", names, err)
		}
	}
	if err := w.knowsShifts("light", "darkness"); err == nil || !strings.Contains(err.Error(), `shift "darkness": the bridge knows blur, light, none`) {
		t.Errorf("%v", err)
	}
}

// spoiledCopy is a copy of a file, and of the record beside it if there is one, with one bit flipped.
func spoiledCopy(t *testing.T, path string, at int) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	data[at] ^= 1
	out := filepath.Join(t.TempDir(), filepath.Base(path))
	if record, err := os.ReadFile(strings.TrimSuffix(path, ".safetensors") + ".json"); err == nil {
		if err := os.WriteFile(strings.TrimSuffix(out, ".safetensors")+".json", record, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(out, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return out
}

// withNaN puts a NaN in place of the last weight.
func withNaN(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	data = bytes.Clone(data)
	binary.LittleEndian.PutUint32(data[len(data)-4:], math.Float32bits(float32(math.NaN())))
	out := filepath.Join(t.TempDir(), "nan.safetensors")
	if err := os.WriteFile(out, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestCommandLineRefuses(t *testing.T) {
	dir := t.TempDir()
	typo := filepath.Join(dir, "typo.yaml")
	if err := os.WriteFile(typo, []byte("engine: {device: cpu, thread: 1}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args string
		want string
	}{
		{"run -config " + typo, "unknown key engine.thread; did you mean threads?"},
		{"run -config nowhere.yaml", "sim2reald config"},
		{"evaluate extra", `unexpected argument "extra"`},
		{"evaluate -episodes -1", "must not be negative"},
		{"evaluate -clock wall", `bridge.clock: "wall"`},
		{"collect -noise NaN", "noise NaN"},
		{"collect -speed-scale 2", "speed-scale 2"},
		{"train -out x -adapters side", `"side" is none of bottom, middle, norms, top`},
		{"train -out x -adapters norms -width 8", "-width is for middle adapters"},
		{"train -out x -adapters middle -blocks 1,b", `"b" is not a whole number`},
		{"train -out x -hidden 256;256", `-hidden "256;256"`},
		{"request", "name one of"},
		{"bundle verify", "say inspect, verify, import, keygen or sign"},
		{"bundle inspect nowhere", "no such file"},
		{"base add x", "-name is needed"},
		{"base -name vit_huge_patch1 add x", "the nearest of"},
		{"base polish x", `"polish" is none of`},
	} {
		t.Run(c.args, func(t *testing.T) {
			err := dispatch(t.Context(), strings.Fields(c.args))
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}
