package base

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sim2reald/model/backbone"
	"sim2reald/model/safetensors"
)

const tiny = "../backbone/testdata/vit_token"

// tinyRecord is what a user knows of a file of their own.
func tinyRecord(t testing.TB) Record {
	t.Helper()
	arch, err := os.ReadFile(tiny + ".arch.json")
	if err != nil {
		t.Fatal(err)
	}
	return Record{Name: "vit_tiny_golden", Licence: Licence{Weights: "none, random numbers"}, Architecture: arch}
}

// install copies the tiny base to a folder of its own and describes it.
func install(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "tiny.safetensors")
	data, err := os.ReadFile(tiny + ".safetensors")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o400); err != nil { // read-only is enough for everything here
		t.Fatal(err)
	}
	if _, err := Describe(path, tinyRecord(t)); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestDescribeThenOpen(t *testing.T) {
	path := install(t)
	b, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if b.Arch.FeatureLen() != 96 || b.Identity() != b.File.Digest() || b.Record.Name != "vit_tiny_golden" {
		t.Errorf("%d features, identity %s, name %q", b.Arch.FeatureLen(), b.Identity(), b.Record.Name)
	}
	if _, err := Describe(path, tinyRecord(t)); !errors.Is(err, ErrRecord) {
		t.Errorf("describing twice: error %v, want ErrRecord", err)
	}
	left, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(left) != 2 {
		t.Errorf("files left over: %v %v", left, err)
	}
}

// rewrite replaces a file whatever its mode.
func rewrite(t testing.TB, path string, change func([]byte) []byte) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, change(data), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestUnchanged(t *testing.T) {
	path := install(t)
	b, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Unchanged(); err != nil {
		t.Error(err)
	}
	weight := b.File.Tensors["norm.weight"].Data
	weight[0] ^= 1
	if err := b.Unchanged(); !errors.Is(err, ErrDigest) || !strings.Contains(err.Error(), "in memory") {
		t.Errorf("a bit flipped in memory: %v", err)
	}
	weight[0] ^= 1
	rewrite(t, path, func(data []byte) []byte { data[len(data)-1] ^= 1; return data })
	if err := b.Unchanged(); !errors.Is(err, ErrDigest) || !strings.Contains(err.Error(), "the file was") {
		t.Errorf("a bit flipped on disk: %v", err)
	}
}

func TestOpenRefuses(t *testing.T) {
	replace := func(old, text string) func([]byte) []byte {
		return func(b []byte) []byte {
			if !bytes.Contains(b, []byte(old)) {
				t.Fatalf("record lacks %q", old)
			}
			return bytes.Replace(b, []byte(old), []byte(text), 1)
		}
	}
	flip := func(at func(n int) int) func([]byte) []byte {
		return func(b []byte) []byte { b[at(len(b))] ^= 1; return b }
	}
	for _, c := range []struct {
		name, file string // "" is the base, ".json" its record
		change     func([]byte) []byte
		want       error
		says       string
	}{
		{"flipped last byte", "", flip(func(n int) int { return n - 1 }), ErrDigest, "file digest is sha256:"},
		{"flipped header byte", "", flip(func(int) int { return 8 }), ErrDigest, "restore the file"},
		{"cut", "", func(b []byte) []byte { return b[:len(b)-1] }, ErrDigest, "record says sha256:"},
		{"empty", "", func([]byte) []byte { return nil }, ErrDigest, "file digest"},
		{"other identity", ".json", replace(`"canonical_digest": "sha256:`, `"canonical_digest": "sha256:0000`), ErrRecord, "64 hex digits"},
		{"unknown key", ".json", replace(`"name"`, `"extra": 1, "name"`), ErrRecord, "extra"},
		{"later format", ".json", replace(`"record": 1`, `"record": 2`), ErrRecord, "format 2"},
		{"cut record", ".json", func(b []byte) []byte { return b[:len(b)/2] }, ErrRecord, "record"},
		{"long record", ".json", func(b []byte) []byte { return append(b, bytes.Repeat([]byte(" "), maxRecord)...) }, ErrRecord, "longer"},
		{"record goes on", ".json", func(b []byte) []byte { return append(b, '1') }, ErrRecord, "goes on"},
		{"other family", ".json", replace(`"vit"`, `"swin"`), backbone.ErrArch, "swin"},
		{"deeper", ".json", replace(`"depth": 2`, `"depth": 3`), backbone.ErrTensor, "blocks.2."},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := install(t)
			target := path
			if c.file != "" {
				target = recordPath(path)
			}
			rewrite(t, target, c.change)
			_, err := Open(path)
			checkRefusal(t, err, c.want, c.says)
		})
	}
}

func checkRefusal(t *testing.T, err, want error, says string) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("error %v, want %v", err, want)
	}
	if !strings.Contains(err.Error(), says) || !strings.HasPrefix(err.Error(), "base ") || strings.Contains(err.Error(), "\n") {
		t.Errorf("error %q does not say %q on one line", err, says)
	}
}

// TestOpenRefusesOtherIdentity: a record whose file digest is right and whose identity is another base's.
func TestOpenRefusesOtherIdentity(t *testing.T) {
	path := install(t)
	rewrite(t, recordPath(path), func(b []byte) []byte {
		var r Record
		if err := json.Unmarshal(b, &r); err != nil {
			t.Fatal(err)
		}
		r.CanonicalDigest = r.FileDigest
		out, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		return out
	})
	_, err := Open(path)
	checkRefusal(t, err, ErrDigest, "canonical digest is sha256:")
}

func TestMissing(t *testing.T) {
	path := install(t)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	_, err := Open(path)
	checkRefusal(t, err, ErrMissing, "make setup")
	_, err = Open(filepath.Join(t.TempDir(), "none.safetensors"))
	checkRefusal(t, err, ErrMissing, "make setup")
}

// TestNaN: weights that are not finite are refused even where the record has the right digests.
func TestNaN(t *testing.T) {
	f, err := safetensors.ReadFile(tiny+".safetensors", safetensors.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	values, err := f.Tensors["norm.bias"].Float32s()
	if err != nil {
		t.Fatal(err)
	}
	values[17] = float32(math.NaN())
	f.Tensors["norm.bias"] = safetensors.Float32([]int{48}, values)
	path := filepath.Join(t.TempDir(), "nan.safetensors")
	if err := f.WriteFile(path); err != nil {
		t.Fatal(err)
	}
	_, err = Describe(path, tinyRecord(t))
	checkRefusal(t, err, safetensors.ErrNotFinite, `tensor "norm.bias", element 17`)
	// The record of a file that was described before this check existed.
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	r := tinyRecord(t)
	r.Version, r.FileDigest, r.CanonicalDigest = recordVersion, digest(data), f.Digest()
	if err := r.write(recordPath(path)); err != nil {
		t.Fatal(err)
	}
	_, err = Open(path)
	checkRefusal(t, err, safetensors.ErrNotFinite, "get another copy")
}

// FuzzRecord: whatever is read is a valid record, and written again it reads the same.
func FuzzRecord(f *testing.F) {
	text, err := os.ReadFile(recordPath(install(f)))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte(`{"record":1}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := parseRecord("fuzz.json", text)
		if err != nil {
			return
		}
		out, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := parseRecord("fuzz.json", out); err != nil {
			t.Fatalf("%s: %v", out, err)
		}
	})
}

// TestRealBase opens what `make setup` converts, and writes it again: Go's bytes are the converter's.
func TestRealBase(t *testing.T) {
	path := os.Getenv("SIM2REALD_BASE")
	if path == "" {
		path = "../../build/base/vit_small_patch14_dinov2.safetensors"
	}
	if _, err := os.Stat(path); err != nil {
		if os.Getenv("SIM2REALD_ALL") != "" {
			t.Fatalf("SIM2REALD_ALL wants every test: %v", err)
		}
		t.Skipf("needs the real base (set SIM2REALD_BASE or run `make setup`): %v", err)
	}
	b, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	preset, err := backbone.Preset(b.Record.Name)
	if err != nil {
		t.Fatal(err)
	}
	if *preset.(*backbone.ViT) != *b.Arch.(*backbone.ViT) {
		t.Errorf("architecture %+v, the preset is %+v", b.Arch, preset)
	}
	again := filepath.Join(t.TempDir(), "again.safetensors")
	if err := b.File.WriteFile(again); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(again)
	if got := fmt.Sprintf("sha256:%x", sha256.Sum256(data)); err != nil || got != b.Record.FileDigest {
		t.Errorf("written again its digest is %s %v, want %s", got, err, b.Record.FileDigest)
	}
}
