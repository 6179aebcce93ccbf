package engine

import (
	"os"
	"path/filepath"
	"testing"

	"sim2reald/model/backbone"
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
