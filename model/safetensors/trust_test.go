package safetensors

import (
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// sparse makes a file of a header and size bytes that take no room on the disk.
func sparse(t *testing.T, head []byte, size int64) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sparse.safetensors")
	if err := os.WriteFile(path, head, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, int64(len(head))+size); err != nil {
		t.Fatal(err)
	}
	return path
}

// allocated is how many bytes f takes in all, which is no less than it ever holds.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// TestALieCostsNoMemory: whatever a header says, refusing it takes no more than a small multiple of the header
// itself, which is at most a mebibyte; the data, here a gibibyte, is not touched.
func TestALieCostsNoMemory(t *testing.T) {
	const gib, small, large = 1 << 30, 1 << 16, 16 << 20
	one := func(tensor string) []byte { return fileOf(`{"a":`+tensor+`}`, 0) }
	for name, c := range map[string]struct {
		head []byte
		most uint64
	}{
		"length of a header":   {binary.LittleEndian.AppendUint64(nil, math.MaxInt64), small},
		"header near the file": {binary.LittleEndian.AppendUint64(nil, gib), small},
		"dtype":                {one(`{"dtype":"F8","shape":[1073741824],"data_offsets":[0,1073741824]}`), small},
		"shape":                {one(`{"dtype":"F32","shape":[1099511627776],"data_offsets":[0,1073741824]}`), small},
		"overflow":             {one(`{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,1073741824]}`), small},
		"offsets":              {one(`{"dtype":"U8","shape":[4611686018427387903],"data_offsets":[0,4611686018427387903]}`), small},
		"hole":                 {one(`{"dtype":"U8","shape":[1],"data_offsets":[1073741823,1073741824]}`), small},
		"half the data":        {one(`{"dtype":"U8","shape":[536870912],"data_offsets":[0,536870912]}`), small},
		"most tensors":         {fileOf(manyTensors(4096), 0), large},
		"too many tensors":     {fileOf(manyTensors(14000), 0), large},
		"too much metadata":    {fileOf(manyMetadata(70000), 0), large},
		"endless name":         {fileOf(`{"`+strings.Repeat("a", 1<<20-10)+`":1}`, 0), large},
		"endless escapes":      {fileOf(`{"`+strings.Repeat(`\u0061`, 170000)+`":1}`, 0), large},
	} {
		t.Run(name, func(t *testing.T) {
			path := sparse(t, c.head, gib)
			var err error
			used := allocated(func() { _, err = ReadFile(path, DefaultLimits()) })
			if err == nil {
				t.Fatal("was read")
			}
			if used > c.most {
				t.Errorf("%d bytes were allocated for a header of %d, want at most %d: %v", used, len(c.head), c.most, err)
			}
			t.Logf("%d bytes: %v", used, err)
		})
	}
}

// TestMaliciousFiles are refused at the price of a few kilobytes and well within 50 ms, though each claims a gibibyte.
func TestMaliciousFiles(t *testing.T) {
	const gib, mostBytes, mostTime = 1 << 30, 2 << 20, 50 * time.Millisecond
	const half = `"dtype":"U8","shape":[536870912],"data_offsets"`
	lengthOf := func(n uint64) []byte { return binary.LittleEndian.AppendUint64(nil, n) }
	for name, c := range map[string]struct {
		head []byte
		want error
	}{
		"length of 2^63":       {lengthOf(1 << 63), ErrLimit},
		"header of 100 MB":     {lengthOf(100_000_000), ErrLimit},
		"overlap":              {fileOf(`{"a":{`+half+`:[0,536870912]},"b":{`+half+`:[536870911,1073741823]}}`, 0), ErrLayout},
		"hole":                 {fileOf(`{"a":{`+half+`:[0,536870912]},"b":{"dtype":"U8","shape":[1],"data_offsets":[1073741823,1073741824]}}`, 0), ErrLayout},
		"key that is twice":    {fileOf(`{"a":{`+half+`:[0,536870912]},"a":{`+half+`:[536870912,1073741824]}}`, 0), ErrDuplicate},
		"shape that wraps":     {fileOf(`{"a":{"dtype":"F32","shape":[2305843009213693952,8],"data_offsets":[0,1073741824]}}`, 0), ErrShape},
		"offsets that wrap":    {fileOf(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[18446744073709551615,0]}}`, 0), ErrHeader},
		"brackets without end": {fileOf(`{"a":`+strings.Repeat("[", 1<<18), 0), ErrHeader},
	} {
		t.Run(name, func(t *testing.T) {
			path := sparse(t, c.head, gib)
			quickest := time.Hour
			for range 3 { // the machine may be busy with something else in one of them
				var err error
				began := time.Now()
				used := allocated(func() { _, err = ReadFile(path, DefaultLimits()) })
				quickest = min(quickest, time.Since(began))
				checkError(t, err, c.want)
				if used > mostBytes {
					t.Errorf("%d bytes were allocated, want at most %d", used, mostBytes)
				}
			}
			if quickest > mostTime {
				t.Errorf("refused after %v, want at most %v", quickest, mostTime)
			}
		})
	}
}

// TestPythonFile reads what the Python library saved (testdata/generate.py): its order, padding and dtypes.
func TestPythonFile(t *testing.T) {
	f, err := ReadFile("testdata/python.safetensors", DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	if f.Metadata["format"] != "pt \"é\"\n" || len(f.Tensors) != 16 {
		t.Errorf("metadata %q, %d tensors", f.Metadata, len(f.Tensors))
	}
	for _, name := range []string{"f16", "bf16", "f32", "f64"} {
		v, err := f.Tensors[name].Float64s()
		if err != nil || !slices.Equal(v, []float64{1.5, -2, 0, 0.25, 3, -0.5}) || !slices.Equal(f.Tensors[name].Shape, []int{2, 3}) {
			t.Errorf("%s: %v of shape %v, %v", name, v, f.Tensors[name].Shape, err)
		}
	}
	for name, want := range map[string]Tensor{
		"i64":     Int64([]int{2, 2}, []int64{1, 2, 3, 100}),
		"u8":      bytesOf([]int{2, 2}, []uint8{1, 2, 3, 100}),
		"i8":      {I8, []int{2, 2}, []byte{1, 2, 3, 100}},
		"u16":     {U16, []int{2, 2}, []byte{1, 0, 2, 0, 3, 0, 100, 0}},
		"i16":     {I16, []int{2, 2}, []byte{1, 0, 2, 0, 3, 0, 100, 0}},
		"u32":     {U32, []int{2, 2}, []byte{1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 100, 0, 0, 0}},
		"i32":     {I32, []int{2, 2}, []byte{1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 100, 0, 0, 0}},
		"bool":    {Bool, []int{3}, []byte{1, 0, 1}},
		"scalar":  Float32(nil, []float32{2.5}),
		"nothing": Float32([]int{0, 3}, nil),

		"a \"name\"\nof ünusual letters": Float32([]int{1}, []float32{1}),
	} {
		got, there := f.Tensors[name]
		if !there || got.DType != want.DType || !slices.Equal(got.Shape, want.Shape) || !slices.Equal(got.Data, want.Data) {
			t.Errorf("%q is %v, want %v", name, got, want)
		}
	}
	if u64 := f.Tensors["u64"]; u64.DType != U64 || !slices.Equal(u64.Data, f.Tensors["i64"].Data) {
		t.Errorf("u64 is %v", u64)
	}
	if err := f.CheckNumbers(); err != nil {
		t.Error(err)
	}
	_, err = ReadFile("testdata/f8.safetensors", DefaultLimits())
	checkError(t, err, ErrDType)
}
