package engine

import (
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	ort "github.com/yalue/onnxruntime_go"
	"golang.org/x/sys/cpu"

	"sim2reald/model/adapter"
	"sim2reald/model/graph"
	"sim2reald/model/safetensors"
)

// convolutional calls f for every convolutional golden, two pictures of it, with dense adapters and with bottlenecks.
func convolutional(t *testing.T, f func(t *testing.T, g *graph.Graph, values, params map[string]safetensors.Tensor)) {
	files, err := filepath.Glob(filepath.Join(goldens, "*net_*.arch.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no convolutional goldens in %s: %v", goldens, err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".arch.json")
		for _, width := range []int{0, 4} {
			t.Run(fmt.Sprintf("%s of width %d", name, width), func(t *testing.T) {
				n := adaptedNetwork(t, name, []string{"a", "b"})
				n.Adapters.Middle = &adapter.Middle{Width: width}
				g, values, params := material(t, n, loadGolden(t, name).weights)
				f(t, g, values, params)
			})
		}
	}
}

// plainly runs g with a bundle's parameters as inputs from the start.
func plainly(t *testing.T, g *graph.Graph, values, params map[string]safetensors.Tensor) []float32 {
	t.Helper()
	m := bare(t, g, values)
	m.plain = g.Swapped()
	var err error
	if m.session, err = m.load(g, values); err != nil {
		t.Fatal(err)
	}
	return answerOnce(t, m, params)
}

// bare is a model before it has been loaded.
func bare(t *testing.T, g *graph.Graph, values map[string]safetensors.Tensor) *Model {
	t.Helper()
	m := &Model{graph: g, opts: Options{Threads: 1, Device: CPU, Batch: 1, Precision: Float32}}
	m.says.Device = CPU
	var err error
	if m.adapted, err = adaptedValues(g, values); err != nil {
		t.Fatal(err)
	}
	return m
}

func answerOnce(t *testing.T, m *Model, params map[string]safetensors.Tensor) []float32 {
	t.Helper()
	s, err := m.Session(params)
	if err != nil {
		t.Fatal(err)
	}
	out := answer(t, s)
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := m.Close(); err != nil {
		t.Error(err)
	}
	return out
}

// layoutHere is what ONNX Runtime's layout is on this processor: it has blocks where it has vectors of eight floats.
func layoutHere(t *testing.T) string {
	if !cpu.X86.HasAVX {
		t.Log("no AVX: convolutions are expected to be plain")
		return Plain
	}
	return Blocked
}

// TestConvolutionsAreFollowed: in every family every convolution of a bundle is as ONNX Runtime optimises constants, and
// answers as one whose weights were inputs from the start.
func TestConvolutionsAreFollowed(t *testing.T) {
	r := runtimeOrSkip(t)
	convolutional(t, func(t *testing.T, g *graph.Graph, values, params map[string]safetensors.Tensor) {
		m, err := r.Load(g, values, Options{Threads: 1, Device: CPU, Batch: 1})
		if err != nil {
			t.Fatal(err)
		}
		if says := m.Describe(); says.Layout != layoutHere(t) || says.Fallback != "" {
			t.Errorf("it says %v", says)
		}
		if d := relative(answerOnce(t, m, params), widen(plainly(t, g, values, params))); !(d <= 1e-5) {
			t.Errorf("relative difference %.3g", d)
		}
	})
}

// TestWithoutBlocks is a processor for which ONNX Runtime has no blocks.
func TestWithoutBlocks(t *testing.T) {
	r := runtimeOrSkip(t)
	convolutional(t, func(t *testing.T, g *graph.Graph, values, params map[string]safetensors.Tensor) {
		m := bare(t, g, values)
		layout, err := m.optimise(r, values, func(o *ort.SessionOptions) error {
			return o.SetGraphOptimizationLevel(ort.GraphOptimizationLevelEnableExtended) // all but layouts
		})
		if err != nil || layout != Plain {
			t.Fatalf("layout %q, %v", layout, err)
		}
		if d := relative(answerOnce(t, m, params), widen(plainly(t, g, values, params))); !(d <= 1e-5) {
			t.Errorf("relative difference %.3g", d)
		}
	})
}

// TestConvolutionsNotFollowed: a base with a number that looks like a mark is run as before, which is said.
func TestConvolutionsNotFollowed(t *testing.T) {
	r := runtimeOrSkip(t)
	g, values, params := material(t, adaptedNetwork(t, "resnet_basic", []string{"a"}), loadGolden(t, "resnet_basic").weights)
	const name = "layer2.0.conv1.weight@layer2.0.bn1"
	v, err := values[name].Float32s()
	if err != nil {
		t.Fatal(err)
	}
	v[5] = math.MaxFloat32
	values[name] = safetensors.Float32(values[name].Shape, v)
	m, err := r.Load(g, values, Options{Threads: 1, Device: CPU, Batch: 1})
	if err != nil {
		t.Fatal(err)
	}
	if says := m.Describe(); says.Layout != Plain || !strings.Contains(says.Fallback, "has computed with") || len(m.factors) > 0 {
		t.Errorf("it says %v, with %d factors", says, len(m.factors))
	}
	if got, want := answerOnce(t, m, params), plainly(t, g, values, params); !slices.EqualFunc(got, want, sameBits) {
		t.Errorf("%v, want %v", got, want)
	}
}

// TestFolded: where a small convolution lies before an adapter's, nothing is left of the latter but its weight, and a
// bundle that overflows there is refused by name.
func TestFolded(t *testing.T) {
	r := runtimeOrSkip(t)
	n := adaptedNetwork(t, "resnet_bottleneck", []string{"a", "b"})
	n.Adapters = adapter.Placement{Middle: &adapter.Middle{}}
	g, values, params := material(t, n, loadGolden(t, "resnet_bottleneck").weights)
	m, err := r.Load(g, values, Options{Threads: 1, Device: CPU, Batch: 1})
	if err != nil {
		t.Fatal(err)
	}
	if blocks := n.Arch.Blocks(); len(m.factors) != blocks || len(m.made) != 2*blocks {
		t.Errorf("%d products and %d parameters made, want %d and %d", len(m.factors), len(m.made), blocks, 2*blocks)
	}
	const name = "adapter.layer1.0.conv2.weight"
	huge := slices.Repeat([]float32{3e38}, params[name].Len())
	params[name] = safetensors.Float32(params[name].Shape, huge)
	if _, err := m.Session(params); err == nil || !strings.Contains(err.Error(), name) || strings.Contains(err.Error(), "\n") {
		t.Errorf("error %v, want one line that names %s", err, name)
	}
	if err := m.Close(); err != nil {
		t.Error(err)
	}
}

// TestStillBundlesShareMemory: what bundles lack is in memory once.
func TestStillBundlesShareMemory(t *testing.T) {
	r := runtimeOrSkip(t)
	n := adaptedNetwork(t, "resnet_bottleneck", []string{"a"})
	n.Adapters.Middle = &adapter.Middle{}
	g, values, params := material(t, n, loadGolden(t, "resnet_bottleneck").weights)
	m, err := r.Load(g, values, Options{Threads: 1, Device: CPU, Batch: 1})
	if err != nil {
		t.Fatal(err)
	}
	var sessions []*Session
	for _, p := range []map[string]safetensors.Tensor{withZero(params, g), withZero(params, g), params} {
		s, err := m.Session(p)
		if err != nil {
			t.Fatal(err)
		}
		sessions = append(sessions, s)
	}
	at := len(m.plain) // what is made comes behind
	for i := range sessions[0].params[at:] {
		one, two, other := &sessions[0].params[at+i].GetData()[0], &sessions[1].params[at+i].GetData()[0], &sessions[2].params[at+i].GetData()[0]
		if one != two || one == other {
			t.Fatalf("input %d: two bundles of zeros share it: %v; another does: %v", i, one == two, one == other)
		}
	}
	for _, s := range sessions {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	if err := m.Close(); err != nil {
		t.Error(err)
	}
}
