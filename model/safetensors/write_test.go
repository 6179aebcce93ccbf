package safetensors

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

func sample() *File {
	return &File{
		Metadata: map[string]string{"z": "last", "a": "first <&> \"quoted\"\n"},
		Tensors: map[string]Tensor{
			"b.weight": Float32([]int{2, 2}, []float32{1, -2, 3.5, 0}),
			"a":        bytesOf([]int{3}, []byte{1, 2, 3}),
			"wide":     Float64([]int{}, []float64{math.Pi}),
			"count":    Int64([]int{1}, []int64{-7}),
			"ümlaut":   bytesOf([]int{0}, nil),
		},
	}
}

// TestWriteFile: written twice the bytes are equal, and read back everything is there.
func TestWriteFile(t *testing.T) {
	dir := t.TempDir()
	first, second := filepath.Join(dir, "1"), filepath.Join(dir, "2")
	f := sample()
	for _, path := range []string{first, second} {
		if err := f.WriteFile(path); err != nil {
			t.Fatal(err)
		}
	}
	a, err := os.ReadFile(first)
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(second)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(a, b) {
		t.Error("two writes differ")
	}
	got, err := ReadFile(first, DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	if got.Digest() != f.Digest() || len(got.Metadata) != 2 || got.Metadata["a"] != f.Metadata["a"] {
		t.Errorf("read back %v", got.Metadata)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 2 {
		t.Errorf("files left over: %v %v", left, err)
	}
}

func TestWriteRefuses(t *testing.T) {
	for name, f := range map[string]*File{
		"length mismatch": {Tensors: map[string]Tensor{"a": {DType: F32, Shape: []int{2}, Data: make([]byte, 4)}}},
		"unknown dtype":   {Tensors: map[string]Tensor{"a": {DType: "F8", Shape: []int{1}, Data: make([]byte, 1)}}},
		"reserved name":   {Tensors: map[string]Tensor{"__metadata__": bytesOf([]int{1}, []byte{1})}},
		"name not UTF-8":  {Tensors: map[string]Tensor{"\xff": bytesOf([]int{1}, []byte{1})}},
		"text not UTF-8":  {Metadata: map[string]string{"k": "\xff"}},
		"long metadata":   {Metadata: map[string]string{"k": strings.Repeat("x", 1<<20)}},
		"much metadata":   {Metadata: manyKeys(DefaultLimits().MaxTensors + 1)},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "out")
			if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := f.WriteFile(path); err == nil {
				t.Error("was written")
			}
			if old, err := os.ReadFile(path); err != nil || string(old) != "old" {
				t.Errorf("old file is %q %v", old, err)
			}
		})
	}
}

func manyKeys(n int) map[string]string {
	out := map[string]string{}
	for i := range n {
		out[strconv.Itoa(i)] = ""
	}
	return out
}
