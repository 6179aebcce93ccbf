package safetensors

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"os"
)

// digestDomain keeps these digests apart from any other use of SHA-256 over similar bytes.
const digestDomain = "sim2real tensors 1\n"

// Digest is the identity of the tensors, whatever file order, padding or metadata they came with: SHA-256,
// as "sha256:" and 64 hex digits, over the domain line and then, for each tensor by ascending name,
//
//	len(name) name len(dtype) dtype rank dim... len(data) data
//
// with every number as 8 bytes little-endian.
func (f *File) Digest() string {
	h := sha256.New()
	io.WriteString(h, digestDomain)
	number := func(n int) {
		h.Write(binary.LittleEndian.AppendUint64(nil, uint64(n)))
	}
	for _, name := range f.Names() {
		t := f.Tensors[name]
		number(len(name))
		io.WriteString(h, name)
		number(len(t.DType))
		io.WriteString(h, string(t.DType))
		number(len(t.Shape))
		for _, d := range t.Shape {
			number(d)
		}
		number(len(t.Data))
		h.Write(t.Data)
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil))
}

// FileDigest is the SHA-256 of the file's bytes on disk, as "sha256:" and 64 hex digits.
func FileDigest(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("digesting %s: %w", path, err)
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", fmt.Errorf("digesting %s: %w", path, err)
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil)), nil
}

// CheckFinite is ErrNotFinite, with the tensor and the flat index, for the first NaN or infinity by ascending
// name. Tensors of whole numbers pass.
func (f *File) CheckFinite() error {
	for _, name := range f.Names() {
		t := f.Tensors[name]
		if i := t.notFinite(); i >= 0 {
			return fmt.Errorf("tensor %.80q, element %d of shape %v: %w", name, i, t.Shape, ErrNotFinite)
		}
	}
	return nil
}

// notFinite is the flat index of the first NaN or infinity, -1 if there is none: in every IEEE format those
// are the values whose exponent bits are all ones.
func (t Tensor) notFinite() int {
	switch t.DType {
	case F32:
		for i := 0; i+4 <= len(t.Data); i += 4 {
			if binary.LittleEndian.Uint32(t.Data[i:])&0x7f800000 == 0x7f800000 {
				return i / 4
			}
		}
	case F64:
		for i := 0; i+8 <= len(t.Data); i += 8 {
			if binary.LittleEndian.Uint64(t.Data[i:])&(0x7ff<<52) == 0x7ff<<52 {
				return i / 8
			}
		}
	case F16:
		return halfNotFinite(t.Data, 0x7c00)
	case BF16:
		return halfNotFinite(t.Data, 0x7f80)
	}
	return -1
}

func halfNotFinite(data []byte, exponent uint16) int {
	for i := 0; i+2 <= len(data); i += 2 {
		if binary.LittleEndian.Uint16(data[i:])&exponent == exponent {
			return i / 2
		}
	}
	return -1
}
