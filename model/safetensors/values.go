package safetensors

import (
	"encoding/binary"
	"fmt"
	"math"
)

// Float32 makes a tensor of float32.
func Float32(shape []int, v []float32) Tensor {
	data := make([]byte, 0, 4*len(v))
	for _, x := range v {
		data = binary.LittleEndian.AppendUint32(data, math.Float32bits(x))
	}
	return Tensor{DType: F32, Shape: append([]int{}, shape...), Data: data}
}

// Float64 makes a tensor of float64.
func Float64(shape []int, v []float64) Tensor {
	data := make([]byte, 0, 8*len(v))
	for _, x := range v {
		data = binary.LittleEndian.AppendUint64(data, math.Float64bits(x))
	}
	return Tensor{DType: F64, Shape: append([]int{}, shape...), Data: data}
}

// Int64 makes a tensor of int64.
func Int64(shape []int, v []int64) Tensor {
	data := make([]byte, 0, 8*len(v))
	for _, x := range v {
		data = binary.LittleEndian.AppendUint64(data, uint64(x))
	}
	return Tensor{DType: I64, Shape: append([]int{}, shape...), Data: data}
}

// Float32s decodes F32 exactly, F16 and BF16 by exact widening, and F64 by rounding to nearest; a finite F64
// beyond float32's range is ErrNotFinite, another dtype ErrDType.
func (t Tensor) Float32s() ([]float32, error) {
	decode, err := t.float32Decoder()
	if err != nil {
		return nil, err
	}
	size := t.DType.Size()
	out := make([]float32, len(t.Data)/size)
	for i := range out {
		out[i] = decode(t.Data[i*size:])
	}
	if t.DType == F64 {
		return out, t.checkNarrowed(out)
	}
	return out, nil
}

func (t Tensor) float32Decoder() (func([]byte) float32, error) {
	switch t.DType {
	case F32:
		return func(b []byte) float32 { return math.Float32frombits(binary.LittleEndian.Uint32(b)) }, nil
	case F64:
		return func(b []byte) float32 { return float32(math.Float64frombits(binary.LittleEndian.Uint64(b))) }, nil
	case BF16:
		return func(b []byte) float32 { return math.Float32frombits(uint32(binary.LittleEndian.Uint16(b)) << 16) }, nil
	case F16:
		return func(b []byte) float32 { return fromHalf(binary.LittleEndian.Uint16(b)) }, nil
	}
	return nil, fmt.Errorf("tensor of %s where floats belong: %w", t.DType, ErrDType)
}

func (t Tensor) checkNarrowed(out []float32) error {
	for i, v := range out {
		wide := math.Float64frombits(binary.LittleEndian.Uint64(t.Data[8*i:]))
		if math.IsInf(float64(v), 0) && !math.IsInf(wide, 0) {
			return fmt.Errorf("element %d: %g does not fit in float32: %w", i, wide, ErrNotFinite)
		}
	}
	return nil
}

// Float64s decodes F64 exactly and every narrower float by widening.
func (t Tensor) Float64s() ([]float64, error) {
	if t.DType == F64 {
		out := make([]float64, len(t.Data)/8)
		for i := range out {
			out[i] = math.Float64frombits(binary.LittleEndian.Uint64(t.Data[8*i:]))
		}
		return out, nil
	}
	narrow, err := t.Float32s()
	if err != nil {
		return nil, err
	}
	out := make([]float64, len(narrow))
	for i, v := range narrow {
		out[i] = float64(v)
	}
	return out, nil
}

// Int64s decodes I64.
func (t Tensor) Int64s() ([]int64, error) {
	if t.DType != I64 {
		return nil, fmt.Errorf("tensor of %s where I64 belongs: %w", t.DType, ErrDType)
	}
	out := make([]int64, len(t.Data)/8)
	for i := range out {
		out[i] = int64(binary.LittleEndian.Uint64(t.Data[8*i:]))
	}
	return out, nil
}

// fromHalf widens an IEEE 754 binary16.
func fromHalf(h uint16) float32 {
	sign := uint32(h&0x8000) << 16
	exp, frac := uint32(h>>10&0x1f), uint32(h&0x3ff)
	switch exp {
	case 0: // zero or subnormal: frac · 2^-24
		v := float32(frac) * 0x1p-24
		return math.Float32frombits(sign | math.Float32bits(v))
	case 0x1f: // infinity or NaN
		return math.Float32frombits(sign | 0xff<<23 | frac<<13)
	}
	return math.Float32frombits(sign | (exp+127-15)<<23 | frac<<13)
}
