package engine

import (
	"os"
	"path/filepath"
	"testing"

	"sim2reald/model/backbone"
	"sim2reald/model/graph"
	"sim2reald/model/safetensors"
)

const goldens = "../backbone/testdata"

// golden is one tiny backbone and what timm 1.0.31 computes with it.
type golden struct {
	arch    backbone.Arch
	weights *safetensors.File
	io      *safetensors.File
}

func loadGolden(t testing.TB, name string) golden {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(goldens, name+".arch.json"))
	if err != nil {
		t.Fatal(err)
	}
	g := golden{weights: read(t, name+".safetensors"), io: read(t, name+".io.safetensors")}
	if g.arch, err = backbone.Parse(text); err != nil {
		t.Fatal(err)
	}
	return g
}

func read(t testing.TB, name string) *safetensors.File {
	t.Helper()
	f, err := safetensors.ReadFile(filepath.Join(goldens, name), safetensors.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func (g golden) floats(t testing.TB, name string) []float64 {
	t.Helper()
	v, err := g.io.Tensors[name].Float64s()
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// TestGoldens holds the whole path (names, graph, lowering, ONNX Runtime) to timm. The tolerance is that of
// float32 through two blocks: timm's own float32 differs from its float64 by up to 5e-7 on these models, and
// another summation order may double or triple that; a wrong epsilon or activation shows at 1e-4 and above.
func TestGoldens(t *testing.T) {
	const tolerance = 2e-6
	r := runtimeOrSkip(t)
	for _, name := range []string{"vit_token", "vit_avg", "vit_clip", "vit_dinov2", "vit_reg"} {
		t.Run(name, func(t *testing.T) {
			g := loadGolden(t, name)
			in := g.io.Tensors["input"]
			batch, height, width := in.Shape[0], in.Shape[2], in.Shape[3]
			b := graph.NewBuilder()
			out := g.arch.Build(b, "", b.Input("image", 3, height, width))
			net, err := b.Build(out.Tokens, out.Pooled)
			if err != nil {
				t.Fatal(err)
			}
			values, err := g.arch.Values(g.weights, height, width)
			if err != nil {
				t.Fatal(err)
			}
			s := session(t, r, net, values, nil, batch, 1)
			pixels, err := in.Float32s()
			if err != nil {
				t.Fatal(err)
			}
			copy(s.Input(0), pixels)
			if err := s.Run(); err != nil {
				t.Fatal(err)
			}
			for i, want := range []string{"unpooled", "pooled_f64"} {
				if d := relative(s.Output(i), g.floats(t, want)); !(d <= tolerance) {
					t.Errorf("%s: relative difference %.3g, at most %.3g", want, d, tolerance)
				} else {
					t.Logf("%s: relative difference %.3g", want, d)
				}
			}
			own, err := g.io.Tensors["pooled"].Float32s()
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("timm's own float32: %.3g", relative(own, g.floats(t, "pooled_f64")))
		})
	}
}
