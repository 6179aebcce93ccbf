package main

import (
	"math"
	"testing"

	"sim2reald/model/graph"
)

func TestFlops(t *testing.T) {
	build := func(layers func(b *graph.Builder) *graph.Node) float64 {
		b := graph.NewBuilder()
		g, err := b.Build(layers(b))
		if err != nil {
			t.Fatal(err)
		}
		return flops(g)
	}
	for name, c := range map[string]struct {
		layers func(b *graph.Builder) *graph.Node
		want   float64
	}{
		// 6 rows of 5 features to 7.
		"linear": {func(b *graph.Builder) *graph.Node {
			return b.Linear("n", b.Input("x", 6, 5), b.Frozen("w", 7, 5), nil)
		}, 2 * 6 * 5 * 7},
		// 4 patches of 3x2x2 numbers to 5 features.
		"patches": {func(b *graph.Builder) *graph.Node {
			return b.PatchEmbed("n", b.Input("x", 3, 4, 4), b.Frozen("w", 5, 3, 2, 2), nil, 2)
		}, 2 * 4 * 12 * 5},
		// 8x8 places to 6 channels of 2 channels under 3x3.
		"grouped convolution": {func(b *graph.Builder) *graph.Node {
			return b.Conv("n", b.Input("x", 4, 8, 8), b.Frozen("w", 6, 2, 3, 3), nil, 1, 2, graph.Around(1))
		}, 2 * 64 * 6 * 18},
		// Scores and sums: 10 by 10 tokens over all 4 features, twice.
		"attention": {func(b *graph.Builder) *graph.Node { return b.Attention("n", b.Input("x", 10, 12), 2) }, 2 * 2 * 100 * 4},
		"none":      {func(b *graph.Builder) *graph.Node { return b.Activate("n", graph.ReLU, b.Input("x", 6)) }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			if got := build(c.layers); got != c.want {
				t.Errorf("%g, want %g", got, c.want)
			}
		})
	}
}

// TestFlopsOfSubjects holds the count to what timm's model cards state, in 1e9 multiplications: ViT-B/16 17.6,
// ResNet-50 4.1; and to 9.484 for dm_nfnet_f0, counted on the convolutions of timm 1.0.31 at 224 pixels.
func TestFlopsOfSubjects(t *testing.T) {
	want := map[string]float64{"ViT-B/16": 17.6, "ResNet-50": 4.1, "dm_nfnet_f0": 9.484}
	for _, s := range subjects() {
		m := &material{subject: s}
		if err := m.build(1); err != nil {
			t.Errorf("%s: %v", s.label, err)
			continue
		}
		frozen, adapted := m.flops(false)/2e9, m.flops(true)/2e9
		t.Logf("%s: %.2f GFLOP frozen, adapters and head add %.1f %%", s.label, 2*frozen, 100*(adapted/frozen-1))
		if w, ok := want[s.label]; ok && math.Abs(frozen/w-1) > 0.02 {
			t.Errorf("%s: %.3f, want %.1f", s.label, frozen, w)
		}
		if !(adapted > frozen) {
			t.Errorf("%s: adapters cost nothing", s.label)
		}
	}
}
