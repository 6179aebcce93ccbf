package backbone_test

import (
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"reflect"
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

// goldens are the cases of testdata by name.
func goldens(t testing.TB) []string {
	t.Helper()
	files, err := filepath.Glob("testdata/*.arch.json")
	if err != nil || len(files) < 10 {
		t.Fatalf("cases %v: %v", files, err)
	}
	for i, f := range files {
		files[i] = strings.TrimSuffix(filepath.Base(f), ".arch.json")
	}
	return files
}

// TestGoldensExactly evaluates the graph in float64 and holds it to timm's float64: the two differ by rounding
// alone, so nothing can hide in a tolerance. Position embeddings are resampled in float32, by timm too.
func TestGoldensExactly(t *testing.T) {
	for _, name := range goldens(t) {
		tolerance := 1e-12
		if name == "vit_resized" {
			tolerance = 1e-7
		}
		t.Run(name, func(t *testing.T) {
			arch, weights, io := archOf(t, name), fileOf(t, name+".safetensors"), fileOf(t, name+".io.safetensors")
			shape := io.Tensors["input"].Shape
			if err := arch.Check(weights); err != nil {
				t.Fatal(err)
			}
			values, err := backbone.ExactValues(arch, weights, shape[2], shape[3])
			if err != nil {
				t.Fatal(err)
			}
			g := pooled(t, arch, shape[2], shape[3])
			pixels, want := floats(t, io, "input"), floats(t, io, "pooled_f64")
			for k := range shape[0] {
				each := len(pixels) / shape[0]
				got, err := graphtest.Run(g, map[string][]float64{"image": pixels[k*each : (k+1)*each]}, values)
				if err != nil {
					t.Fatal(err)
				}
				for i, v := range got[0] {
					if w := want[k*len(got[0])+i]; !(math.Abs(v-w) <= tolerance*(1+math.Abs(w))) {
						t.Fatalf("example %d, feature %d is %v, timm's %v", k, i, v, w)
					}
				}
			}
		})
	}
}

// pooled is the frozen network up to the pooled feature.
func pooled(t testing.TB, arch backbone.Arch, height, width int) *graph.Graph {
	t.Helper()
	b := graph.NewBuilder()
	g, err := b.Build(arch.Build(b, "", b.Input("image", 3, height, width), nil).Pooled)
	if err != nil {
		t.Fatal(err)
	}
	return g
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

const (
	goodResNet = `{"family":"resnet","block":"basic","layers":[1,1,1,1],"channels":[8,12,16,16],"stem_width":64}`
	goodNFNet  = `{"family":"nfnet","depths":[1,2],"channels":[16,24],"stem_channels":32,"group_size":8,"se_ratio":0.5,` +
		`"attn_gain":2.0,"bottle_ratio":0.5,"alpha":0.2,"num_features":0,"activation":"gelu","same_padding":true,` +
		`"std_conv_eps":1e-05,"skipinit":true}`
)

func badResNets() map[string][2]string {
	return map[string][2]string{
		"unknown block":   {`"basic"`, `"wide"`},
		"three stages":    {`[1,1,1,1]`, `[1,1,1]`},
		"empty stage":     {`[1,1,1,1]`, `[1,0,1,1]`},
		"absurd depth":    {`[1,1,1,1]`, `[1,1,1000000,1]`},
		"no channels":     {`[8,12,16,16]`, `null`},
		"negative width":  {`[8,12,16,16]`, `[8,-12,16,16]`},
		"fractional":      {`[8,12,16,16]`, `[8.5,12,16,16]`},
		"no stem":         {`"stem_width":64`, `"stem_width":0`},
		"unknown key":     {`"stem_width":64`, `"stem_width":64,"stem_type":"deep"`},
		"missing key":     {`,"stem_width":64`, ``},
		"key of a vit":    {`"stem_width"`, `"width"`},
		"channels, twice": {`"block":"basic"`, `"channels":[1,1,1,1]`},
	}
}

func badNFNets() map[string][2]string {
	return map[string][2]string{
		"no stages":            {`[1,2],"channels":[16,24]`, `[],"channels":[]`},
		"five stages":          {`[1,2],"channels":[16,24]`, `[1,1,1,1,1],"channels":[8,8,8,8,8]`},
		"unequal stages":       {`[1,2]`, `[1,2,3]`},
		"empty stage":          {`[1,2]`, `[1,0]`},
		"negative group":       {`"group_size":8`, `"group_size":-8`},
		"group beyond":         {`"group_size":8`, `"group_size":64`},
		"group does not fit":   {`"group_size":8`, `"group_size":3`},
		"no squeeze":           {`"se_ratio":0.5`, `"se_ratio":0`},
		"absurd squeeze":       {`"se_ratio":0.5`, `"se_ratio":1e9`},
		"absurd gain":          {`2.0`, `1e308`},
		"no bottleneck":        {`"bottle_ratio":0.5`, `"bottle_ratio":0`},
		"negative features":    {`"num_features":0`, `"num_features":-1`},
		"unknown activation":   {`"gelu"`, `"tanh"`},
		"zero epsilon":         {`1e-05`, `0`},
		"number for a boolean": {`true`, `1`},
		"missing key":          {`,"skipinit":true`, ``},
	}
}

func TestParse(t *testing.T) {
	for good, bad := range map[string]map[string][2]string{
		goodArch: badArchs(), goodResNet: badResNets(), goodNFNet: badNFNets(),
	} {
		a, err := backbone.Parse([]byte(good))
		if err != nil {
			t.Fatal(err)
		}
		for name, c := range bad {
			t.Run(a.Family()+", "+name, func(t *testing.T) {
				text := strings.Replace(good, c[0], c[1], 1)
				if text == good {
					t.Fatal("changes nothing")
				}
				if _, err := backbone.Parse([]byte(text)); !errors.Is(err, backbone.ErrArch) {
					t.Errorf("error %v, want ErrArch", err)
				} else if strings.Contains(err.Error(), "\n") {
					t.Errorf("error is not one line: %v", err)
				}
			})
		}
	}
}

// FuzzParse: whatever parses is written and parsed again to the same.
func FuzzParse(f *testing.F) {
	f.Add([]byte(goodArch))
	for _, c := range badArchs() {
		f.Add([]byte(strings.Replace(goodArch, c[0], c[1], 1)))
	}
	f.Add([]byte(goodResNet))
	f.Add([]byte(goodNFNet))
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
		if !reflect.DeepEqual(a, b) {
			t.Fatalf("%+v became %+v", a, b)
		}
	})
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
