// Package safetensors reads and writes safetensors files: an 8-byte little-endian header length, a JSON
// header of names, dtypes, shapes and offsets, then the tensors' bytes.
//
// What belongs here: the file format, the typed view of a tensor's bytes, and the canonical digest over
// tensors. What does not: what a tensor means (model/backbone, model/bundle) and arithmetic on it.
//
// The reader is made for a file from anywhere. It bounds header, tensors, rank and size before it allocates,
// refuses a key that stands twice (encoding/json would keep the last in silence, so that two readers could
// disagree on one file), and wants the tensors to tile the data exactly: no overlap, no hole, no rest.
package safetensors

import (
	"errors"
	"fmt"
	"math"
	"math/bits"
	"sort"
)

// Every refusal of this package wraps one of these.
var (
	ErrHeader    = errors.New("malformed header")
	ErrLimit     = errors.New("limit exceeded")
	ErrDuplicate = errors.New("duplicate key")
	ErrLayout    = errors.New("tensors do not tile the data")
	ErrDType     = errors.New("unsupported dtype")
	ErrShape     = errors.New("malformed shape")
	ErrNotFinite = errors.New("value is not finite")
	ErrSubnormal = errors.New("value is subnormal")
)

// DType is a tensor's element type, spelled as in the file.
type DType string

// The element types that are understood.
const (
	Bool DType = "BOOL"
	U8   DType = "U8"
	I8   DType = "I8"
	I16  DType = "I16"
	U16  DType = "U16"
	F16  DType = "F16"
	BF16 DType = "BF16"
	I32  DType = "I32"
	U32  DType = "U32"
	F32  DType = "F32"
	I64  DType = "I64"
	U64  DType = "U64"
	F64  DType = "F64"
)

// Size is the number of bytes of one element, 0 for a dtype that is not understood.
func (d DType) Size() int {
	switch d {
	case Bool, U8, I8:
		return 1
	case I16, U16, F16, BF16:
		return 2
	case I32, U32, F32:
		return 4
	case I64, U64, F64:
		return 8
	}
	return 0
}

// Tensor is one array. Data is little-endian and row-major; len(Data) is the product of Shape times the
// size of DType. An empty Shape is a scalar.
type Tensor struct {
	DType DType
	Shape []int
	Data  []byte
}

// File is the content of one safetensors file.
type File struct {
	Metadata map[string]string
	Tensors  map[string]Tensor
}

// Limits bounds what a reader accepts. DefaultLimits suits every file of this project.
type Limits struct {
	MaxHeader  int   // bytes of JSON
	MaxTensors int   // entries besides the metadata, and keys in the metadata
	MaxFile    int64 // bytes of the whole file
	MaxRank    int   // dimensions of one tensor
}

// DefaultLimits is 1 MiB of header, 4096 tensors, 8 dimensions and 8 GiB of file.
func DefaultLimits() Limits {
	return Limits{MaxHeader: 1 << 20, MaxTensors: 4096, MaxFile: 8 << 30, MaxRank: 8}
}

// Names lists the tensors in ascending byte order.
func (f *File) Names() []string {
	names := make([]string, 0, len(f.Tensors))
	for name := range f.Tensors {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// Len is the number of elements, or -1 when the shape is negative or its product does not fit in an int.
func (t Tensor) Len() int { return product(t.Shape) }

// product multiplies the dimensions, -1 when one is negative or the product overflows. A zero anywhere does
// not excuse an overflow elsewhere: readers would disagree on such a shape.
func product(shape []int) int {
	n, zero := uint64(1), false
	for _, d := range shape {
		if d < 0 {
			return -1
		}
		if d == 0 {
			zero = true
			continue
		}
		hi, lo := bits.Mul64(n, uint64(d))
		if hi != 0 || lo > 1<<62 {
			return -1
		}
		n = lo
	}
	if zero {
		return 0
	}
	return int(n)
}

// checkTensor says whether dtype, shape and length in bytes of a tensor agree.
func checkTensor(name string, dtype DType, shape []int, length int64, lim Limits) error {
	size := dtype.Size()
	if size == 0 {
		return fmt.Errorf("tensor %.80q: dtype %.80q: save it as F32 or another that is understood: %w", name, dtype, ErrDType)
	}
	if len(shape) > lim.MaxRank {
		return fmt.Errorf("tensor %.80q: %d dimensions, at most %d: %w", name, len(shape), lim.MaxRank, ErrLimit)
	}
	n := product(shape)
	if n < 0 || n > math.MaxInt/size {
		return fmt.Errorf("tensor %.80q: shape %v overflows: %w", name, shape, ErrShape)
	}
	if int64(n)*int64(size) != length {
		return fmt.Errorf("tensor %.80q: shape %v of %s needs %d bytes, it has %d: %w",
			name, shape, dtype, n*size, length, ErrShape)
	}
	return nil
}
