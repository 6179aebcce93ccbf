package backbone_test

import (
	"encoding/json"
	"errors"
	"math"
	"os"
	"strings"
	"testing"

	"sim2reald/model/backbone"
	"sim2reald/model/graph"
	"sim2reald/model/graph/graphtest"
	"sim2reald/model/safetensors"
)

func archOf(t testing.TB, name string) backbone.Arch {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name + ".arch.json")
	if err != nil {
		t.Fatal(err)
	}
	a, err := backbone.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func fileOf(t testing.TB, name string) *safetensors.File {
	t.Helper()
	f, err := safetensors.ReadFile("testdata/"+name, safetensors.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestGoldensExactly evaluates the graph in float64 and holds it to timm's float64: the two differ by rounding
// alone, so nothing can hide in a tolerance.
func TestGoldensExactly(t *testing.T) {
	for _, name := range []string{"vit_token", "vit_avg", "vit_clip", "vit_dinov2", "vit_reg"} {
		t.Run(name, func(t *testing.T) {
			arch, weights, io := archOf(t, name), fileOf(t, name+".safetensors"), fileOf(t, name+".io.safetensors")
			shape := io.Tensors["input"].Shape
			b := graph.NewBuilder()
			out := arch.Build(b, "", b.Input("image", shape[1:]...))
			g, err := b.Build(out.Pooled)
			if err != nil {
				t.Fatal(err)
			}
			values, err := arch.Values(weights, shape[2], shape[3])
			if err != nil {
				t.Fatal(err)
			}
			pixels, want := floats(t, io, "input"), floats(t, io, "pooled_f64")
			for k := range shape[0] {
				each := len(pixels) / shape[0]
				got, err := graphtest.Run(g, map[string][]float64{"image": pixels[k*each : (k+1)*each]}, values)
				if err != nil {
					t.Fatal(err)
				}
				for i, v := range got[0] {
					if w := want[k*len(got[0])+i]; !(math.Abs(v-w) <= 1e-12*(1+math.Abs(w))) {
						t.Fatalf("example %d, feature %d is %v, timm's %v", k, i, v, w)
					}
				}
			}
		})
	}
}

func floats(t testing.TB, f *safetensors.File, name string) []float64 {
	t.Helper()
	v, err := f.Tensors[name].Float64s()
	if err != nil {
		t.Fatal(err)
	}
	return v
}

const goodArch = `{"family":"vit","image_size":32,"patch_size":8,"width":48,"depth":2,"heads":3,"mlp_ratio":4.0,` +
	`"pool":"token","pre_norm":false,"activation":"gelu","norm_eps":1e-06,"layer_scale":false,"register_tokens":0}`

// badArchs are one change each of goodArch.
func badArchs() map[string][2]string {
	return map[string][2]string{
		"unknown key":        {`"heads"`, `"extra":1,"heads"`},
		"missing key":        {`"heads":3,`, ``},
		"repeated key":       {`"heads":3`, `"heads":3,"heads":3`},
		"other case":         {`"heads"`, `"Heads"`},
		"other family":       {`"vit"`, `"swin"`},
		"text for a number":  {`"heads":3`, `"heads":"3"`},
		"zero patch":         {`"patch_size":8`, `"patch_size":0`},
		"negative depth":     {`"depth":2`, `"depth":-2`},
		"absurd depth":       {`"depth":2`, `"depth":1000000`},
		"absurd ratio":       {`4.0`, `1e300`},
		"zero epsilon":       {`1e-06`, `0`},
		"heads do not fit":   {`"heads":3`, `"heads":5`},
		"patches do not fit": {`"patch_size":8`, `"patch_size":7`},
		"unknown pool":       {`"token"`, `"map"`},
		"unknown activation": {`"gelu"`, `"swish"`},
		"goes on":            {`"register_tokens":0}`, `"register_tokens":0} {}`},
		"not an object":      {goodArch, `[1]`},
		"empty":              {goodArch, ``},
	}
}

func TestParse(t *testing.T) {
	if _, err := backbone.Parse([]byte(goodArch)); err != nil {
		t.Fatal(err)
	}
	for name, c := range badArchs() {
		t.Run(name, func(t *testing.T) {
			text := strings.Replace(goodArch, c[0], c[1], 1)
			if _, err := backbone.Parse([]byte(text)); !errors.Is(err, backbone.ErrArch) {
				t.Errorf("error %v, want ErrArch", err)
			} else if strings.Contains(err.Error(), "\n") {
				t.Errorf("error is not one line: %v", err)
			}
		})
	}
}

// FuzzParse: whatever parses is written and parsed again to the same.
func FuzzParse(f *testing.F) {
	f.Add([]byte(goodArch))
	for _, c := range badArchs() {
		f.Add([]byte(strings.Replace(goodArch, c[0], c[1], 1)))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		a, err := backbone.Parse(text)
		if err != nil {
			return
		}
		again, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		b, err := backbone.Parse(again)
		if err != nil {
			t.Fatalf("%s: %v", again, err)
		}
		if *a.(*backbone.ViT) != *b.(*backbone.ViT) {
			t.Fatalf("%+v became %+v", a, b)
		}
	})
}

// TestPresets builds each preset at its own size, and counts parameters where the number is published:
// ViT-B/16 has 85 798 656 without its classifier (timm), DINOv2 ViT-S/14 22 056 576 at 518 pixels, of
// which 384 are the mask token of its pretraining, which timm drops.
func TestPresets(t *testing.T) {
	for name, want := range map[string]int{
		"vit_base_patch16_224":                85798656,
		"vit_small_patch14_dinov2":            22056192,
		"vit_small_patch14_reg4_dinov2":       0,
		"vit_base_patch16_clip_quickgelu_224": 0,
		"vit_large_patch14_dinov2":            0,
	} {
		t.Run(name, func(t *testing.T) {
			a, err := backbone.Preset(name)
			if err != nil {
				t.Fatal(err)
			}
			side := a.(*backbone.ViT).ImageSize
			b := graph.NewBuilder()
			g, err := b.Build(a.Build(b, "", b.Input("image", 3, side, side)).Features)
			if err != nil {
				t.Fatal(err)
			}
			if got := g.Count(graph.Frozen); want != 0 && got != want {
				t.Errorf("%d parameters, want %d", got, want)
			}
			text, err := json.Marshal(a)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := backbone.Parse(text); err != nil {
				t.Error(err)
			}
		})
	}
	if _, err := backbone.Preset("resnet50"); !errors.Is(err, backbone.ErrArch) {
		t.Errorf("unknown preset: %v", err)
	}
}

func TestCheckRefuses(t *testing.T) {
	arch := archOf(t, "vit_token")
	for name, spoil := range map[string]func(map[string]safetensors.Tensor){
		"missing tensor":    func(m map[string]safetensors.Tensor) { delete(m, "blocks.1.attn.qkv.bias") },
		"missing position":  func(m map[string]safetensors.Tensor) { delete(m, "pos_embed") },
		"transposed weight": func(m map[string]safetensors.Tensor) { m["blocks.0.mlp.fc1.weight"] = m["blocks.0.mlp.fc2.weight"] },
		"whole numbers": func(m map[string]safetensors.Tensor) {
			m["norm.bias"] = safetensors.Int64([]int{48}, make([]int64, 48))
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := fileOf(t, "vit_token.safetensors")
			if err := arch.Check(f); err != nil {
				t.Fatal(err)
			}
			spoil(f.Tensors)
			if err := arch.Check(f); !errors.Is(err, backbone.ErrTensor) {
				t.Errorf("error %v, want ErrTensor", err)
			}
		})
	}
	for _, side := range []int{0, 4, 36, 1 << 20} {
		if err := arch.CheckSize(side, 32); !errors.Is(err, backbone.ErrArch) {
			t.Errorf("side %d: error %v, want ErrArch", side, err)
		}
	}
}

// TestResampledBase: at 112 pixels and patches of 14 there are 8x8 patches and the class token.
func TestResampledBase(t *testing.T) {
	arch := archOf(t, "vit_dinov2")
	values, err := arch.Values(fileOf(t, "vit_dinov2.safetensors"), 112, 112)
	if err != nil {
		t.Fatal(err)
	}
	p, ok := values["pos_embed@8x8"]
	if !ok || len(p.Shape) != 3 || p.Shape[1] != 65 {
		t.Fatalf("position embedding %v, want 65 rows", p.Shape)
	}
	if _, ok := values["pos_embed"]; ok {
		t.Error("the base's own embedding is still there")
	}
}
