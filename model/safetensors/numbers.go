package safetensors

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
)

// CheckNumbers is ErrNotFinite for the first NaN or infinity by ascending name, with the tensor and the flat index, or
// ErrSubnormal for the first number too small for its format's full precision: a damaged file has such, and processors
// are slow with them. The subnormal numbers of F16 pass, which are none any more once they are widened, and so do
// tensors of whole numbers.
func (f *File) CheckNumbers() error {
	for _, name := range f.Names() {
		t := f.Tensors[name]
		i := t.firstBad()
		if i < 0 {
			continue
		}
		why := ErrSubnormal
		if !t.finite(i) {
			why = ErrNotFinite
		}
		return fmt.Errorf("tensor %.80q, element %d of shape %v: %w", name, i, t.Shape, why)
	}
	return nil
}

// In every IEEE format a number's bits without its sign are zero for zero; below least, the smallest that has full
// precision, they are of a subnormal; from infinity on, of an infinity or a NaN. One comparison of bits less least
// asks for both, because what is below least wraps around.
const (
	least32, infinity32 = 1 << 23, 0xff << 23
	least64, infinity64 = 1 << 52, 0x7ff << 52
	leastF16, infF16    = 0, 0x1f << 10
	leastBF16, infBF16  = 1 << 7, 0xff << 7

	magnitude16, magnitude32, magnitude64 = 1<<15 - 1, 1<<31 - 1, 1<<63 - 1
)

// FirstNotFinite is the index of the first NaN or infinity, -1 if there is none.
func FirstNotFinite(v []float32) int {
	return slices.IndexFunc(v, func(x float32) bool { return math.Float32bits(x)&magnitude32 >= infinity32 })
}

// firstBad is the flat index of the first NaN, infinity or subnormal number, -1 if there is none.
func (t Tensor) firstBad() int {
	switch t.DType {
	case F32:
		return firstBad32(t.Data)
	case F64:
		for i := 0; i+8 <= len(t.Data); i += 8 {
			x := binary.LittleEndian.Uint64(t.Data[i:]) & magnitude64
			if x-least64 >= infinity64-least64 && x != 0 {
				return i / 8
			}
		}
	case F16:
		return firstBadHalf(t.Data, leastF16, infF16)
	case BF16:
		return firstBadHalf(t.Data, leastBF16, infBF16)
	}
	return -1
}

func firstBad32(data []byte) int {
	for i := 0; i+4 <= len(data); i += 4 {
		x := binary.LittleEndian.Uint32(data[i:]) & magnitude32
		if x-least32 >= infinity32-least32 && x != 0 {
			return i / 4
		}
	}
	return -1
}

func firstBadHalf(data []byte, least, infinity uint16) int {
	for i := 0; i+2 <= len(data); i += 2 {
		x := binary.LittleEndian.Uint16(data[i:]) & magnitude16
		if x-least >= infinity-least && x != 0 {
			return i / 2
		}
	}
	return -1
}

// finite says whether element i of a tensor of floats is neither NaN nor infinite.
func (t Tensor) finite(i int) bool {
	b := t.Data[i*t.DType.Size():]
	switch t.DType {
	case F32:
		return binary.LittleEndian.Uint32(b)&magnitude32 < infinity32
	case F64:
		return binary.LittleEndian.Uint64(b)&magnitude64 < infinity64
	case F16:
		return binary.LittleEndian.Uint16(b)&magnitude16 < infF16
	}
	return binary.LittleEndian.Uint16(b)&magnitude16 < infBF16
}

// WithoutSubnormal is t, which is F32, with what is too small for full precision rounded to zero: t itself where there
// is nothing to round, else a copy.
func (t Tensor) WithoutSubnormal() Tensor {
	copied := false
	for i := 0; t.DType == F32 && i+4 <= len(t.Data); i += 4 {
		x := binary.LittleEndian.Uint32(t.Data[i:]) & magnitude32
		if x == 0 || x >= least32 {
			continue
		}
		if !copied {
			t.Data, copied = slices.Clone(t.Data), true
		}
		clear(t.Data[i : i+4])
	}
	return t
}
