package adapter_test

import (
	"testing"

	"sim2reald/model/engine"
	"sim2reald/model/engine/enginetest"
	"sim2reald/model/graph"
	"sim2reald/model/safetensors"
	"sim2reald/model/tape"
)

// onnxRuntime computes with ONNX Runtime.
func onnxRuntime(t *testing.T) computer {
	t.Helper()
	rt := enginetest.Open(t, "../..")
	return func(t *testing.T, g *graph.Graph, values map[string]safetensors.Tensor, pixels []float32, bundles ...map[string]safetensors.Tensor) [][]float32 {
		t.Helper()
		m, err := rt.Load(g, values, engine.Options{Threads: 1, Device: engine.CPU, Batch: 1})
		if err != nil {
			t.Fatal(err)
		}
		defer closed(t, m)
		var out [][]float32
		for _, params := range bundles {
			s, err := m.Session(params)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, ran(t, s, pixels))
			closed(t, s)
		}
		return out
	}
}

// session is a loaded network of one input and one output, of either engine.
type session interface {
	Input(i int) []float32
	Output(i int) []float32
	Run() error
}

func ran(t *testing.T, s session, pixels []float32) []float32 {
	t.Helper()
	copy(s.Input(0), pixels)
	if err := s.Run(); err != nil {
		t.Fatal(err)
	}
	return append([]float32{}, s.Output(0)...)
}

func closed(t *testing.T, c interface{ Close() error }) {
	t.Helper()
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

// gorgonia computes with Gorgonia.
func gorgonia(t *testing.T, g *graph.Graph, values map[string]safetensors.Tensor, pixels []float32, bundles ...map[string]safetensors.Tensor) [][]float32 {
	t.Helper()
	m, err := tape.Load(g, values, tape.Options{Threads: 1, Batch: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer closed(t, m)
	var out [][]float32
	for _, params := range bundles {
		s, err := m.Session(params)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, ran(t, s, pixels))
		closed(t, s)
	}
	return out
}
