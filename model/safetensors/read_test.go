package safetensors

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// fileOf puts a header in front of size zero bytes.
func fileOf(header string, size int) []byte {
	out := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(out, header...), make([]byte, size)...)
}

// parseCase is one file; the table feeds Parse, ReadFile and the fuzzer's seeds.
type parseCase struct {
	name string
	data []byte
	want error // nil: it is read
}

func parseCases() []parseCase {
	lengthOf := func(n uint64) []byte { return binary.LittleEndian.AppendUint64(nil, n) }
	one := func(tensor string, size int) []byte { return fileOf(`{"a":`+tensor+`}`, size) }
	return []parseCase{
		{"empty header", fileOf(`{}`, 0), nil},
		{"padded", fileOf(`{}      `, 0), nil},
		{"one tensor", one(`{"dtype":"F32","shape":[2],"data_offsets":[0,8]}`, 8), nil},
		{"scalar", one(`{"dtype":"F64","shape":[],"data_offsets":[0,8]}`, 8), nil},
		{"empty tensor", one(`{"dtype":"F32","shape":[0,3],"data_offsets":[0,0]}`, 0), nil},
		{"keys in another order", one(`{"data_offsets":[0,1],"shape":[1],"dtype":"U8"}`, 1), nil},
		{"metadata", fileOf(`{"__metadata__":{"k":"v"},"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}`, 1), nil},
		{"tensors out of order", fileOf(`{"b":{"dtype":"U8","shape":[1],"data_offsets":[1,2]},"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}`, 2), nil},

		{"no bytes", nil, ErrHeader},
		{"seven bytes", make([]byte, 7), ErrHeader},
		{"no header", lengthOf(0), ErrHeader},
		{"huge header", lengthOf(math.MaxUint64), ErrLimit},
		{"header over the limit", lengthOf(1<<20 + 1), ErrLimit},
		{"header beyond the file", append(lengthOf(100), '{', '}'), ErrHeader},
		{"space first", fileOf(` {}`, 0), ErrHeader},
		{"array", fileOf(`[]`, 0), ErrHeader},
		{"cut", fileOf(`{"a":`, 0), ErrHeader},
		{"goes on", fileOf(`{}{}`, 0), ErrHeader},
		{"newline after", fileOf("{}\n", 0), ErrHeader},
		{"not UTF-8", fileOf("{\"\xff\":{}}", 0), ErrHeader},
		{"metadata of numbers", fileOf(`{"__metadata__":{"k":1}}`, 0), ErrHeader},
		{"null tensor", one(`null`, 0), ErrHeader},
		{"unknown key", one(`{"dtype":"U8","shape":[1],"data_offsets":[0,1],"x":1}`, 1), ErrHeader},
		{"no dtype", one(`{"shape":[1],"data_offsets":[0,1]}`, 1), ErrHeader},
		{"one offset", one(`{"dtype":"U8","shape":[1],"data_offsets":[0]}`, 1), ErrHeader},
		{"three offsets", one(`{"dtype":"U8","shape":[1],"data_offsets":[0,1,2]}`, 1), ErrLimit},
		{"negative dimension", one(`{"dtype":"U8","shape":[-1],"data_offsets":[0,1]}`, 1), ErrHeader},
		{"fraction", one(`{"dtype":"U8","shape":[1.5],"data_offsets":[0,1]}`, 1), ErrHeader},
		{"exponent", one(`{"dtype":"U8","shape":[1e0],"data_offsets":[0,1]}`, 1), ErrHeader},
		{"number beyond 64 bits", one(`{"dtype":"U8","shape":[99999999999999999999],"data_offsets":[0,1]}`, 1), ErrHeader},
		{"nine dimensions", one(`{"dtype":"U8","shape":[1,1,1,1,1,1,1,1,1],"data_offsets":[0,1]}`, 1), ErrLimit},
		{"newline in a name", fileOf("{\"a\\nb\":1}", 0), ErrHeader},
		{"newline in a value", one(`{"dtype":"F\n32","shape":[1],"data_offsets":[0,4]}`, 4), ErrDType},
		{"newline for a number", one(`{"dtype":"U8","shape":["\n"],"data_offsets":[0,1]}`, 1), ErrHeader},
		{"newline in a key", one(`{"dtype":"U8","shape":[1],"data_offsets":[0,1],"\n":1}`, 1), ErrHeader},
		{"newline for a list", one(`{"dtype":"U8","shape":"\n","data_offsets":[0,1]}`, 1), ErrHeader},
		{"endless name", fileOf(`{"`+strings.Repeat("a", 1<<19)+`":1}`, 0), ErrHeader},
		{"endless dtype", one(`{"dtype":"`+strings.Repeat("F", 1<<19)+`","shape":[1],"data_offsets":[0,4]}`, 4), ErrDType},
		{"endless number", one(`{"dtype":"U8","shape":[`+strings.Repeat("9", 1<<19)+`],"data_offsets":[0,1]}`, 1), ErrHeader},
		{"deep", fileOf(`{"a":`+strings.Repeat("[", 1<<19), 0), ErrHeader},
		{"rank without end", one(`{"dtype":"U8","shape":[`+strings.Repeat("1,", 1<<18)+`1],"data_offsets":[0,1]}`, 1), ErrLimit},
		{"metadata without end", fileOf(manyMetadata(4097), 0), ErrLimit},
		{"tensors without end", fileOf(manyTensors(4097), 0), ErrLimit},

		{"repeated tensor", fileOf(`{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}`, 0), ErrDuplicate},
		{"repeated by escape", fileOf(`{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"\u0061":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}`, 0), ErrDuplicate},
		{"repeated metadata", fileOf(`{"__metadata__":{},"__metadata__":{}}`, 0), ErrDuplicate},
		{"repeated metadata key", fileOf(`{"__metadata__":{"k":"1","k":"2"}}`, 0), ErrDuplicate},
		{"repeated shape", one(`{"dtype":"U8","shape":[1],"shape":[1],"data_offsets":[0,1]}`, 1), ErrDuplicate},
		{"unknown dtype", one(`{"dtype":"F8_E4M3","shape":[1],"data_offsets":[0,1]}`, 1), ErrDType},
		{"length mismatch", one(`{"dtype":"F32","shape":[3],"data_offsets":[0,8]}`, 8), ErrShape},
		{"overflow", one(`{"dtype":"U8","shape":[4294967296,4294967296],"data_offsets":[0,0]}`, 0), ErrShape},
		{"overflow beside zero", one(`{"dtype":"U8","shape":[4294967296,4294967296,0],"data_offsets":[0,0]}`, 0), ErrShape},
		{"overflow of bytes", one(`{"dtype":"F64","shape":[2305843009213693952],"data_offsets":[0,0]}`, 0), ErrShape},
		{"beyond the data", one(`{"dtype":"U8","shape":[9],"data_offsets":[0,9]}`, 8), ErrLayout},
		{"rest", one(`{"dtype":"U8","shape":[1],"data_offsets":[0,1]}`, 2), ErrLayout},
		{"hole at the start", one(`{"dtype":"U8","shape":[1],"data_offsets":[1,2]}`, 2), ErrLayout},
		{"backwards", one(`{"dtype":"U8","shape":[1],"data_offsets":[2,1]}`, 2), ErrLayout},
		{"overlap", fileOf(`{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}}`, 3), ErrLayout},
		{"shared", fileOf(`{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}`, 2), ErrLayout},
		{"hole between", fileOf(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"b":{"dtype":"U8","shape":[1],"data_offsets":[2,3]}}`, 3), ErrLayout},
	}
}

// manyMetadata and manyTensors are headers of n keys of the shortest kind.
func manyMetadata(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `,"%d":""`, i)
	}
	return `{"__metadata__":{` + b.String()[1:] + `}}`
}

func manyTensors(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `,"%d":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}`, i)
	}
	return `{` + b.String()[1:] + `}`
}

func TestParse(t *testing.T) {
	dir := t.TempDir()
	for _, c := range parseCases() {
		t.Run(c.name, func(t *testing.T) {
			_, err := Parse(c.data, DefaultLimits())
			checkError(t, err, c.want)
			path := filepath.Join(dir, strings.ReplaceAll(c.name, " ", "_"))
			if err := os.WriteFile(path, c.data, 0o600); err != nil {
				t.Fatal(err)
			}
			_, err = ReadFile(path, DefaultLimits())
			checkError(t, err, c.want)
		})
	}
}

func checkError(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("error %v, want %v", err, want)
	}
	if err != nil && (strings.Contains(err.Error(), "\n") || len(err.Error()) > 600) {
		t.Errorf("error is not one short line: %v", err)
	}
}

func TestLimits(t *testing.T) {
	f := &File{Tensors: map[string]Tensor{"a": bytesOf([]int{1, 2}, []byte{1, 2}), "b": bytesOf([]int{1}, []byte{3})}}
	var b bytes.Buffer
	if _, err := f.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*Limits){
		"tensors": func(l *Limits) { l.MaxTensors = 1 },
		"rank":    func(l *Limits) { l.MaxRank = 1 },
		"header":  func(l *Limits) { l.MaxHeader = 16 },
		"file":    func(l *Limits) { l.MaxFile = int64(b.Len()) - 1 },
	} {
		lim := DefaultLimits()
		change(&lim)
		if _, err := Parse(b.Bytes(), lim); !errors.Is(err, ErrLimit) {
			t.Errorf("%s: error %v, want ErrLimit", name, err)
		}
	}
	if _, err := Parse(b.Bytes(), DefaultLimits()); err != nil {
		t.Error(err)
	}
}

func TestReadFileRefusesFolders(t *testing.T) {
	if _, err := ReadFile(t.TempDir(), DefaultLimits()); !errors.Is(err, ErrHeader) {
		t.Errorf("error %v, want ErrHeader", err)
	}
	if _, err := ReadFile(filepath.Join(t.TempDir(), "none"), DefaultLimits()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v, want ErrNotExist", err)
	}
}

// FuzzParse: whatever is read is within the limits, and written again it reads to the same tensors.
func FuzzParse(f *testing.F) {
	for _, c := range parseCases() {
		f.Add(c.data)
	}
	lim := DefaultLimits()
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := Parse(data, lim)
		if err != nil {
			return
		}
		total := 0
		for name, x := range got.Tensors {
			if x.Len()*x.DType.Size() != len(x.Data) || len(x.Shape) > lim.MaxRank {
				t.Fatalf("%q: %s %v with %d bytes", name, x.DType, x.Shape, len(x.Data))
			}
			total += len(x.Data)
		}
		if total > len(data) {
			t.Fatalf("%d bytes of tensors out of %d", total, len(data))
		}
		var b bytes.Buffer
		if _, err := got.WriteTo(&b); err != nil {
			return // a name or a text that only a reader takes
		}
		again, err := Parse(b.Bytes(), lim)
		if err != nil {
			t.Fatal(err)
		}
		if again.Digest() != got.Digest() || len(again.Metadata) != len(got.Metadata) {
			t.Fatal("written and read again it differs")
		}
	})
}
