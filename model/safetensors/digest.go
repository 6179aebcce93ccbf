package safetensors

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"io"
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
