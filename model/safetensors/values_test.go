package safetensors

import (
	"encoding/binary"
	"errors"
	"math"
	"testing"
)

// TestDigest pins the rule: the converter computes the same in Python, and bundles name their base by it.
func TestDigest(t *testing.T) {
	f := &File{Metadata: map[string]string{"not": "counted"}, Tensors: map[string]Tensor{
		"b": Float32([]int{1, 2}, []float32{1, 2}), "a": bytesOf([]int{3}, []byte{1, 2, 3})}}
	const want = "sha256:01ab594ea428d567fb36ed3980fc9d25d1a30bd4db4e5ef1dc8252cd880e09b9"
	if got := f.Digest(); got != want {
		t.Errorf("digest %s, want %s", got, want)
	}
	// The converter's own test looks for this one.
	const float = "sha256:d4395457d752e6c5684bce41f2163f35cfe3638d32914e182d1dd6d19544b63d"
	if got := (&File{Tensors: map[string]Tensor{"b": f.Tensors["b"]}}).Digest(); got != float {
		t.Errorf("digest %s, want %s", got, float)
	}
	bytes := f.Tensors["b"].Data
	for name, changed := range map[string]map[string]Tensor{
		"name":  {"a": f.Tensors["a"], "c": f.Tensors["b"]},
		"shape": {"a": f.Tensors["a"], "b": {F32, []int{2}, bytes}},
		"dtype": {"a": f.Tensors["a"], "b": {I32, []int{1, 2}, bytes}},
		"data":  {"a": f.Tensors["a"], "b": Float32([]int{1, 2}, []float32{1, 3})},
	} {
		if (&File{Tensors: changed}).Digest() == want {
			t.Errorf("another %s has the same digest", name)
		}
	}
}

func TestFloat32s(t *testing.T) {
	half := func(bits ...uint16) []byte {
		var out []byte
		for _, b := range bits {
			out = binary.LittleEndian.AppendUint16(out, b)
		}
		return out
	}
	for _, c := range []struct {
		name string
		in   Tensor
		want []float32
	}{
		{"F32", Float32([]int{2}, []float32{1.5, -0}), []float32{1.5, 0}},
		{"F64", Float64([]int{2}, []float64{0.1, -3}), []float32{0.1, -3}},
		{"BF16", Tensor{BF16, []int{2}, half(0x3f80, 0xc040)}, []float32{1, -3}},
		{"F16", Tensor{F16, []int{5}, half(0x3c00, 0xc000, 0x0001, 0x7bff, 0x8000)}, []float32{1, -2, 0x1p-24, 65504, 0}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := c.in.Float32s()
			if err != nil {
				t.Fatal(err)
			}
			for i := range c.want {
				if got[i] != c.want[i] {
					t.Errorf("element %d is %g, want %g", i, got[i], c.want[i])
				}
			}
		})
	}
	if _, err := Float64([]int{1}, []float64{1e300}).Float32s(); !errors.Is(err, ErrNotFinite) {
		t.Errorf("1e300: error %v, want ErrNotFinite", err)
	}
	if _, err := Int64([]int{1}, []int64{1}).Float32s(); !errors.Is(err, ErrDType) {
		t.Errorf("whole number: error %v, want ErrDType", err)
	}
}

// TestHalf holds every half to its definition.
func TestHalf(t *testing.T) {
	for h := range 1 << 16 {
		sign := 1 - 2*float64(h>>15)
		exp, frac := h>>10&0x1f, float64(h&0x3ff)
		want := sign * math.Ldexp(1+frac/1024, exp-15)
		if exp == 0 {
			want = sign * math.Ldexp(frac/1024, -14)
		}
		got := float64(fromHalf(uint16(h)))
		if exp == 31 {
			if frac == 0 && !math.IsInf(got, int(sign)) || frac != 0 && !math.IsNaN(got) {
				t.Errorf("%#x is %g", h, got)
			}
		} else if got != want {
			t.Errorf("%#x is %g, want %g", h, got, want)
		}
	}
}

// bytesOf makes a tensor of bytes.
func bytesOf(shape []int, v []uint8) Tensor { return Tensor{DType: U8, Shape: shape, Data: v} }
