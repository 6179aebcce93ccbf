package bundle

import (
	"bytes"
	"encoding/json"
	"errors"
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

func TestImportRefusesMetadata(t *testing.T) {
	for name, c := range map[string]struct {
		old, new, want string
		is             error
	}{
		"another base":   {strings.Repeat("ab", 32), strings.Repeat("cd", 32), "name the right one with -base", ErrImport},
		"newer":          {`"version":1`, `"version":2,"new":1`, "version 2, this daemon reads", ErrImport},
		"other schema":   {schemaImport, Schema, "use the sim2real_torch", ErrImport},
		"unknown key":    {`"task"`, `"more":1,"task"`, `"more"`, ErrImport},
		"inner key":      {`"speed_scale"`, `"more":1,"speed_scale"`, `"more"`, ErrImport},
		"missing":        {`"history":2,`, ``, `"history"`, ErrImport},
		"missing list":   {`"position_min":[-1,-2],`, ``, `limits.position_min`, ErrImport},
		"twice":          {`"history":2`, `"history":2,"history":2`, `"history"`, ErrImport},
		"in capitals":    {`"history":2`, `"History":2`, `History`, ErrImport},
		"null":           {`"gripper":{"open":0,"closed":1}`, `"gripper":null`, `robot.gripper`, ErrImport},
		"goes on":        {`on a GPU"}}`, `on a GPU"}}{}`, "invalid character", ErrImport},
		"not JSON":       {`{"schema"`, `["schema"`, "metadata", ErrImport},
		"nobody trained": {importedManifest().Training.Trainer, "", "training.trainer", ErrImport},
		"joint names":    {`"dimensions":["a",`, `"dimensions":["b",`, "action.dimensions", ErrManifest},
		"joint twice":    {`"joint_names":["a","b"]`, `"joint_names":["a","a"]`, "robot.joint_names", ErrManifest},
		"placement":      {`"bottom,middle,norms,top"`, `"middle,top"`, "adapter.", ErrTensors},
		"block":          {`"width":3`, `"blocks":[7],"width":3`, "block 7", ErrManifest},
		"NaN":            {`"first_loss":1`, `"first_loss":NaN`, "invalid character 'N'", ErrImport},
	} {
		t.Run(name, func(t *testing.T) {
			text := importedText(t)
			bad := strings.Replace(text, c.old, c.new, 1)
			if bad == text {
				t.Fatalf("the case changes nothing in %s", text)
			}
			_, err := Import(importBytes(t, bad, adaptedTensors(t, adaptedManifest())), adaptedManifest().Base)
			checkRefusal(t, err, c.is, c.want)
		})
	}
}

func checkRefusal(t *testing.T, err, is error, want string) {
	t.Helper()
	if !errors.Is(err, is) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
		t.Errorf("%v, want %q in one line", err, want)
	}
}

func TestImportRefusesTensors(t *testing.T) {
	m := adaptedManifest()
	for name, c := range map[string]struct {
		change func(map[string]safetensors.Tensor)
		want   string
	}{
		"missing": {func(f map[string]safetensors.Tensor) { delete(f, "adapter.norm.bias") }, "adapter.norm.bias is missing"},
		"unknown": {func(f map[string]safetensors.Tensor) { f["adapter.x"] = f["adapter.norm.bias"] }, "adapter.x is not a tensor"},
		"shape":   {func(f map[string]safetensors.Tensor) { f["adapter.norm.bias"] = f[ActionMean] }, "adapter.norm.bias is F32 [3]"},
		"dtype": {func(f map[string]safetensors.Tensor) {
			f[ActionMean] = safetensors.Float64([]int{3}, make([]float64, 3))
		}, "action.mean is F64 [3]"},
		"not finite": {func(f map[string]safetensors.Tensor) {
			f[ActionMean] = safetensors.Float32([]int{3}, []float32{0, float32(math.Inf(1)), 0})
		}, `"action.mean", element 1`},
		"deviation": {func(f map[string]safetensors.Tensor) {
			f[ActionStd] = safetensors.Float32([]int{3}, []float32{1, 1, 0})
		}, "action.std[2]"},
	} {
		t.Run(name, func(t *testing.T) {
			tensors := adaptedTensors(t, m)
			c.change(tensors)
			_, err := Import(importBytes(t, importedText(t), tensors), m.Base)
			checkRefusal(t, err, ErrTensors, c.want)
		})
	}
}

func TestImportRefusesOtherFiles(t *testing.T) {
	m := adaptedManifest()
	whole := importBytes(t, importedText(t), adaptedTensors(t, m))
	both := &safetensors.File{Tensors: adaptedTensors(t, m), Metadata: map[string]string{keyImport: "{}", "k\n": ""}}
	var more bytes.Buffer
	if _, err := both.WriteTo(&more); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"a bundle":      {bytesOf(t, testBundle(t)), "bundle already"},
		"bare tensors":  {fileOfTensors(t, testTensors()), "sim2real_torch train"},
		"more metadata": {more.Bytes(), `unknown metadata key "k\n"`},
		"cut":           {whole[:len(whole)/2], "save it again"},
		"a byte more":   {append(bytes.Clone(whole), 0), "save it again"},
		"nothing":       {nil, "save it again"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Import(c.data, m.Base)
			checkRefusal(t, err, ErrImport, c.want)
		})
	}
	if _, err := ImportFile(filepath.Join(t.TempDir(), "none"), m.Base); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}

func fileOfTensors(t *testing.T, tensors map[string]safetensors.Tensor) []byte {
	t.Helper()
	var buf bytes.Buffer
	if _, err := (&safetensors.File{Tensors: tensors}).WriteTo(&buf); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// FuzzImport: whatever is taken makes a bundle that reads again.
func FuzzImport(f *testing.F) {
	tensors, base := adaptedTensors(f, adaptedManifest()), adaptedManifest().Base
	f.Add(importedText(f))
	f.Add("{}")
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 1<<16 {
			return
		}
		file := &safetensors.File{Tensors: tensors, Metadata: map[string]string{keyImport: text}}
		var data bytes.Buffer
		if _, err := file.WriteTo(&data); err != nil {
			return // not UTF-8
		}
		b, err := Import(data.Bytes(), base)
		if err != nil {
			if strings.Contains(err.Error(), "\n") {
				t.Fatalf("more than one line: %v", err)
			}
			return
		}
		again, err := Parse(bytesOf(t, b))
		if err != nil || again.Digest() != b.Digest() {
			t.Fatalf("the bundle does not read again: %v", err)
		}
	})
}
