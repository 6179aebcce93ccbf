package graphtest

import (
	"math"
	"testing"

	"sim2reald/model/graph"
	"sim2reald/model/safetensors"
)

// TestByHand holds the reference itself to sums done by hand; whole networks are held to timm in
// model/backbone.
func TestByHand(t *testing.T) {
	const e = math.E
	x := []float64{1, 2, 3, 4, 5, 6} // one channel of 2x3
	for _, c := range []struct {
		name  string
		build func(b *graph.Builder, x *graph.Node) *graph.Node
		want  []float64
	}{
		{"convolution, moving by 2 over zeros on the left and above", func(b *graph.Builder, x *graph.Node) *graph.Node {
			return b.Conv("n", x, b.Frozen("w", 1, 1, 2, 2), b.Frozen("b", 1), 2, 1, graph.Pad{Top: 1, Left: 1})
		}, []float64{100 + 1000, 100 + 100*2 + 1000*3}}, // bias 100; the weight is 1, 10, 100, 1000
		{"convolution in groups", func(b *graph.Builder, x *graph.Node) *graph.Node {
			both := b.Conv("both", x, b.Frozen("double", 2, 1, 1, 1), nil, 1, 1, graph.Pad{})
			return b.Conv("n", both, b.Frozen("double2", 2, 1, 1, 1), nil, 1, 2, graph.Pad{})
		}, []float64{1, 2, 3, 4, 5, 6, 100, 200, 300, 400, 500, 600}},
		{"max pool", func(b *graph.Builder, x *graph.Node) *graph.Node {
			return b.MaxPool("n", b.Gain("minus", x, -1), 3, 2, graph.Around(1))
		}, []float64{-1, -2}},
		{"average pool over the edge", func(b *graph.Builder, x *graph.Node) *graph.Node {
			return b.AvgPool("n", x, 2, 2)
		}, []float64{3, 4.5}},
		{"mean and gate", func(b *graph.Builder, x *graph.Node) *graph.Node {
			return b.Gate("n", x, b.MeanMap("m", x))
		}, []float64{3.5, 7, 10.5, 14, 17.5, 21}},
		{"sigmoid", func(b *graph.Builder, x *graph.Node) *graph.Node {
			return b.Activate("n", graph.Sigmoid, x)
		}, []float64{e / (e + 1), e * e / (e*e + 1), math.Pow(e, 3) / (math.Pow(e, 3) + 1), math.Pow(e, 4) / (math.Pow(e, 4) + 1),
			math.Pow(e, 5) / (math.Pow(e, 5) + 1), math.Pow(e, 6) / (math.Pow(e, 6) + 1)}},
		{"delta", func(b *graph.Builder, x *graph.Node) *graph.Node {
			w := b.Frozen("w", 1, 1, 2, 2)
			b.Adapt(w, "delta")
			return b.Conv("n", x, w, nil, 1, 1, graph.Pad{})
		}, []float64{1 + 20 + 400 + 5000 - 12, 2 + 30 + 500 + 6000 - 16}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := graph.NewBuilder()
			g, err := b.Build(c.build(b, b.Input("x", 1, 2, 3)))
			if err != nil {
				t.Fatal(err)
			}
			got, err := Run(g, map[string][]float64{"x": x}, map[string]safetensors.Tensor{
				"w":       safetensors.Float64([]int{1, 1, 2, 2}, []float64{1, 10, 100, 1000}),
				"delta":   safetensors.Float64([]int{1, 1, 2, 2}, []float64{-1, -1, -1, -1}),
				"b":       safetensors.Float64([]int{1}, []float64{100}),
				"double":  safetensors.Float64([]int{2, 1, 1, 1}, []float64{1, 10}),
				"double2": safetensors.Float64([]int{2, 1, 1, 1}, []float64{1, 10}),
			})
			if err != nil {
				t.Fatal(err)
			}
			for i, w := range c.want {
				if len(got[0]) != len(c.want) || math.Abs(got[0][i]-w) > 1e-12 {
					t.Fatalf("got %v, want %v", got[0], c.want)
				}
			}
		})
	}
}
