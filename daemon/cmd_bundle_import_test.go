package main

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sim2reald/model/base"
	"sim2reald/model/bundle"
)

// torchBase copies the tiny base that the recorded file was trained on, with a record beside it.
func torchBase(t *testing.T) string {
	t.Helper()
	const from = "model/train/testdata/torch/vit"
	data, err := os.ReadFile(from + ".safetensors")
	if err != nil {
		t.Fatal(err)
	}
	arch, err := os.ReadFile(from + ".arch.json")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "vit.safetensors")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := base.Describe(path, base.Record{Name: "vit_tiny", Architecture: json.RawMessage(arch)}); err != nil {
		t.Fatal(err)
	}
	return path
}

const torchFile = "model/bundle/testdata/torch.safetensors"

func TestBundleImport(t *testing.T) {
	on, out := torchBase(t), filepath.Join(t.TempDir(), "imported.safetensors")
	if err := cmdBundle(t.Context(), []string{"import", "-base", on, "-out", out, torchFile}); err != nil {
		t.Fatal(err)
	}
	b, err := bundle.Load(out)
	if err != nil {
		t.Fatal(err)
	}
	if b.Manifest.Name != "recorded" || b.Manifest.Base.Name != "vit_tiny" || b.Manifest.MinDaemon != "0.2.0" {
		t.Errorf("manifest %+v", b.Manifest)
	}
	if err := verifyOnBase(b, on); err != nil {
		t.Error(err)
	}
}

func TestBundleImportRefuses(t *testing.T) {
	on, out := torchBase(t), filepath.Join(t.TempDir(), "out.safetensors")
	if err := os.WriteFile(out, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	cut := filepath.Join(t.TempDir(), "cut.safetensors")
	data, err := os.ReadFile(torchFile)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(cut, data[:len(data)-1], 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"no out":     {[]string{"-base", on, torchFile}, "-out is missing"},
		"no file":    {[]string{"-base", on, "-out", out}, "0 files named"},
		"flag last":  {[]string{"-out", out, torchFile, "-base", on}, "behind the flags"},
		"no base":    {[]string{"-base", on + "x", "-out", out, torchFile}, "make setup"},
		"cut":        {[]string{"-base", on, "-out", out, cut}, "save it again"},
		"a bundle":   {[]string{"-base", on, "-out", out, "model/bundles/kitchen-slide.safetensors"}, "bundle already"},
		"other base": {[]string{"-base", otherBase(t), "-out", out, torchFile}, "name the right one with -base"},
	} {
		t.Run(name, func(t *testing.T) {
			err := cmdBundleImport(t.Context(), c.args)
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%v, want %q in one line", err, c.want)
			}
			if old, err := os.ReadFile(out); err != nil || string(old) != "old" {
				t.Errorf("the file to write is %q, %v", old, err)
			}
		})
	}
	if err := cmdBundleImport(t.Context(), []string{"-nonsense"}); !errors.Is(err, errUsage) {
		t.Errorf("%v, want usage", err)
	}
}

// otherBase differs from the recorded file's in one bit of a weight.
func otherBase(t *testing.T) string {
	t.Helper()
	path := torchBase(t)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)-3] ^= 1 // a bit of the last weight
	arch, err := os.ReadFile("model/train/testdata/torch/vit.arch.json")
	if err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(t.TempDir(), "other.safetensors")
	if err := os.WriteFile(other, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := base.Describe(other, base.Record{Name: "other", Architecture: json.RawMessage(arch)}); err != nil {
		t.Fatal(err)
	}
	return other
}
