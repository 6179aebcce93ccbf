package train

import (
	"math"
	"math/rand/v2"
	"testing"

	"sim2reald/model"
	"sim2reald/model/adapter"
	"sim2reald/model/backbone"
	"sim2reald/model/engine"
	"sim2reald/model/engine/enginetest"
	"sim2reald/model/graph"
	"sim2reald/model/graph/graphtest"
	"sim2reald/model/safetensors"
)

// What was trained is what runs: Gorgonia and ONNX Runtime, lowered from one graph, agree to 1e-5 of the
// largest action. Both sum 768 products in float32, in different orders.
func TestHeadParityWithONNXRuntime(t *testing.T) {
	rt := enginetest.Open(t, "../..")
	for _, activation := range []graph.Op{graph.ReLU, graph.GELU} {
		n := testNetwork(t, adapter.Head{In: 768, Hidden: []int{256, 256}, Out: 8, Activation: activation})
		const rows = 16
		o := testObjective(t, n, rows, true)
		if _, err := o.Run(); err != nil {
			t.Fatal(err)
		}
		m, err := rt.Load(n.graph, nil, engine.Options{Threads: 1, Device: engine.CPU, Batch: rows})
		if err != nil {
			t.Fatal(err)
		}
		s, err := m.Session(tensors(n.graph, n.live))
		if err != nil {
			t.Fatal(err)
		}
		copy(s.Input(0), o.Input(0))
		if err := s.Run(); err != nil {
			t.Fatal(err)
		}
		diff, size := 0.0, 0.0
		for i, y := range o.Output() {
			diff = max(diff, math.Abs(float64(y-s.Output(0)[i])))
			size = max(size, math.Abs(float64(y)))
		}
		t.Logf("%s: largest difference %.2g of %.2g", activation, diff, size)
		if !(diff <= 1e-5*size) || size == 0 {
			t.Fatalf("%s: differ by %g of %g", activation, diff, size)
		}
		for _, c := range []interface{ Close() error }{s, m} {
			if err := c.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// tinyNetwork is a vision transformer with random weights.
func tinyNetwork(t *testing.T) (adapter.Network, *safetensors.File) {
	t.Helper()
	arch, err := backbone.Parse([]byte(testArch))
	if err != nil {
		t.Fatal(err)
	}
	net := adapter.Network{Arch: arch, Cameras: []string{"front"}, Height: 28, Width: 28}
	g, err := net.Features()
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(6, 6))
	f := &safetensors.File{Tensors: map[string]safetensors.Tensor{}}
	for _, p := range g.Params {
		v := make([]float32, p.Len())
		fill(r, v)
		f.Tensors[p.Name] = safetensors.Float32(p.Shape, v)
	}
	return net, f
}

func TestEngineSourceComputesEachRow(t *testing.T) {
	rt := enginetest.Open(t, "../..")
	net, file := tinyNetwork(t)
	s, err := NewEngineSource(rt, net, file, engine.CPU, 4)
	if err != nil {
		t.Fatal(err)
	}
	x, err := s.Extractor()
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := x.Close(); err != nil {
			t.Error(err)
		}
	}()
	r := rand.New(rand.NewPCG(7, 7))
	var obs []*model.Observation
	for range 3 {
		picture := make([]float32, 3*28*28)
		fill(r, picture)
		obs = append(obs, &model.Observation{Images: [][]float32{picture}})
	}
	out := make([]float32, 3*s.Len())
	if err := x.Extract(obs, out); err != nil {
		t.Fatal(err)
	}
	g, err := net.Features()
	if err != nil {
		t.Fatal(err)
	}
	for k, o := range obs {
		picture := make([]float64, len(o.Images[0]))
		for i, v := range o.Images[0] {
			picture[i] = float64(v)
		}
		want, err := graphtest.Run(g, map[string][]float64{"image.front": picture}, file.Tensors)
		if err != nil {
			t.Fatal(err)
		}
		for i, y := range want[0] {
			if math.Abs(float64(out[k*s.Len()+i])-y) > 1e-4 {
				t.Fatalf("observation %d, feature %d: %g, want %g", k, i, out[k*s.Len()+i], y)
			}
		}
	}
	if err := x.Extract(make([]*model.Observation, 5), nil); err == nil {
		t.Fatal("more than a batch was accepted")
	}
}
