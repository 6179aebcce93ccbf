package adapter_test

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sim2reald/model/adapter"
	"sim2reald/model/backbone"
	"sim2reald/model/graph"
	"sim2reald/model/graph/graphtest"
	"sim2reald/model/safetensors"
)

const goldens = "../backbone/testdata"

// frozen is one tiny backbone with a picture.
type frozen struct {
	net    adapter.Network // of one camera, without adapters
	values map[string]safetensors.Tensor
	pixels []float32
}

// backbones are the project's goldens, every family among them.
func backbones(t *testing.T) map[string]frozen {
	t.Helper()
	records, err := filepath.Glob(filepath.Join(goldens, "*.arch.json"))
	if err != nil || len(records) == 0 {
		t.Fatalf("no goldens in %s (%v)", goldens, err)
	}
	out := map[string]frozen{}
	for _, record := range records {
		name := strings.TrimSuffix(filepath.Base(record), ".arch.json")
		out[name] = open(t, filepath.Join(goldens, name))
	}
	return out
}

func open(t *testing.T, path string) frozen {
	t.Helper()
	text, err := os.ReadFile(path + ".arch.json")
	if err != nil {
		t.Fatal(err)
	}
	arch, err := backbone.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	in := read(t, path+".io.safetensors").Tensors["input"]
	pixels, err := in.Float32s()
	if err != nil {
		t.Fatal(err)
	}
	f := frozen{net: adapter.Network{Arch: arch, Cameras: []string{"c"}, Height: in.Shape[2], Width: in.Shape[3]}}
	f.pixels = pixels[:3*f.net.Height*f.net.Width]
	f.net.Head = adapter.Head{In: f.net.FeatureLen(), Out: 4, Activation: graph.ReLU}
	if f.values, err = arch.Values(read(t, path+".safetensors"), f.net.Height, f.net.Width); err != nil {
		t.Fatal(err)
	}
	return f
}

func read(t *testing.T, path string) *safetensors.File {
	t.Helper()
	f, err := safetensors.ReadFile(path, safetensors.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// placements are every combination that the family has places for, or only the fullest.
func placements(arch backbone.Arch, all bool) []adapter.Placement {
	if !all {
		return []adapter.Placement{{Bottom: true, Middle: &adapter.Middle{Width: 5}, Norms: arch.Family() == "vit"}}
	}
	middles := []*adapter.Middle{nil, {Width: 5}, {Width: 3, Blocks: []int{arch.Blocks() - 1}}}
	norms := []bool{false, true}
	if arch.Family() != "vit" {
		middles, norms = append(middles, &adapter.Middle{}), norms[:1]
	}
	var out []adapter.Placement
	for _, middle := range middles {
		for _, norm := range norms {
			for _, bottom := range []bool{false, true} {
				if p := (adapter.Placement{Bottom: bottom, Middle: middle, Norms: norm}); !p.None() {
					out = append(out, p)
				}
			}
		}
	}
	return out
}

// computer runs a graph of one input and one output with several sets of the bundle's parameters, and gives
// the output for each.
type computer func(t *testing.T, g *graph.Graph, values map[string]safetensors.Tensor, pixels []float32, bundles ...map[string]safetensors.Tensor) [][]float32

// random draws every adapter: what a trained one might be.
func random(g *graph.Graph) map[string]safetensors.Tensor {
	out, rng := map[string]safetensors.Tensor{}, rand.New(rand.NewPCG(11, 0))
	for _, p := range g.Swapped() {
		v := make([]float32, p.Len())
		for i := range v {
			v[i] = float32(0.1 * rng.NormFloat64())
		}
		out[p.Name] = safetensors.Float32(p.Shape, v)
	}
	return out
}

// each calls f for one backbone of each family with every placement, and for all others with the fullest.
func each(t *testing.T, f func(t *testing.T, bare frozen, p adapter.Placement)) {
	all, seen := backbones(t), map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		family := all[name].net.Arch.Family()
		for _, p := range placements(all[name].net.Arch, !seen[family]) {
			t.Run(fmt.Sprintf("%s/%s", name, title(p)), func(t *testing.T) { f(t, all[name], p) })
		}
		seen[family] = true
	}
	if len(seen) < 3 {
		t.Errorf("families %v, want three", seen)
	}
}

// lossless holds one engine to the claim. plain is how far, relative to the largest feature, the untrained
// network may be from the one without adapters: 0 means bit for bit.
func lossless(t *testing.T, compute computer, plain float64) {
	each(t, func(t *testing.T, f frozen, p adapter.Placement) {
		bare, err := f.net.Features()
		if err != nil {
			t.Fatal(err)
		}
		want := compute(t, bare, f.values, f.pixels, nil)[0]
		g, first := adapted(t, f.net, p)
		trained := random(g)
		got := compute(t, g, f.values, f.pixels, first, adapter.Zero(g), trained)
		if i := difference(got[0], got[1]); i >= 0 {
			t.Errorf("feature %d is %g untrained and %g detached", i, got[0][i], got[1][i])
		}
		if d := relative(got[0], want); !(d <= plain) {
			t.Errorf("untrained differs from frozen by %.3g of the largest feature, at most %g", d, plain)
		}
		if i := difference(got[0], want); plain == 0 && i >= 0 {
			t.Errorf("feature %d is %g untrained and %g frozen", i, got[0][i], want[i])
		}
		if d := relative(got[2], want); !(d > 1e-4) {
			t.Errorf("random adapters change the features by %.3g", d)
		}
	})
}

// naive holds features to the reference in float64; 1e-5 is what engines may differ by.
func naive(t *testing.T, g *graph.Graph, f frozen, params map[string]safetensors.Tensor, got []float32) {
	t.Helper()
	values := maps.Clone(f.values)
	maps.Copy(values, params)
	want, err := graphtest.Run(g, map[string][]float64{"image.c": widen(f.pixels)}, values)
	if err != nil {
		t.Fatal(err)
	}
	narrow := make([]float32, len(want[0]))
	for i, v := range want[0] {
		narrow[i] = float32(v)
	}
	if d := relative(got, narrow); !(d <= 1e-5) {
		t.Errorf("random adapters: %.3g from the reference", d)
	}
}

// adapted is the network up to its head with adapters, and their first values.
func adapted(t *testing.T, n adapter.Network, p adapter.Placement) (*graph.Graph, map[string]safetensors.Tensor) {
	t.Helper()
	n.Adapters = p
	g, err := n.Features()
	if err != nil {
		t.Fatal(err)
	}
	first, err := n.Init(adapter.Start{Seed: 5})
	if err != nil {
		t.Fatal(err)
	}
	return g, first
}

func title(p adapter.Placement) string {
	s := p.String()
	if p.Middle != nil {
		s += fmt.Sprintf(" of width %d in blocks %v", p.Middle.Width, p.Middle.Blocks)
	}
	return s
}

// difference is the first place where two slices differ in a bit, -1 if there is none.
func difference(a, b []float32) int {
	for i := range a {
		if math.Float32bits(a[i]) != math.Float32bits(b[i]) {
			return i
		}
	}
	return -1
}

// relative is the largest difference over the largest value.
func relative(a, b []float32) float64 {
	off, size := 0.0, 0.0
	for i := range a {
		off = max(off, math.Abs(float64(a[i])-float64(b[i])))
		size = max(size, math.Abs(float64(b[i])))
	}
	return off / size
}

func widen(v []float32) []float64 {
	out := make([]float64, len(v))
	for i, x := range v {
		out[i] = float64(x)
	}
	return out
}

// TestLosslessONNXRuntime: one graph gives the same bits untrained and detached. The plain frozen graph is
// another one, which ONNX Runtime fuses otherwise: equal to 1e-6 of the largest feature.
func TestLosslessONNXRuntime(t *testing.T) { lossless(t, onnxRuntime(t), 1e-6) }

// TestLosslessGorgonia: the untrained network gives the frozen one's bits, and so does a detached one.
func TestLosslessGorgonia(t *testing.T) { lossless(t, gorgonia, 0) }

// TestEngineParity: with adapters that do something, the two engines agree to 1e-5 of the largest feature, with
// each other and with the reference.
func TestEngineParity(t *testing.T) {
	other, worst := onnxRuntime(t), 0.0
	each(t, func(t *testing.T, f frozen, p adapter.Placement) {
		g, _ := adapted(t, f.net, p)
		trained := random(g)
		one := gorgonia(t, g, f.values, f.pixels, trained)[0]
		if p.Bottom && p.Middle != nil { // the reference is slow, and the fullest placements have every layer
			naive(t, g, f, trained, one)
		}
		d := relative(one, other(t, g, f.values, f.pixels, trained)[0])
		if !(d <= 1e-5) {
			t.Errorf("the engines differ by %.3g of the largest feature", d)
		}
		worst = max(worst, d)
	})
	t.Logf("largest difference %.3g", worst)
}
