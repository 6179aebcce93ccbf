package backbone_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"sim2reald/model/backbone"
	"sim2reald/model/graph"
)

// content is what a base holds, see testdata/generate_presets.py.
type content struct {
	Tensors  int    `json:"tensors"`
	Elements int    `json:"elements"`
	SHA256   string `json:"sha256"`
}

// TestPresets holds names and shapes of every preset's tensors to those of timm's model of that name.
func TestPresets(t *testing.T) {
	text, err := os.ReadFile("testdata/presets.json")
	if err != nil {
		t.Fatal(err)
	}
	var want map[string]content
	if err := json.Unmarshal(text, &want); err != nil {
		t.Fatal(err)
	}
	if got := len(backbone.PresetNames()); got != len(want) {
		t.Errorf("%d presets, %d are recorded: run generate_presets.py with the names that backbone.PresetNames gives", got, len(want))
	}
	for _, name := range backbone.PresetNames() {
		t.Run(name, func(t *testing.T) {
			a, err := backbone.Preset(name)
			if err != nil {
				t.Fatal(err)
			}
			if got := contentOf(t, name, a); got != want[name] {
				t.Errorf("%+v, timm has %+v", got, want[name])
			}
			roundTrip(t, a)
		})
	}
}

// contentOf describes what an architecture wants of a base.
func contentOf(t *testing.T, name string, a backbone.Arch) content {
	t.Helper()
	sources, err := backbone.Sources(a)
	if err != nil {
		t.Fatal(err)
	}
	var c content
	var lines []string
	for _, s := range sources {
		if strings.HasPrefix(s.Name, "pos_embed") {
			s = position(name, a.(*backbone.ViT))
		}
		c.Tensors++
		c.Elements += elements(s.Shape)
		dims := strings.Trim(strings.ReplaceAll(fmt.Sprint(s.Shape), " ", "x"), "[]")
		lines = append(lines, fmt.Sprintf("%s %s\n", s.Name, dims))
	}
	slices.Sort(lines)
	sum := sha256.Sum256([]byte(strings.Join(lines, "")))
	c.SHA256 = hex.EncodeToString(sum[:])
	return c
}

// position is the embedding that timm's model has, which the record leaves open: of the patches alone in DeiT III
// and where there are registers, else of the class token too.
func position(name string, v *backbone.ViT) backbone.Source {
	side := v.ImageSize / v.PatchSize
	rows := side*side + 1
	if strings.HasPrefix(name, "deit3") || v.RegisterTokens > 0 {
		rows--
	}
	return backbone.Source{Name: "pos_embed", Shape: []int{1, rows, v.Width}}
}

// roundTrip writes a record and parses it again.
func roundTrip(t *testing.T, a backbone.Arch) {
	t.Helper()
	text, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	again, err := backbone.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(a, again) {
		t.Errorf("%+v became %+v", a, again)
	}
}

func TestPresetNames(t *testing.T) {
	tagged, err := backbone.Preset("vit_base_patch16_224.mae")
	if err != nil {
		t.Fatal(err)
	}
	plain, err := backbone.Preset("vit_base_patch16_224")
	if err != nil || !reflect.DeepEqual(tagged, plain) {
		t.Errorf("%+v and %+v: %v", tagged, plain, err)
	}
	for _, name := range []string{"", "resnet", "resnet50d", "vit_base_patch16", ".mae"} {
		if _, err := backbone.Preset(name); !errors.Is(err, backbone.ErrArch) {
			t.Errorf("preset %q: error %v, want ErrArch", name, err)
		}
	}
}

// TestPublishedCounts: parameters as the papers and timm count them, with the classifier of 1000 classes where
// theirs has one.
func TestPublishedCounts(t *testing.T) {
	for name, want := range map[string]float64{
		"resnet18": 11.69, "resnet34": 21.80, "resnet50": 25.56, "resnet101": 44.55, "resnet152": 60.19,
		"dm_nfnet_f0": 71.49, "dm_nfnet_f1": 132.63, "dm_nfnet_f6": 438.36, "vit_base_patch16_224": 86.57,
	} {
		a, err := backbone.Preset(name)
		if err != nil {
			t.Fatal(err)
		}
		sources, err := backbone.Sources(a)
		if err != nil {
			t.Fatal(err)
		}
		pooledLen := pooled(t, a, 224, 224).Outputs[0].Shape[0]
		n := 1000*pooledLen + 1000
		for _, s := range sources {
			if !strings.HasSuffix(s.Name, "running_mean") && !strings.HasSuffix(s.Name, "running_var") {
				n += elements(s.Shape)
			}
		}
		if got := float64(n) / 1e6; got < want-0.006 || got > want+0.006 {
			t.Errorf("%s: %.3f million parameters, published are %.2f", name, got, want)
		}
	}
}

func elements(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}

// TestFolding: what is derived of norms and gains is part of the frozen network, and no more than that.
func TestFolding(t *testing.T) {
	a, err := backbone.Preset("resnet50")
	if err != nil {
		t.Fatal(err)
	}
	// 25 557 032 without the classifier; of the norms' 26 560 pairs of weight and bias, the folded convolutions keep
	// the biases.
	if got, want := pooled(t, a, 224, 224).Count(graph.Frozen), 25557032-2049000-26560; got != want {
		t.Errorf("%d frozen numbers, want %d", got, want)
	}
}
