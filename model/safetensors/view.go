package safetensors

import "unsafe"

// View is Float32s without a copy where the tensor is F32 and lies in memory as this machine's float32s do,
// and with one elsewhere. The values must not be written, and the tensor's bytes not be changed while they are
// in use.
func (t Tensor) View() ([]float32, error) {
	if t.DType != F32 || len(t.Data) == 0 || len(t.Data)%4 != 0 || !littleEndian() {
		return t.Float32s()
	}
	start := unsafe.Pointer(unsafe.SliceData(t.Data))
	if uintptr(start)%unsafe.Alignof(float32(0)) != 0 {
		return t.Float32s()
	}
	return unsafe.Slice((*float32)(start), len(t.Data)/4), nil
}

// littleEndian says whether this machine writes numbers as the file format does.
func littleEndian() bool {
	one := uint16(1)
	return *(*byte)(unsafe.Pointer(&one)) == 1
}
