package engine

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"sim2reald/model/adapter"
	"sim2reald/model/graph"
	"sim2reald/model/safetensors"
)

// adaptedNetwork is a whole policy on a golden backbone, with every adapter that its family takes.
func adaptedNetwork(t testing.TB, name string, cameras []string) adapter.Network {
	t.Helper()
	n := adapter.Network{Arch: loadGolden(t, name).arch, Cameras: cameras, Height: 64, Width: 64}
	if n.Arch.CheckSize(64, 64) != nil {
		n.Height, n.Width = 42, 28
	}
	n.Adapters = adapter.Placement{Bottom: true, Norms: n.Arch.Family() == "vit", Middle: &adapter.Middle{Width: 4}}
	n.Head = adapter.Head{In: n.FeatureLen(), Hidden: []int{16}, Out: 12, Activation: graph.GELU}
	return n
}

// material is a network as the engine takes it, with adapters that do something.
func material(t testing.TB, n adapter.Network, weights *safetensors.File) (g *graph.Graph, values, params map[string]safetensors.Tensor) {
	t.Helper()
	g, err := n.Graph()
	if err != nil {
		t.Fatal(err)
	}
	if values, err = n.Arch.Values(weights, n.Height, n.Width); err != nil {
		t.Fatal(err)
	}
	if params, err = n.Init(adapter.Start{Seed: 3}); err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(3, 0))
	for _, p := range g.Swapped() {
		if strings.HasPrefix(p.Name, adapter.Prefix) {
			v := make([]float32, p.Len())
			for i := range v {
				v[i] = float32(0.05 * rng.NormFloat64())
			}
			params[p.Name] = safetensors.Float32(p.Shape, v)
		}
	}
	return g, values, params
}

// answer runs a session on noise.
func answer(t testing.TB, s *Session) []float32 {
	t.Helper()
	for i := range s.Graph().Inputs {
		copy(s.Input(i), noise(len(s.Input(i)), uint64(i)))
	}
	if err := s.Run(); err != nil {
		t.Fatal(err)
	}
	return slices.Clone(s.Output(0))
}

// TestBaked holds the bundle as constants, which is how TensorRT gets it, to the bundle as inputs.
func TestBaked(t *testing.T) {
	const tolerance = 1e-6 // constants let the library fuse layers
	r := runtimeOrSkip(t)
	for _, name := range []string{"vit_dinov2", "resnet_bottleneck", "nfnet_plain"} {
		t.Run(name, func(t *testing.T) {
			g, values, params := material(t, adaptedNetwork(t, name, []string{"a", "b"}), loadGolden(t, name).weights)
			o := Options{Threads: 1, Device: CPU, Batch: 1}
			want := widen(answer(t, sessionWith(t, r, g, values, params, o)))
			m := &Model{graph: g, opts: o, values: values} // without a session of its own, as on TensorRT
			m.says.Device = CPU
			var err error
			if m.adapted, err = adaptedValues(g, values); err != nil {
				t.Fatal(err)
			}
			s, err := m.Session(params)
			if err != nil {
				t.Fatal(err)
			}
			if d := relative(answer(t, s), want); !(d <= tolerance) {
				t.Errorf("relative difference %.3g, at most %g", d, tolerance)
			}
			if len(s.params) != 0 || s.runner == nil {
				t.Errorf("%d parameters are inputs, none wanted", len(s.params))
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
			delete(params, "head.0.bias")
			if _, err := m.Session(params); err == nil || !strings.Contains(err.Error(), "head.0.bias") {
				t.Errorf("without a parameter: %v", err)
			}
		})
	}
}

// TestOneAtATime: sessions that share their inputs and outputs answer each for itself, and what one run leaves
// is what the other overwrites.
func TestOneAtATime(t *testing.T) {
	r := runtimeOrSkip(t)
	g, values, params := material(t, adaptedNetwork(t, "vit_dinov2", []string{"a"}), loadGolden(t, "vit_dinov2").weights)
	m, err := r.Load(g, values, Options{Threads: 1, Device: CPU, Batch: 1, OneAtATime: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	}()
	var sessions []*Session
	var want [][]float32
	for _, p := range []map[string]safetensors.Tensor{params, withZero(params, g)} {
		s, err := m.Session(p)
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}()
		sessions, want = append(sessions, s), append(want, answer(t, sessionWith(t, r, g, values, p, Options{Threads: 1, Device: CPU, Batch: 1})))
	}
	if &sessions[0].Input(0)[0] != &sessions[1].Input(0)[0] || &sessions[0].Output(0)[0] != &sessions[1].Output(0)[0] {
		t.Error("the sessions do not share their memory")
	}
	for i := range 4 {
		if got := answer(t, sessions[i%2]); !slices.Equal(got, want[i%2]) {
			t.Errorf("run %d: %v, alone %v", i, got, want[i%2])
		}
	}
}

// withZero are the same parameters with every adapter detached.
func withZero(params map[string]safetensors.Tensor, g *graph.Graph) map[string]safetensors.Tensor {
	out := adapter.Zero(g)
	for name, p := range params {
		if out[name].Data == nil {
			out[name] = p
		}
	}
	return out
}

// TestGPU runs wherever a GPU is found: every family with every adapter on the device, held to the CPU. TF32 is
// off, so the tolerance is that of float32 in another order.
func TestGPU(t *testing.T) {
	const tolerance = 1e-5
	for _, device := range []string{CUDA, TensorRT} {
		t.Run(device, func(t *testing.T) {
			r := runtimeOrSkip(t)
			if err := r.Offers(device); err != nil {
				t.Skipf("needs a GPU and its libraries: %v", err)
			}
			for _, name := range []string{"vit_dinov2", "vit_clip", "resnet_bottleneck", "nfnet_plain"} {
				t.Run(name, func(t *testing.T) {
					g, values, params := material(t, adaptedNetwork(t, name, []string{"a"}), loadGolden(t, name).weights)
					want := widen(answer(t, sessionWith(t, r, g, values, params, Options{Threads: 1, Device: CPU, Batch: 1})))
					s := sessionWith(t, r, g, values, params, Options{Threads: 1, Device: device, Batch: 1})
					if d := relative(answer(t, s), want); !(d <= tolerance) {
						t.Errorf("relative difference %.3g, at most %g", d, tolerance)
					}
					if says := s.Describe(); says.Device != device {
						t.Errorf("asked for %s, got %v", device, says)
					}
				})
			}
		})
	}
}

// TestSum: what a bundle adds is summed to the bit as it would be in the graph, where it is zero nothing is copied, and
// a sum beyond float32 is refused by its name.
func TestSum(t *testing.T) {
	base := []float32{1, -2, float32(math.Copysign(0, -1)), 4}
	if got := sum(base, make([]float32, 4)); &got[0] != &base[0] {
		t.Error("a delta of zeros is copied")
	}
	got := sum(base, []float32{0.1, 0, 0, -4})
	if want := []float32{1 + float32(0.1), -2, float32(math.Copysign(0, -1)), 0}; !slices.EqualFunc(got, want, sameBits) || base[0] != 1 {
		t.Errorf("%v and base %v, want %v", got, base, want)
	}
	m := &Model{adapted: map[string][]float32{"d": {3e38}}}
	_, err := m.inputValues(&graph.Param{Name: "d", Shape: []int{1}}, map[string]safetensors.Tensor{"d": safetensors.Float32([]int{1}, []float32{3e38})})
	if !errors.Is(err, ErrInput) || !strings.Contains(err.Error(), `"d", element 0`) {
		t.Errorf("error %v", err)
	}
}

func sameBits(a, b float32) bool { return math.Float32bits(a) == math.Float32bits(b) }
