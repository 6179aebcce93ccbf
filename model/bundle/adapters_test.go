package bundle

import (
	"bytes"
	"encoding/json"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sim2reald/model/adapter"
	"sim2reald/model/safetensors"
)

// adaptedManifest trains in every place, sees two observations at once and says who trained it.
func adaptedManifest() Manifest {
	m := testManifest()
	m.Adapters.Placement, m.Adapters.Middle = "bottom,middle,norms,top", &adapter.Middle{Width: 3}
	m.History, m.Training.Trainer = 2, "gorgonia, end to end"
	m.SetVersion()
	return m
}

// adaptedTensors are ramps, as the head's are.
func adaptedTensors(t testing.TB, m Manifest) map[string]safetensors.Tensor {
	t.Helper()
	net, err := m.Network()
	if err != nil {
		t.Fatal(err)
	}
	out, err := net.Init(adapter.Start{Seed: 3})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{ActionMean, ActionStd, ProprioMean, ProprioStd} {
		out[name] = testTensors()[name]
	}
	return out
}

func TestAdaptedBundleRoundTrips(t *testing.T) {
	m := adaptedManifest()
	b, err := New(m, adaptedTensors(t, m))
	if err != nil {
		t.Fatal(err)
	}
	again, err := Parse(bytesOf(t, b))
	if err != nil {
		t.Fatal(err)
	}
	if again.Digest() != b.Digest() || m.Version != VersionAdapters || m.MinDaemon != "0.2.0" {
		t.Errorf("digest %s became %s, version %d for daemon %s", b.Digest(), again.Digest(), m.Version, m.MinDaemon)
	}
	net, err := again.Manifest.Network()
	if err != nil {
		t.Fatal(err)
	}
	if net.History != 2 || !net.Adapters.Bottom || !net.Adapters.Norms || net.Adapters.Middle.Width != 3 {
		t.Errorf("network %+v", net)
	}
	want := []int{3, 6}
	if got := again.Params()["adapter.blocks.0.mlp.down.weight"].Shape; !slices.Equal(got, want) {
		t.Errorf("adapter of shape %v, want %v", got, want)
	}
	if s := again.Manifest.Spec(); s.History != 2 || s.RateHz != 12.5 {
		t.Errorf("observations %+v", s)
	}
	o, err := again.Observer()
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	if n := len(o.Observation().Images); n != 2 {
		t.Errorf("%d pictures in an observation, want 2", n)
	}
}

// An older daemon reads versions up to 1 and names the one to install; what it can read stays version 1.
func TestVersionIsTheOldestThatCanSayIt(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Manifest)
		want   int
	}{
		"head alone": {func(*Manifest) {}, VersionHead},
		"linear":     {func(m *Manifest) { m.Adapters.Widths = []int{} }, VersionHead},
		"norms":      {func(m *Manifest) { m.Adapters.Placement = "norms,top" }, VersionAdapters},
		"history":    {func(m *Manifest) { m.History = 2 }, VersionAdapters},
		"trainer":    {func(m *Manifest) { m.Training.Trainer = "somebody" }, VersionAdapters},
	} {
		m := testManifest()
		c.change(&m)
		m.SetVersion()
		if m.Version != c.want || m.Validate() != nil {
			t.Errorf("%s: version %d, want %d (%v)", name, m.Version, c.want, m.Validate())
		}
		m.Version = VersionHead + VersionAdapters - c.want
		if err := m.Validate(); !errors.Is(err, ErrManifest) {
			t.Errorf("%s in version %d: %v", name, m.Version, err)
		}
	}
}

func TestAdaptedManifestRefused(t *testing.T) {
	for name, c := range map[string]struct {
		old, new, want string
	}{
		"order":          {`"bottom,middle,norms,top"`, `"middle,bottom,norms,top"`, `want it spelled "bottom,middle,norms,top"`},
		"no head":        {`"bottom,middle,norms,top"`, `"bottom,middle,norms"`, "want it spelled"},
		"unknown place":  {`"bottom,middle,norms,top"`, `"bottom,side,top"`, `"side" is none of`},
		"twice":          {`"bottom,middle,norms,top"`, `"bottom,bottom,top"`, "twice"},
		"middle without": {`,"middle":{"width":3}`, ``, "adapters.middle"},
		"only details":   {`"bottom,middle,norms,top"`, `"bottom,norms,top"`, "adapters.middle"},
		"block":          {`{"width":3}`, `{"blocks":[1],"width":3}`, "block 1, the backbone has 0 to 0"},
		"no blocks":      {`{"width":3}`, `{"blocks":[],"width":3}`, "misspelled"},
		"branch":         {`{"width":3}`, `{"branches":["conv2"],"width":3}`, `branch "conv2"`},
		"dense":          {`{"width":3}`, `{"width":0}`, "give a width"},
		"negative":       {`{"width":3}`, `{"width":-1}`, "width -1"},
		"absurd":         {`{"width":3}`, `{"width":1000000}`, "width 1000000"},
		"history":        {`"history":2`, `"history":9`, "history"},
	} {
		t.Run(name, func(t *testing.T) {
			m := adaptedManifest()
			good, err := json.Marshal(m)
			if err != nil {
				t.Fatal(err)
			}
			bad := strings.Replace(string(good), c.old, c.new, 1)
			if bad == string(good) {
				t.Fatal("the case changes nothing")
			}
			_, err = Parse(forge(t, bad, adaptedTensors(t, m)))
			if !errors.Is(err, ErrManifest) || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
}

func TestAdapterTensorsMustFit(t *testing.T) {
	m := adaptedManifest()
	for name, c := range map[string]struct {
		change func(map[string]safetensors.Tensor)
		want   string
	}{
		"missing": {func(f map[string]safetensors.Tensor) { delete(f, "adapter.norm.bias") }, "adapter.norm.bias is missing"},
		"extra": {func(f map[string]safetensors.Tensor) { f["adapter.blocks.1.attn.up.bias"] = f["adapter.norm.bias"] },
			"adapter.blocks.1.attn.up.bias is not a tensor"},
		"shape": {func(f map[string]safetensors.Tensor) {
			f["adapter.blocks.0.attn.up.weight"] = f["adapter.blocks.0.attn.down.weight"]
		}, "want F32 [6 3]"},
	} {
		tensors := adaptedTensors(t, m)
		c.change(tensors)
		if _, err := New(m, tensors); !errors.Is(err, ErrTensors) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

// TestShippedBundle: its measured result is bound to this digest, so that every later version must read it as
// the first did.
func TestShippedBundle(t *testing.T) {
	const path, want = "../bundles/kitchen-slide.safetensors", "sha256:e5eb1a24d7d045d35ba71cae96abc43a78dbcf7e22e2badb839ca11ba09b8f87"
	b, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if b.Digest() != want || b.Manifest.Version != VersionHead {
		t.Errorf("digest %s of version %d, want %s of version %d", b.Digest(), b.Manifest.Version, want, VersionHead)
	}
	again, err := New(b.Manifest, b.file.Tensors)
	if err != nil || !bytes.Equal(bytesOf(t, again), bytesOf(t, b)) {
		t.Errorf("it is written differently now (%v)", err)
	}
}

// TestNoShippedBundleReplacesTheBase: one of kind full is as large as its base, and stays with who trained it.
func TestNoShippedBundleReplacesTheBase(t *testing.T) {
	files, err := filepath.Glob("../bundles/*.safetensors")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, path := range files {
		if b, err := Load(path); err != nil || b.Manifest.Kind == KindFull {
			t.Errorf("%s: kind %v, %v", path, b, err)
		}
	}
}
