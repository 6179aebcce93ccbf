package tape

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"sim2reald/model/graph"
	"sim2reald/model/graph/graphtest"
	"sim2reald/model/safetensors"
)

// kind makes a parameter frozen, trained, or frozen with a trained delta, so that every case runs as all.
type kind func(b *graph.Builder, name string, shape ...int) *graph.Param

func frozen(b *graph.Builder, name string, shape ...int) *graph.Param {
	return b.Frozen(name, shape...)
}

func trained(b *graph.Builder, name string, shape ...int) *graph.Param {
	return b.Trained(name, shape...)
}

func adapted(b *graph.Builder, name string, shape ...int) *graph.Param {
	p := b.Frozen(name, shape...)
	b.Adapt(p, "delta."+name)
	return p
}

// layerCase is one layer behind x, whose shape is in.
type layerCase struct {
	name  string
	in    []int
	build func(b *graph.Builder, p kind, x *graph.Node) *graph.Node
}

// layerCases hold every op, in the shapes that its kernels tell apart.
func layerCases() []layerCase {
	type B = *graph.Builder
	type N = *graph.Node
	conv := func(out, groups, kh, kw, stride int, pad graph.Pad, bias bool) func(B, kind, N) N {
		return func(b B, p kind, x N) N {
			var v *graph.Param
			if bias {
				v = p(b, "b", out)
			}
			return b.Conv("n", x, p(b, "w", out, x.Shape[0]/groups, kh, kw), v, stride, groups, pad)
		}
	}
	activate := func(op graph.Op) func(B, kind, N) N {
		return func(b B, _ kind, x N) N { return b.Activate("n", op, x) }
	}
	return []layerCase{
		{"patch embed", []int{3, 8, 12}, func(b B, p kind, x N) N {
			return b.PatchEmbed("n", x, p(b, "w", 10, 3, 4, 4), p(b, "b", 10), 4)
		}},
		{"patch embed without bias", []int{3, 28, 14}, func(b B, p kind, x N) N {
			return b.PatchEmbed("n", x, p(b, "w", 5, 3, 14, 14), nil, 14)
		}},
		{"prepend", []int{6, 5}, func(b B, p kind, x N) N { return b.Prepend("n", x, p(b, "w", 1, 2, 5)) }},
		{"position", []int{6, 5}, func(b B, p kind, x N) N { return b.Position("n", x, p(b, "w", 1, 6, 5)) }},
		{"layer norm", []int{6, 37}, func(b B, p kind, x N) N { return b.LayerNorm("n", x, p(b, "w", 37), p(b, "b", 37), 1e-6) }},
		{"layer norm of 7", []int{7}, func(b B, p kind, x N) N { return b.LayerNorm("n", x, p(b, "w", 7), p(b, "b", 7), 1e-2) }},
		{"layer norm of a map", []int{2, 3, 9}, func(b B, p kind, x N) N { return b.LayerNorm("n", x, p(b, "w", 9), p(b, "b", 9), 1e-6) }},
		{"linear", []int{6, 5}, func(b B, p kind, x N) N { return b.Linear("n", x, p(b, "w", 7, 5), p(b, "b", 7)) }},
		{"linear on a vector", []int{5}, func(b B, p kind, x N) N { return b.Linear("n", x, p(b, "w", 33, 5), nil) }},
		{"linear on a map", []int{2, 3, 5}, func(b B, p kind, x N) N { return b.Linear("n", x, p(b, "w", 7, 5), p(b, "b", 7)) }},
		{"linear to one", []int{5}, func(b B, p kind, x N) N { return b.Linear("n", x, p(b, "w", 1, 5), p(b, "b", 1)) }},
		{"linear large", []int{50, 96}, func(b B, p kind, x N) N { return b.Linear("n", x, p(b, "w", 72, 96), p(b, "b", 72)) }},
		{"attention", []int{7, 36}, func(b B, _ kind, x N) N { return b.Attention("n", x, 3) }},
		{"attention of one head", []int{17, 30}, func(b B, _ kind, x N) N { return b.Attention("n", x, 1) }},
		{"attention to itself", []int{1, 12}, func(b B, _ kind, x N) N { return b.Attention("n", x, 2) }},
		{"scale", []int{6, 9}, func(b B, p kind, x N) N { return b.Scale("n", x, p(b, "w", 9)) }},
		{"scale of a map", []int{2, 3, 9}, func(b B, p kind, x N) N { return b.Scale("n", x, p(b, "w", 9)) }},
		{"add", []int{6, 5}, func(b B, p kind, x N) N { return b.Add("n", x, b.Activate("a", graph.GELU, x)) }},
		{"add to itself", []int{6, 5}, func(b B, p kind, x N) N { return b.Add("n", x, x) }},
		{"gelu", []int{6, 13}, activate(graph.GELU)},
		{"quick gelu", []int{6, 13}, activate(graph.QuickGELU)},
		{"relu", []int{6, 13}, activate(graph.ReLU)},
		{"sigmoid", []int{6, 13}, activate(graph.Sigmoid)},
		{"gelu of a map", []int{3, 5, 4}, activate(graph.GELU)},
		{"gain", []int{6, 13}, func(b B, _ kind, x N) N { return b.Gain("n", x, -1.7) }},
		{"tokens", []int{6, 5}, func(b B, _ kind, x N) N { return b.Tokens("n", x, 1, 5) }},
		{"token", []int{6, 5}, func(b B, _ kind, x N) N { return b.Token("n", x, 5) }},
		{"mean of tokens", []int{6, 70}, func(b B, _ kind, x N) N { return b.MeanTokens("n", x) }},
		{"concat", []int{6, 5}, func(b B, _ kind, x N) N {
			return b.Concat("n", b.Token("a", x, 2), b.MeanTokens("m", x), b.Token("z", x, 2))
		}},
		{"standardise", []int{4, 9}, func(b B, _ kind, x N) N { return b.Standardise("n", x, b.Fitted("mean", 9), b.Fitted("std", 9)) }},
		{"conv 1x1", []int{6, 5, 4}, conv(8, 1, 1, 1, 1, graph.Pad{}, true)},
		{"conv 1x1 stride 2", []int{6, 5, 4}, conv(8, 1, 1, 1, 2, graph.Pad{}, false)},
		{"conv 1x1 grouped", []int{6, 5, 4}, conv(9, 3, 1, 1, 1, graph.Pad{}, true)},
		{"conv 3x3", []int{4, 6, 5}, conv(8, 1, 3, 3, 1, graph.Around(1), true)},
		{"conv 3x3 stride 2", []int{4, 7, 6}, conv(5, 1, 3, 3, 2, graph.Around(1), true)},
		{"conv 3x3 grouped", []int{6, 6, 5}, conv(4, 2, 3, 3, 1, graph.Around(1), false)},
		{"conv 3x3 depthwise", []int{5, 6, 5}, conv(5, 5, 3, 3, 2, graph.Around(1), true)},
		{"conv 3x3 to one side", []int{4, 6, 7}, conv(3, 1, 3, 3, 2, graph.Pad{Bottom: 1, Right: 1}, true)},
		{"conv 7x7 stride 2", []int{3, 13, 14}, conv(8, 1, 7, 7, 2, graph.Around(3), true)},
		{"conv 2x3 unequal", []int{2, 5, 6}, conv(3, 1, 2, 3, 1, graph.Pad{Top: 2, Left: 1, Bottom: 0, Right: 3}, true)},
		{"conv of the whole map", []int{3, 4, 5}, conv(6, 1, 4, 5, 1, graph.Pad{}, true)},
		{"max pool", []int{5, 9, 8}, func(b B, _ kind, x N) N { return b.MaxPool("n", x, 3, 2, graph.Around(1)) }},
		{"max pool to one side", []int{3, 6, 7}, func(b B, _ kind, x N) N { return b.MaxPool("n", x, 3, 2, graph.Pad{Bottom: 1, Right: 1}) }},
		{"average pool", []int{5, 8, 6}, func(b B, _ kind, x N) N { return b.AvgPool("n", x, 2, 2) }},
		{"average pool over the edge", []int{70, 7, 5}, func(b B, _ kind, x N) N { return b.AvgPool("n", x, 2, 2) }},
		{"average pool 3 by 1", []int{2, 7, 5}, func(b B, _ kind, x N) N { return b.AvgPool("n", x, 3, 1) }},
		{"mean of map", []int{5, 3, 4}, func(b B, _ kind, x N) N { return b.MeanMap("n", x) }},
		{"gate", []int{5, 3, 4}, func(b B, _ kind, x N) N { return b.Gate("n", x, b.Activate("s", graph.Sigmoid, b.MeanMap("m", x))) }},
		{"product with its tail", []int{6, 5}, func(b B, p kind, x N) N {
			y := b.Activate("a", graph.GELU, b.Linear("l", x, p(b, "w", 5, 5), p(b, "b", 5)))
			return b.Activate("r", graph.ReLU, b.Add("n", x, b.Scale("s", y, p(b, "g", 5))))
		}},
		{"two products that meet", []int{6, 5, 4}, func(b B, p kind, x N) N {
			y := b.Conv("c", x, p(b, "w", 8, 6, 3, 3), p(b, "b", 8), 2, 1, graph.Around(1))
			z := b.Conv("d", x, p(b, "v", 8, 6, 1, 1), nil, 2, 1, graph.Pad{})
			return b.Activate("r", graph.ReLU, b.Add("n", y, z))
		}},
		{"product read twice", []int{6, 5}, func(b B, p kind, x N) N {
			y := b.Linear("l", x, p(b, "w", 5, 5), nil)
			return b.Add("n", b.Activate("a", graph.GELU, y), y)
		}},
	}
}

// largeCases go beyond what a kernel takes at a time: rows, numbers of a sum, windows, queries.
func largeCases() []layerCase {
	type B = *graph.Builder
	type N = *graph.Node
	return []layerCase{
		{"linear of many rows", []int{503, 401}, func(b B, p kind, x N) N { return b.Linear("n", x, p(b, "w", 37, 401), p(b, "b", 37)) }},
		{"conv of two pieces", []int{130, 9, 9}, func(b B, p kind, x N) N {
			return b.Conv("n", x, p(b, "w", 17, 130, 3, 3), p(b, "b", 17), 1, 1, graph.Around(1))
		}},
		{"conv of wide pieces", []int{400, 5, 5}, func(b B, p kind, x N) N {
			return b.Conv("n", x, p(b, "w", 16, 400, 3, 3), nil, 2, 1, graph.Around(1))
		}},
		{"conv of many windows", []int{3, 24, 24}, func(b B, p kind, x N) N {
			return b.Conv("n", x, p(b, "w", 8, 3, 7, 7), p(b, "b", 8), 1, 1, graph.Around(3))
		}},
		{"conv of a large window", []int{1, 40, 40}, func(b B, p kind, x N) N {
			return b.Conv("n", x, p(b, "w", 2, 1, 24, 24), p(b, "b", 2), 1, 1, graph.Pad{})
		}},
		{"conv of several tiles", []int{64, 31, 31}, func(b B, p kind, x N) N {
			return b.Conv("n", x, p(b, "w", 4, 64, 3, 3), p(b, "b", 4), 1, 1, graph.Around(1))
		}},
		{"patches of several tiles", []int{3, 160, 128}, func(b B, p kind, x N) N {
			return b.PatchEmbed("n", x, p(b, "w", 4, 3, 4, 4), p(b, "b", 4), 4)
		}},
		{"attention of many", []int{131, 48}, func(b B, _ kind, x N) N { return b.Attention("n", x, 2) }},
	}
}

// randomValues draws every parameter: normal, deviations near one.
func randomValues(g *graph.Graph, r *rand.Rand) map[string]safetensors.Tensor {
	out := map[string]safetensors.Tensor{}
	for _, p := range g.Params {
		v := normal(r, p.Len())
		for i := range v {
			if v[i] *= 0.5; p.Name == "std" || p.Name == "head.std" {
				v[i] = 1 + v[i]*v[i]
			}
		}
		out[p.Name] = safetensors.Float32(p.Shape, v)
	}
	return out
}

func normal(r *rand.Rand, n int) []float32 {
	out := make([]float32, n)
	for i := range out {
		out[i] = float32(r.NormFloat64())
	}
	return out
}

func widen(v []float32) []float64 {
	out := make([]float64, len(v))
	for i, x := range v {
		out[i] = float64(x)
	}
	return out
}

// reference evaluates the batch by the naive float64 evaluation, output by output.
func reference(t testing.TB, g *graph.Graph, batch int, inputs [][]float32, values map[string]safetensors.Tensor) [][]float64 {
	t.Helper()
	out := make([][]float64, len(g.Outputs))
	for b := range batch {
		in := map[string][]float64{}
		for i, n := range g.Inputs {
			size := len(inputs[i]) / batch
			in[n.Name] = widen(inputs[i][b*size : (b+1)*size])
		}
		one, err := graphtest.Run(g, in, values)
		if err != nil {
			t.Fatal(err)
		}
		for i := range out {
			out[i] = append(out[i], one[i]...)
		}
	}
	return out
}

// relative is the largest difference over the largest magnitude of want.
func relative(got []float32, want []float64) float64 {
	if len(got) != len(want) {
		return math.Inf(1)
	}
	diff, size := 0.0, 0.0
	for i, w := range want {
		if d := math.Abs(float64(got[i]) - w); !(d <= diff) {
			diff = d
		}
		size = max(size, math.Abs(w))
	}
	if math.IsNaN(diff) {
		return math.Inf(1)
	}
	return diff / size
}

// build closes a case's graph; behind puts x behind something else.
func (c layerCase) graph(t testing.TB, p kind, behind func(b *graph.Builder, x *graph.Node) *graph.Node) *graph.Graph {
	t.Helper()
	b := graph.NewBuilder()
	g, err := b.Build(c.build(b, p, behind(b, b.Input("x", slices.Clone(c.in)...))))
	if err != nil {
		t.Fatal(err)
	}
	return g
}
