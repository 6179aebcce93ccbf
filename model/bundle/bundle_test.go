package bundle

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"sim2reald/model/safetensors"
)

func bytesOf(t testing.TB, b *Bundle) []byte {
	t.Helper()
	var buf bytes.Buffer
	if _, err := b.file.WriteTo(&buf); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func TestSaveLoad(t *testing.T) {
	b := testBundle(t)
	path := filepath.Join(t.TempDir(), "b.safetensors")
	if err := b.Save(path); err != nil {
		t.Fatal(err)
	}
	got, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if got.Digest() != b.Digest() || !reflect.DeepEqual(got.Manifest, testManifest()) {
		t.Fatalf("digest %s, want %s; manifest %+v", got.Digest(), b.Digest(), got.Manifest)
	}
	if !reflect.DeepEqual(got.Params()["head.0.weight"], testTensors()["head.0.weight"]) || len(got.Params()) != 6 {
		t.Fatalf("head tensors %v", got.Params())
	}
	again := filepath.Join(t.TempDir(), "c.safetensors")
	if err := got.Save(again); err != nil {
		t.Fatal(err)
	}
	one, _ := os.ReadFile(path)
	two, _ := os.ReadFile(again)
	if !bytes.Equal(one, two) || len(one) == 0 {
		t.Fatal("the same bundle gave different bytes")
	}
}

func TestEveryFlippedByteIsFound(t *testing.T) {
	data := bytesOf(t, testBundle(t))
	if _, err := Parse(data); err != nil {
		t.Fatal(err)
	}
	for i := range data {
		for _, mask := range []byte{0x01, 0x20, 0xff} {
			bad := bytes.Clone(data)
			bad[i] ^= mask
			if _, err := Parse(bad); err == nil {
				t.Fatalf("byte %d of %d flipped by %#x: accepted", i, len(data), mask)
			}
		}
	}
	for _, n := range []int{0, 7, 8, len(data) / 2, len(data) - 1} {
		if _, err := Parse(data[:n]); err == nil {
			t.Fatalf("cut to %d bytes: accepted", n)
		}
	}
	if _, err := Parse(append(bytes.Clone(data), 0)); err == nil {
		t.Fatal("a byte more: accepted")
	}
}

// forge writes a file whose checksum is right, as somebody who knows the format could.
func forge(t *testing.T, manifest string, tensors map[string]safetensors.Tensor) []byte {
	t.Helper()
	f := &safetensors.File{Tensors: tensors, Metadata: map[string]string{keyManifest: manifest}}
	f.Metadata[keyChecksum] = hash(checksumDomain, []byte(manifest), f.Digest())
	var buf bytes.Buffer
	if _, err := f.WriteTo(&buf); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func TestStrictManifest(t *testing.T) {
	good, err := json.Marshal(testManifest())
	if err != nil {
		t.Fatal(err)
	}
	text := string(good)
	cases := map[string]struct {
		manifest, want string
		is             error
	}{
		"unknown key":   {strings.Replace(text, `"name":`, `"nom":1,"name":`, 1), `"nom"`, ErrManifest},
		"inner key":     {strings.Replace(text, `"history":1`, `"history":1,"crop":[1]`, 1), `"crop"`, ErrManifest},
		"missing":       {strings.Replace(text, `"history":1,`, ``, 1), "missing", ErrManifest},
		"twice":         {strings.Replace(text, `"history":1`, `"history":1,"history":1`, 1), "doubled", ErrManifest},
		"upper case":    {strings.Replace(text, `"history":1`, `"History":1`, 1), "misspelled", ErrManifest},
		"space":         {text + " ", "misspelled", ErrManifest},
		"more text":     {text + "{}", "after top-level value", ErrManifest},
		"no object":     {"[]", "cannot unmarshal", ErrManifest},
		"newer version": {strings.Replace(text, `"version":1`, fmt.Sprintf(`"version":%d,"new":true`, newest+1), 1), "install sim2reald 0.1.0", ErrTooNew},
		"arch key":      {strings.Replace(text, `"pool"`, `"pol"`, 1), "arch", ErrManifest},
	}
	if _, err := Parse(forge(t, text, testTensors())); err != nil {
		t.Fatalf("the untouched manifest: %v", err)
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := Parse(forge(t, c.manifest, testTensors()))
			if !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("%v, want %q", err, c.want)
			}
			if strings.Contains(err.Error(), "\n") {
				t.Fatalf("more than one line: %v", err)
			}
		})
	}
}

func TestTensorsMustFitManifest(t *testing.T) {
	cases := map[string]struct {
		change func(map[string]safetensors.Tensor)
		want   string
	}{
		"missing": {func(m map[string]safetensors.Tensor) { delete(m, "head.0.bias") }, "head.0.bias is missing"},
		"extra":   {func(m map[string]safetensors.Tensor) { m["x"] = m[ActionMean] }, "x is not a tensor"},
		"shape": {func(m map[string]safetensors.Tensor) {
			m["head.1.weight"] = safetensors.Float32([]int{5, 6}, make([]float32, 30))
		}, "want F32 [6 5]"},
		"dtype": {func(m map[string]safetensors.Tensor) {
			m[ActionMean] = safetensors.Float64([]int{3}, make([]float64, 3))
		}, "is F64"},
		"nan": {func(m map[string]safetensors.Tensor) {
			m["head.1.bias"] = safetensors.Float32([]int{6}, []float32{0, 0, float32(math.NaN()), 0, 0, 0})
		}, `"head.1.bias", element 2`},
		"zero std": {func(m map[string]safetensors.Tensor) {
			m[ActionStd] = safetensors.Float32([]int{3}, []float32{1, 0, 1})
		}, "action.std[1] is 0"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			tensors := testTensors()
			c.change(tensors)
			_, err := New(testManifest(), tensors)
			if !errors.Is(err, ErrTensors) || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("%v, want %q", err, c.want)
			}
		})
	}
}

// A base's record is indented for people; the bundle of it is the same.
func TestSpacesInTheArchitectureDoNotCount(t *testing.T) {
	m := testManifest()
	m.Base.Arch = []byte(strings.ReplaceAll(testArch, ",", ",\n  "))
	b, err := New(m, testTensors())
	if err != nil || b.Digest() != testBundle(t).Digest() {
		t.Fatalf("another digest (%v)", err)
	}
	if _, err := Parse(bytesOf(t, b)); err != nil {
		t.Fatal(err)
	}
}

func TestResultDoesNotChangeTheDigest(t *testing.T) {
	b := testBundle(t)
	with, err := b.WithResult(&Result{Successes: 2, Episodes: 2, Interval: [2]float64{0.3, 1}, Seeds: []int64{4, 5}})
	if err != nil {
		t.Fatal(err)
	}
	if with.Digest() != b.Digest() {
		t.Fatal("a result made another bundle of it")
	}
	if bytes.Equal(bytesOf(t, with), bytesOf(t, b)) || b.Manifest.Result != nil {
		t.Fatal("the result is not in the file, or in the old bundle too")
	}
	if _, err := Parse(bytesOf(t, with)); err != nil {
		t.Fatal(err)
	}
	other := testManifest()
	other.Limits.SpeedScale = 0.25
	slower, err := New(other, testTensors())
	if err != nil || slower.Digest() == b.Digest() {
		t.Fatalf("another speed scale, the same digest (%v)", err)
	}
}

func TestObserverAndActions(t *testing.T) {
	b := testBundle(t)
	o, err := b.Observer()
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	if obs := o.Observation(); len(obs.Images) != 1 || len(obs.Images[0]) != 3*28*28 || len(obs.Proprio) != 2 {
		t.Fatalf("observation of %d pictures, %d positions", len(obs.Images), len(obs.Proprio))
	}
	a, err := b.Actions()
	if err != nil || a.Dim() != 3 {
		t.Fatalf("actions: %v", err)
	}
}

func TestLoadRefusesOtherFiles(t *testing.T) {
	dir := t.TempDir()
	plain := filepath.Join(dir, "plain.safetensors")
	if err := (&safetensors.File{Tensors: testTensors()}).WriteFile(plain); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(plain); !errors.Is(err, ErrManifest) || !strings.Contains(err.Error(), plain) {
		t.Fatalf("a file without manifest: %v", err)
	}
	if _, err := Load(filepath.Join(dir, "none")); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("no file: %v", err)
	}
	if _, err := Load(dir); err == nil {
		t.Fatal("a directory was loaded")
	}
}

func FuzzParse(f *testing.F) {
	f.Add(bytesOf(f, testBundle(f)))
	f.Add([]byte("\x02\x00\x00\x00\x00\x00\x00\x00{}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := Parse(data)
		if err != nil {
			return
		}
		if !bytes.Equal(bytesOf(t, b), data) {
			t.Fatal("accepted bytes that are not written again")
		}
	})
}

// FuzzManifest reaches behind the checksum.
func FuzzManifest(f *testing.F) {
	good, err := json.Marshal(testManifest())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	adapted, err := json.Marshal(adaptedManifest())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(adapted)
	cartesian, err := json.Marshal(cartesianManifest())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(cartesian)
	f.Fuzz(func(t *testing.T, text []byte) {
		var m Manifest
		if decodeManifest(text, &m) != nil || m.Validate() != nil {
			return
		}
		again, err := json.Marshal(m)
		if err != nil || !bytes.Equal(again, text) {
			t.Fatalf("accepted %q, writes %q (%v)", text, again, err)
		}
	})
}
