package serving

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"sim2reald/model"
	"sim2reald/model/adapter"
	"sim2reald/model/backbone"
	"sim2reald/model/engine"
	"sim2reald/model/engine/enginetest"
	"sim2reald/model/graph"
	"sim2reald/model/safetensors"
	"sim2reald/model/tape"
)

// onnx opens ONNX Runtime until the test's end as an engine of serving, or skips and says what is missing.
func onnx(t testing.TB, o engine.Options) Engine {
	t.Helper()
	r := enginetest.Open(t, "../..")
	o.Batch, o.OneAtATime = 1, true
	return Loader(func(g *graph.Graph, values map[string]safetensors.Tensor) (*engine.Model, error) {
		return r.Load(g, values, o)
	})
}

// gorgonia is the other engine.
func gorgonia() Engine {
	return Loader(func(g *graph.Graph, values map[string]safetensors.Tensor) (*tape.Model, error) {
		return tape.Load(g, values, tape.Options{Threads: 1, Batch: 1})
	})
}

// onBoth runs a test on both engines.
func onBoth(t *testing.T, f func(t *testing.T, e Engine)) {
	t.Run("onnxruntime", func(t *testing.T) { f(t, onnx(t, cpu())) })
	t.Run("gorgonia", func(t *testing.T) { f(t, gorgonia()) })
}

func cpu() engine.Options { return engine.Options{Threads: 1, Device: engine.CPU} }

func closed(t testing.TB, c interface{ Close() error }) {
	t.Helper()
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

// tiny is a small backbone that is in the repository, with its weights.
type tiny struct {
	arch    backbone.Arch
	weights *safetensors.File
	side    int
}

func loadTiny(t testing.TB, name string) tiny {
	t.Helper()
	path := filepath.Join("..", "backbone", "testdata", name)
	text, err := os.ReadFile(path + ".arch.json")
	if err != nil {
		t.Fatal(err)
	}
	arch, err := backbone.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	f, err := safetensors.ReadFile(path+".safetensors", safetensors.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	side := 64
	if arch.CheckSize(side, side) != nil {
		side = 42
	}
	return tiny{arch, f, side}
}

// network has two cameras and a head of its own.
func (y tiny) network(p adapter.Placement, hidden ...int) adapter.Network {
	n := adapter.Network{Arch: y.arch, Adapters: p, Cameras: []string{"wrist", "front"}, Height: y.side, Width: y.side}
	n.Head = adapter.Head{In: n.FeatureLen(), Hidden: hidden, Out: 12, Activation: graph.GELU}
	return n
}

func graphOf(t testing.TB, n adapter.Network) *graph.Graph {
	t.Helper()
	g, err := n.Graph()
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// open opens the base for all of the placements.
func (y tiny) open(t testing.TB, e Engine, o Options, placements ...adapter.Placement) *Base {
	t.Helper()
	union, err := Union(placements...)
	if err != nil {
		t.Fatal(err)
	}
	values, err := y.arch.Values(y.weights, y.side, y.side)
	if err != nil {
		t.Fatal(err)
	}
	b, err := Open(e, graphOf(t, y.network(union)), values, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closed(t, b) })
	return b
}

// trained are parameters that change something, as training would leave them.
func trained(t testing.TB, n adapter.Network, seed uint64) map[string]safetensors.Tensor {
	t.Helper()
	out, err := n.Init(adapter.Start{Seed: seed})
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(seed, 1))
	for _, p := range graphOf(t, n).Swapped() {
		if len(p.Name) < len(adapter.Prefix) || p.Name[:len(adapter.Prefix)] != adapter.Prefix {
			continue
		}
		v := make([]float32, p.Len())
		for i := range v {
			v[i] = float32(0.05 * rng.NormFloat64())
		}
		out[p.Name] = safetensors.Float32(p.Shape, v)
	}
	return out
}

func add(t testing.TB, b *Base, n adapter.Network, params map[string]safetensors.Tensor) *Policy {
	t.Helper()
	r, err := b.Add(graphOf(t, n), params)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closed(t, r) })
	p, err := NewPolicy(r, 3, 4)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// observation is noise of the network's sizes.
func observation(n adapter.Network, seed uint64) *model.Observation {
	rng := rand.New(rand.NewPCG(seed, 2))
	draw := func(size int) []float32 {
		v := make([]float32, size)
		for i := range v {
			v[i] = float32(rng.NormFloat64())
		}
		return v
	}
	obs := &model.Observation{}
	for range n.Cameras {
		obs.Images = append(obs.Images, draw(3*n.Height*n.Width))
	}
	if n.Proprio > 0 {
		obs.Proprio = draw(n.Proprio)
	}
	return obs
}

// unsplit runs the whole network in one piece, without anything of this package.
func unsplit(t testing.TB, e Engine, y tiny, n adapter.Network, params map[string]safetensors.Tensor, obs *model.Observation) []float32 {
	t.Helper()
	values, err := y.arch.Values(y.weights, y.side, y.side)
	if err != nil {
		t.Fatal(err)
	}
	m, err := e.Load(graphOf(t, n), values)
	if err != nil {
		t.Fatal(err)
	}
	defer closed(t, m)
	s, err := m.Session(params)
	if err != nil {
		t.Fatal(err)
	}
	defer closed(t, s)
	for i, pixels := range obs.Images {
		copy(s.Input(i), pixels)
	}
	if len(obs.Proprio) > 0 {
		copy(s.Input(len(obs.Images)), obs.Proprio)
	}
	if err := s.Run(); err != nil {
		t.Fatal(err)
	}
	return append([]float32{}, s.Output(0)...)
}
