package bundle

import (
	"bytes"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sim2reald/model/safetensors"
)

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
