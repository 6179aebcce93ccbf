package bundle

import (
	"bytes"
	"encoding/json"
	"maps"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"sim2reald/model/graph/graphtest"
	"sim2reald/model/safetensors"
)

// importedManifest is what the PyTorch package would say of adaptedManifest.
func importedManifest() imported {
	m := adaptedManifest()
	m.Training.Trainer = "sim2real_torch 0.1.0, torch 2.15.0, timm 1.0.31, on a GPU"
	return imported{
		Schema: schemaImport, Version: versionImport, Name: m.Name, Task: m.Task,
		Base: importedBase{m.Base.Name, m.Base.Digest}, Adapters: m.Adapters, Robot: m.Robot, Limits: m.Limits,
		Cameras: m.Cameras, Proprioception: m.Proprioception, History: m.History, Action: m.Action, Training: m.Training,
	}
}

// importBytes is a file as the package saves it, spelled as Python spells JSON.
func importBytes(t testing.TB, text string, tensors map[string]safetensors.Tensor) []byte {
	t.Helper()
	f := &safetensors.File{Tensors: tensors, Metadata: map[string]string{keyImport: text}}
	var buf bytes.Buffer
	if _, err := f.WriteTo(&buf); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func importedText(t testing.TB) string {
	t.Helper()
	text, err := json.Marshal(importedManifest())
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestImportRoundTrips(t *testing.T) {
	m := adaptedManifest()
	tensors := adaptedTensors(t, m)
	text := strings.Replace(importedText(t), `"speed_scale":0.5`, `"speed_scale": 5e-1`, 1)
	path := filepath.Join(t.TempDir(), "trained.safetensors")
	if err := os.WriteFile(path, importBytes(t, text, tensors), 0o600); err != nil {
		t.Fatal(err)
	}
	b, err := ImportFile(path, m.Base)
	if err != nil {
		t.Fatal(err)
	}
	want := m
	want.Training.Trainer = importedManifest().Training.Trainer
	if !reflect.DeepEqual(b.Manifest, want) {
		t.Errorf("manifest %+v, want %+v", b.Manifest, want)
	}
	again, err := Parse(bytesOf(t, b))
	if err != nil {
		t.Fatal(err)
	}
	if again.Digest() != b.Digest() || !reflect.DeepEqual(again.file.Tensors, tensors) {
		t.Errorf("digest %s became %s, or a tensor changed", b.Digest(), again.Digest())
	}
}

// TestImportFromPyTorch takes a file that the package itself saved (model/torch/record.py): its policy answers
// what it answered there. Two cameras, two observations and positions show whether their order is the same.
func TestImportFromPyTorch(t *testing.T) {
	arch, err := os.ReadFile("../train/testdata/torch/vit.arch.json")
	if err != nil {
		t.Fatal(err)
	}
	on := readTensors(t, "../train/testdata/torch/vit.safetensors")
	b, err := ImportFile("testdata/torch.safetensors", Base{Name: "tiny", Digest: on.Digest(), Arch: arch})
	if err != nil {
		t.Fatal(err)
	}
	m := b.Manifest
	if m.Adapters.Placement != "bottom,middle,norms,top" || m.Adapters.Middle.Width != 3 || m.Action.ChunkSize != 2 ||
		m.History != 2 || !strings.Contains(m.Training.Trainer, "torch 2.") || m.Version != VersionAdapters {
		t.Errorf("manifest %+v", m)
	}
	if _, err := Parse(bytesOf(t, b)); err != nil {
		t.Error(err)
	}
	answer := readTensors(t, "testdata/torch.answer.safetensors")
	got, want := b.answer(t, on, answer), float64s(t, answer, "actions")
	for i := range want {
		if !(math.Abs(got[i]-want[i]) < 1e-5) {
			t.Errorf("action %d is %g, PyTorch answered %g", i, got[i], want[i])
		}
	}
}

// TestImportFullFromPyTorch: a whole model that learned there answers the same here, in each family's own form: norms
// folded in, weights standardised, positions for another size of picture.
func TestImportFullFromPyTorch(t *testing.T) {
	for _, name := range []string{"vit", "resnet", "nfnet"} {
		t.Run(name, func(t *testing.T) {
			arch, err := os.ReadFile("../train/testdata/torch/" + name + ".arch.json")
			if err != nil {
				t.Fatal(err)
			}
			on := readTensors(t, "../train/testdata/torch/"+name+".safetensors")
			b, err := ImportFile("testdata/torch.full."+name+".safetensors", Base{Name: "tiny", Digest: on.Digest(), Arch: arch})
			if err != nil {
				t.Fatal(err)
			}
			m := b.Manifest
			if m.Kind != KindFull || m.Version != VersionRecipe || m.Training.Recipe.Rates["base"] != 3e-5 || !m.Training.Recipe.Augment.Fresh {
				t.Errorf("manifest %+v, recipe %+v", m, m.Training.Recipe)
			}
			answer := readTensors(t, "testdata/torch.full."+name+".answer.safetensors")
			got, frozen, want := b.answer(t, on, answer), b.frozenAnswer(t, on, answer), float64s(t, answer, "actions")
			for i := range want {
				if !(math.Abs(got[i]-want[i]) < 1e-5) {
					t.Errorf("action %d is %g, PyTorch answered %g", i, got[i], want[i])
				}
			}
			if math.Abs(frozen[0]-want[0]) < 1e-3 {
				t.Errorf("the base as it was answers %g too: the test sees nothing", frozen[0])
			}
		})
	}
}

// frozenAnswer is that of the bundle's head on the base as it was.
func (b *Bundle) frozenAnswer(t *testing.T, on, seen *safetensors.File) []float64 {
	t.Helper()
	plain := *b
	plain.Manifest.Kind = KindAdapter
	return plain.answer(t, on, seen)
}

// answer is the whole network by the plain reference.
func (b *Bundle) answer(t *testing.T, on, seen *safetensors.File) []float64 {
	t.Helper()
	net, err := b.Manifest.Network()
	if err != nil {
		t.Fatal(err)
	}
	g, err := net.Served().Graph()
	if err != nil {
		t.Fatal(err)
	}
	values, err := net.Arch.Values(on, net.Height, net.Width)
	if err != nil {
		t.Fatal(err)
	}
	maps.Copy(values, b.Backbone())
	maps.Copy(values, b.Params())
	pictures := float64s(t, seen, "pictures")
	inputs, size := map[string][]float64{}, 3*net.Height*net.Width
	for i, n := range g.Inputs {
		if len(n.Shape) == 1 {
			inputs[n.Name] = float64s(t, seen, "positions")
		} else {
			inputs[n.Name] = pictures[i*size : (i+1)*size]
		}
	}
	out, err := graphtest.Run(g, inputs, values)
	if err != nil {
		t.Fatal(err)
	}
	return out[0]
}

func readTensors(t *testing.T, path string) *safetensors.File {
	t.Helper()
	f, err := safetensors.ReadFile(path, safetensors.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func float64s(t *testing.T, f *safetensors.File, name string) []float64 {
	t.Helper()
	v, err := f.Tensors[name].Float64s()
	if err != nil || len(v) == 0 {
		t.Fatalf("%s: %d numbers, %v", name, len(v), err)
	}
	return v
}
