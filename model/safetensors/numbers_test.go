package safetensors

import (
	"encoding/binary"
	"errors"
	"math"
	"strings"
	"testing"
)

func TestCheckNumbers(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	small32, small64 := float32(math.SmallestNonzeroFloat32), -math.SmallestNonzeroFloat64
	for name, c := range map[string]struct {
		bad  Tensor
		want error
	}{
		"F32":            {Float32([]int{3}, []float32{1, 0, float32(nan)}), ErrNotFinite},
		"F32 infinity":   {Float32([]int{3}, []float32{1, math.MaxFloat32, float32(-inf)}), ErrNotFinite},
		"F64":            {Float64([]int{3}, []float64{1, 2, -inf}), ErrNotFinite},
		"F64 NaN":        {Float64([]int{3}, []float64{1, -math.MaxFloat64, nan}), ErrNotFinite},
		"F16":            {Tensor{F16, []int{3}, []byte{0, 0, 0, 0x3c, 0, 0x7c}}, ErrNotFinite},
		"BF16":           {Tensor{BF16, []int{3}, []byte{0, 0, 0x80, 0x3f, 0xc0, 0xff}}, ErrNotFinite},
		"F32 subnormal":  {Float32([]int{3}, []float32{0x1p-126, float32(math.Copysign(0, -1)), small32}), ErrSubnormal},
		"largest of F32": {Float32([]int{3}, []float32{0, 1, -(0x1p-126 - small32)}), ErrSubnormal},
		"F64 subnormal":  {Float64([]int{3}, []float64{0, 0x1p-1022, small64}), ErrSubnormal},
		"BF16 subnormal": {Tensor{BF16, []int{3}, []byte{0, 0, 0x80, 0x00, 0x7f, 0x80}}, ErrSubnormal},
		"F16 subnormal":  {Tensor{F16, []int{3}, []byte{0, 0, 1, 0, 0xff, 0x03}}, nil},
		"whole numbers":  {Int64([]int{3}, []int64{1, -1, 0x7ff << 52}), nil},
	} {
		f := sample()
		if err := f.CheckNumbers(); err != nil {
			t.Fatal(err)
		}
		f.Tensors["spoilt"] = c.bad
		err := f.CheckNumbers()
		if !errors.Is(err, c.want) || err != nil && !strings.Contains(err.Error(), `"spoilt", element 2`) {
			t.Errorf("%s: error %v, want %v", name, err, c.want)
		}
	}
}

// hundredMillion weights are most of a large base. Nothing writes them, so that they take little memory.
const hundredMillion = 100_000_000

// TestOneNaNInAHundredMillion is found wherever it is, as is an infinity or a subnormal number.
func TestOneNaNInAHundredMillion(t *testing.T) {
	weights := Tensor{F32, []int{hundredMillion}, make([]byte, 4*hundredMillion)}
	f := &File{Tensors: map[string]Tensor{"weights": weights}}
	for at, bits := range map[int]uint32{0: 0x7fc00000, hundredMillion / 3: 0xff800000, hundredMillion - 2: 0x80000001, hundredMillion - 1: 0x7f800001} {
		binary.LittleEndian.PutUint32(weights.Data[4*at:], bits)
		if err := f.CheckNumbers(); err == nil || weights.firstBad() != at {
			t.Errorf("%#x at %d: found at %d, %v", bits, at, weights.firstBad(), err)
		}
		binary.LittleEndian.PutUint32(weights.Data[4*at:], 0)
	}
	if err := f.CheckNumbers(); err != nil {
		t.Error(err)
	}
}

func BenchmarkCheckNumbers(b *testing.B) {
	f := &File{Tensors: map[string]Tensor{"weights": {F32, []int{hundredMillion}, make([]byte, 4*hundredMillion)}}}
	b.SetBytes(4 * hundredMillion)
	for b.Loop() {
		if err := f.CheckNumbers(); err != nil {
			b.Fatal(err)
		}
	}
}

func TestWithoutSubnormal(t *testing.T) {
	clean := Float32([]int{3}, []float32{0, 0x1p-126, -2})
	if got := clean.WithoutSubnormal(); &got.Data[0] != &clean.Data[0] {
		t.Error("a tensor with nothing to round was copied")
	}
	dirty := Float32([]int{3}, []float32{math.SmallestNonzeroFloat32, 3, -0x1p-127})
	got, err := dirty.WithoutSubnormal().Float32s()
	if err != nil || got[0] != 0 || got[1] != 3 || got[2] != 0 {
		t.Errorf("%v, %v", got, err)
	}
	if dirty.firstBad() != 0 {
		t.Error("the original was changed")
	}
}
