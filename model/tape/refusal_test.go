package tape

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"sim2reald/model/graph"
	"sim2reald/model/safetensors"
)

// Bad options, parameters and uses are errors that name the thing.
func TestRefusals(t *testing.T) {
	g := policyGraph(t)
	good := randomValues(g, rand.New(rand.NewPCG(1, 1)))
	with := func(name string, tensor safetensors.Tensor) map[string]safetensors.Tensor {
		values := map[string]safetensors.Tensor{}
		for k, v := range good {
			values[k] = v
		}
		values[name] = tensor
		return values
	}
	nan := float32(math.NaN())
	for name, load := range map[string]func() error{
		"no threads":   func() error { _, err := Load(g, good, Options{0, 1}); return err },
		"many threads": func() error { _, err := Load(g, good, Options{257, 1}); return err },
		"no batch":     func() error { _, err := Load(g, good, Options{1, 0}); return err },
		"huge batch":   func() error { _, err := Load(g, good, Options{1, 5000}); return err },
		"no values":    func() error { _, err := Load(g, nil, Options{1, 1}); return err },
		"frozen shape": func() error { _, err := Load(g, with("w", good["bias"]), Options{1, 1}); return err },
		"frozen dtype": func() error {
			_, err := Load(g, with("bias", safetensors.Int64([]int{16}, make([]int64, 16))), Options{1, 1})
			return err
		},
		"frozen bytes": func() error {
			_, err := Load(g, with("bias", safetensors.Tensor{DType: safetensors.F32, Shape: []int{16}}), Options{1, 1})
			return err
		},
		"live missing": func() error { _, err := NewObjective(onlyFirst(t, g), good, nil, Options{1, 1}, true); return err },
		"too large": func() error {
			b := graph.NewBuilder()
			huge, err := b.Build(b.Activate("y", graph.ReLU, b.Input("x", 1<<30)))
			if err != nil {
				t.Fatal(err)
			}
			_, err = Load(huge, nil, Options{1, 4096})
			return err
		},
		"two objective": func() error { _, err := NewObjective(g, good, nil, Options{1, 1}, true); return err },
	} {
		if err := load(); err == nil {
			t.Errorf("%s was accepted", name)
		} else {
			t.Logf("%s: %v", name, err)
		}
	}
	m, err := Load(g, good, Options{1, 1})
	if err != nil {
		t.Fatal(err)
	}
	for name, values := range map[string]map[string]safetensors.Tensor{
		"bundle missing":    nil,
		"bundle shape":      with("head.b", good["bias"]),
		"bundle not finite": with("head.b", safetensors.Float32([]int{5}, []float32{0, 0, nan, 0, 0})),
		"delta not finite":  with("delta.w", safetensors.Float32([]int{16, 3, 3, 3}, slices.Repeat([]float32{nan}, 432))),
	} {
		if _, err := m.Session(values); !errors.Is(err, ErrInput) {
			t.Errorf("%s: error %v, want ErrInput", name, err)
		}
	}
	s, err := m.Session(good)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.Run(), m.Close(), m.Close()); err != nil {
		t.Fatal(err)
	}
	if err := s.Run(); !errors.Is(err, ErrInput) {
		t.Errorf("running on a closed model: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := s.Run(); !errors.Is(err, ErrInput) {
		t.Errorf("running a closed session: %v", err)
	}
}

func onlyFirst(t testing.TB, g *graph.Graph) *graph.Graph {
	t.Helper()
	one := *g
	one.Outputs = g.Outputs[:1]
	return &one
}
