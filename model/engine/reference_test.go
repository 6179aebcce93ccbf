package engine

import (
	"fmt"
	"testing"

	"sim2reald/model/adapter"
	"sim2reald/model/backbone"
	"sim2reald/model/graph"
	"sim2reald/model/graph/graphtest"
	"sim2reald/model/safetensors"
)

// randomValues draws every parameter of g: normal, deviations and gains near one.
func randomValues(g *graph.Graph) map[string]safetensors.Tensor {
	out := map[string]safetensors.Tensor{}
	for i, p := range g.Params {
		v := noise(p.Len(), uint64(i))
		for k := range v {
			v[k] *= 0.2
			if p.Name == "head.std" {
				v[k] = 1 + v[k]*v[k]
			}
		}
		out[p.Name] = safetensors.Float32(p.Shape, v)
	}
	return out
}

// variants are networks that timm's goldens do not reach: registers, other picture sizes, batches, cameras.
func variants(t *testing.T) map[string]*graph.Graph {
	vit := func(change func(*backbone.ViT)) backbone.Arch {
		v := &backbone.ViT{FamilyName: "vit", ImageSize: 32, PatchSize: 8, Width: 24, Depth: 2, Heads: 3,
			MLPRatio: 2, Pool: "token", Activation: "gelu", NormEpsilon: 1e-6}
		change(v)
		return v
	}
	network := func(n adapter.Network, act graph.Op) *graph.Graph {
		n.Head = adapter.Head{In: n.FeatureLen(), Hidden: []int{10}, Out: 6, Activation: act}
		g, err := n.Graph()
		if err != nil {
			t.Fatal(err)
		}
		return g
	}
	registers := vit(func(v *backbone.ViT) { v.RegisterTokens, v.LayerScale = 2, true })
	average := vit(func(v *backbone.ViT) { v.Pool, v.Activation = "avg", "quick_gelu" })
	clip := vit(func(v *backbone.ViT) { v.PreNorm = true })
	return map[string]*graph.Graph{
		"registers": network(adapter.Network{Arch: registers, Cameras: []string{"a"}, Height: 24, Width: 40}, graph.GELU),
		"average":   network(adapter.Network{Arch: average, Cameras: []string{"a"}, Height: 32, Width: 32}, graph.ReLU),
		"two cameras and proprioception": network(adapter.Network{Arch: clip, Cameras: []string{"a", "b"},
			Height: 16, Width: 8, Proprio: 3}, graph.GELU),
	}
}

// TestReference holds the lowering to the naive evaluation, op by op in whole networks. Tolerance: float32
// against float64 through two blocks and a head, see TestGoldens.
func TestReference(t *testing.T) {
	const tolerance = 3e-6
	r := runtimeOrSkip(t)
	for name, g := range variants(t) {
		for _, batch := range []int{1, 3} {
			t.Run(fmt.Sprintf("%s, batch %d", name, batch), func(t *testing.T) {
				holdToReference(t, r, g, batch, tolerance)
			})
		}
	}
}

// example is the k-th example of a session's inputs, by name.
func example(s *Session, k int) map[string][]float64 {
	out := map[string][]float64{}
	for i, n := range s.model.graph.Inputs {
		out[n.Name] = widen(slice(s.Input(i), s.Batch(), k))
	}
	return out
}

func slice(v []float32, batch, k int) []float32 {
	n := len(v) / batch
	return v[k*n : (k+1)*n]
}

// TestLayers holds single layers on maps to the naive evaluation, on shapes that no backbone has; whatever a layer
// takes from the base has a delta of the bundle on top. Tolerance: sums of up to 54 float32 products.
func TestLayers(t *testing.T) {
	const tolerance = 1e-6
	r := runtimeOrSkip(t)
	adapted := func(b *graph.Builder, name string, shape ...int) *graph.Param {
		p := b.Frozen(name, shape...)
		b.Adapt(p, "delta."+name)
		return p
	}
	conv := func(stride, groups int, pad graph.Pad, shape ...int) func(*graph.Builder) *graph.Node {
		return func(b *graph.Builder) *graph.Node {
			return b.Conv("n", b.Input("x", 6, 9, 8), adapted(b, "w", shape...), adapted(b, "b", shape[0]), stride, groups, pad)
		}
	}
	for name, build := range map[string]func(b *graph.Builder) *graph.Node{
		"convolution":          conv(1, 1, graph.Pad{}, 5, 6, 1, 1),
		"convolution, strides": conv(2, 1, graph.Around(1), 5, 6, 3, 3),
		"convolution, groups":  conv(1, 3, graph.Around(2), 9, 2, 3, 5),
		"convolution, uneven":  conv(3, 2, graph.Pad{Top: 0, Left: 2, Bottom: 1, Right: 3}, 4, 3, 2, 4),
		"depthwise":            conv(2, 6, graph.Pad{Bottom: 1, Right: 1}, 12, 1, 3, 3),
		"convolution without bias": func(b *graph.Builder) *graph.Node {
			return b.Conv("n", b.Input("x", 6, 9, 8), b.Trained("w", 5, 6, 2, 2), nil, 1, 1, graph.Pad{Left: 1})
		},
		"max pool": func(b *graph.Builder) *graph.Node {
			return b.MaxPool("n", b.Input("x", 3, 9, 8), 3, 2, graph.Around(1))
		},
		"max pool, bare": func(b *graph.Builder) *graph.Node {
			return b.MaxPool("n", b.Input("x", 3, 9, 8), 2, 3, graph.Pad{Right: 1})
		},
		"average, even":   func(b *graph.Builder) *graph.Node { return b.AvgPool("n", b.Input("x", 3, 8, 6), 2, 2) },
		"average, odd":    func(b *graph.Builder) *graph.Node { return b.AvgPool("n", b.Input("x", 3, 9, 7), 2, 2) },
		"average of one":  func(b *graph.Builder) *graph.Node { return b.AvgPool("n", b.Input("x", 3, 1, 2), 2, 2) },
		"average, wide":   func(b *graph.Builder) *graph.Node { return b.AvgPool("n", b.Input("x", 3, 10, 9), 4, 3) },
		"mean":            func(b *graph.Builder) *graph.Node { return b.MeanMap("n", b.Input("x", 5, 3, 7)) },
		"mean of a pixel": func(b *graph.Builder) *graph.Node { return b.MeanMap("n", b.Input("x", 5, 1, 1)) },
		"gate":            func(b *graph.Builder) *graph.Node { return b.Gate("n", b.Input("x", 5, 3, 7), b.Input("g", 5)) },
		"gain":            func(b *graph.Builder) *graph.Node { return b.Gain("n", b.Input("x", 5, 3, 7), -0.3) },
		"sigmoid":         func(b *graph.Builder) *graph.Node { return b.Activate("n", graph.Sigmoid, b.Input("x", 5)) },
		"patches": func(b *graph.Builder) *graph.Node {
			return b.PatchEmbed("n", b.Input("x", 3, 4, 6), adapted(b, "w", 5, 3, 2, 2), adapted(b, "b", 5), 2)
		},
		"norm": func(b *graph.Builder) *graph.Node {
			return b.LayerNorm("n", b.Input("x", 4, 6), adapted(b, "w", 6), adapted(b, "b", 6), 1e-5)
		},
		"linear": func(b *graph.Builder) *graph.Node {
			return b.Linear("n", b.Input("x", 4, 6), adapted(b, "w", 3, 6), adapted(b, "b", 3))
		},
		"scale": func(b *graph.Builder) *graph.Node { return b.Scale("n", b.Input("x", 4, 6), adapted(b, "w", 6)) },
		"position": func(b *graph.Builder) *graph.Node {
			return b.Position("n", b.Input("x", 4, 6), adapted(b, "w", 1, 4, 6))
		},
		"prepend": func(b *graph.Builder) *graph.Node {
			return b.Prepend("n", b.Input("x", 4, 6), adapted(b, "w", 1, 2, 6))
		},
		"shared delta": func(b *graph.Builder) *graph.Node {
			w := adapted(b, "w", 6, 6)
			return b.Linear("n", b.Linear("m", b.Input("x", 4, 6), w, nil), w, nil)
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := graph.NewBuilder()
			g, err := b.Build(build(b))
			if err != nil {
				t.Fatal(err)
			}
			holdToReference(t, r, g, 2, tolerance)
		})
	}
}

// holdToReference runs g on noise and compares every example with the naive evaluation.
func holdToReference(t *testing.T, r *Runtime, g *graph.Graph, batch int, tolerance float64) {
	t.Helper()
	values := randomValues(g)
	s := session(t, r, g, values, values, batch, 1)
	for i := range g.Inputs {
		copy(s.Input(i), noise(len(s.Input(i)), uint64(100+i)))
	}
	if err := s.Run(); err != nil {
		t.Fatal(err)
	}
	for k := range batch {
		want, err := graphtest.Run(g, example(s, k), values)
		if err != nil {
			t.Fatal(err)
		}
		if d := relative(slice(s.Output(0), batch, k), want[0]); !(d <= tolerance) {
			t.Errorf("example %d: relative difference %.3g, at most %.3g", k, d, tolerance)
		}
	}
}

func TestLowerRefuses(t *testing.T) {
	b := graph.NewBuilder()
	g, err := b.Build(b.Scale("s", b.Input("x", 4), b.Frozen("gamma", 4)))
	if err != nil {
		t.Fatal(err)
	}
	good := safetensors.Float32([]int{4}, make([]float32, 4))
	for name, c := range map[string]struct {
		values map[string]safetensors.Tensor
		batch  int
	}{
		"no values":     {nil, 1},
		"other shape":   {map[string]safetensors.Tensor{"gamma": safetensors.Float32([]int{2, 2}, make([]float32, 4))}, 1},
		"whole numbers": {map[string]safetensors.Tensor{"gamma": safetensors.Int64([]int{4}, make([]int64, 4))}, 1},
		"short data":    {map[string]safetensors.Tensor{"gamma": {DType: safetensors.F32, Shape: []int{4}, Data: good.Data[:8]}}, 1},
		"batch 0":       {map[string]safetensors.Tensor{"gamma": good}, 0},
	} {
		if _, err := Lower(g, c.values, c.batch); err == nil {
			t.Errorf("%s: lowered", name)
		}
	}
	if _, err := Lower(g, map[string]safetensors.Tensor{"gamma": good}, 1); err != nil {
		t.Error(err)
	}
}
