package tape

import (
	"math"
	"testing"

	"sim2reald/model/graph"
)

// The activations are exact to 3e-7 of their size, or to 1e-7 where they are near nothing, over the whole line.
func TestActivationsOverTheLine(t *testing.T) {
	exact := map[graph.Op]func(float64) float64{
		graph.GELU:      func(x float64) float64 { return 0.5 * x * math.Erfc(-x/math.Sqrt2) },
		graph.QuickGELU: func(x float64) float64 { return x / (1 + math.Exp(-1.702*x)) },
		graph.Sigmoid:   func(x float64) float64 { return 1 / (1 + math.Exp(-x)) },
		graph.ReLU:      func(x float64) float64 { return max(x, 0) },
	}
	for op, f := range exact {
		b := graph.NewBuilder()
		g, err := b.Build(b.Activate("y", op, b.Input("x", 80001)))
		if err != nil {
			t.Fatal(err)
		}
		s := session(t, g, nil, Options{1, 1})
		for i := range s.Input(0) {
			s.Input(0)[i] = float32(i-40000) / 2000
		}
		if err := s.Run(); err != nil {
			t.Fatal(err)
		}
		worst, at := 0.0, float32(0)
		for i, x := range s.Input(0) {
			want := f(float64(x))
			if d := math.Abs(float64(s.Output(0)[i])-want) / (math.Abs(want) + 0.1); d > worst {
				worst, at = d, x
			}
		}
		t.Logf("%s: %.2g at %g", op, worst, at)
		if !(worst <= 4e-7) {
			t.Errorf("%s: off by %.2g at %g", op, worst, at)
		}
	}
}

// What is not a number, or infinite, stays visible.
func TestActivationsPassNotANumber(t *testing.T) {
	for _, op := range []graph.Op{graph.GELU, graph.QuickGELU, graph.Sigmoid, graph.ReLU} {
		b := graph.NewBuilder()
		g, err := b.Build(b.Activate("y", op, b.Input("x", 11)))
		if err != nil {
			t.Fatal(err)
		}
		s := session(t, g, nil, Options{1, 1})
		for i, v := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
			s.Input(0)[i], s.Input(0)[8+i] = float32(v), float32(v)
		}
		if err := s.Run(); err != nil {
			t.Fatal(err)
		}
		y := s.Output(0)
		if y[0] == y[0] || y[8] == y[8] {
			t.Errorf("%s of NaN is %g and %g", op, y[0], y[8])
		}
		if op != graph.Sigmoid && !math.IsInf(float64(y[1]), 1) {
			t.Errorf("%s of infinity is %g", op, y[1])
		}
	}
}
