package safetensors

import (
	"math"
	"slices"
	"testing"
	"unsafe"
)

// TestView holds the view to the copy, at every alignment, and wants no copy where none is needed.
func TestView(t *testing.T) {
	want := []float32{0, -1, 1.5, float32(math.Inf(1)), math.MaxFloat32, math.SmallestNonzeroFloat32}
	whole := Float32([]int{6}, want)
	backing := make([]byte, len(whole.Data)+8)
	for offset := range 5 {
		data := backing[offset : offset+len(whole.Data)]
		copy(data, whole.Data)
		got, err := Tensor{DType: F32, Shape: []int{6}, Data: data}.View()
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("offset %d: %v, %v", offset, got, err)
		}
		start := unsafe.Pointer(unsafe.SliceData(data))
		shares := unsafe.Pointer(unsafe.SliceData(got)) == start
		if aligned := uintptr(start)%4 == 0; shares != aligned {
			t.Errorf("offset %d: shares memory %t, aligned %t", offset, shares, aligned)
		}
	}
	if got, err := Float64([]int{1}, []float64{2.5}).View(); err != nil || !slices.Equal(got, []float32{2.5}) {
		t.Errorf("float64: %v, %v", got, err)
	}
	if _, err := Int64([]int{1}, []int64{1}).View(); err == nil {
		t.Error("whole numbers were viewed as floats")
	}
}
