package safetensors

import (
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"sort"
)

const prefixLen = 8 // bytes of the header length

// Parse reads a whole file held in memory. The tensors share data, which must not change afterwards.
func Parse(data []byte, lim Limits) (*File, error) {
	if len(data) < prefixLen {
		return nil, fmt.Errorf("file of %d bytes has no header length: %w", len(data), ErrHeader)
	}
	n, err := headerLength([prefixLen]byte(data[:prefixLen]), int64(len(data)), lim)
	if err != nil {
		return nil, err
	}
	rest := data[prefixLen:]
	h, err := parseHeader(rest[:n], lim)
	if err != nil {
		return nil, err
	}
	return h.file(rest[n:], lim)
}

// ReadFile reads the regular file at path, which is opened read-only. Header and layout are checked against
// the file's size before the tensors' memory is allocated.
func ReadFile(path string, lim Limits) (*File, error) {
	data, err := ReadBytes(path, lim)
	if err != nil {
		return nil, err
	}
	f, err := Parse(data, lim)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	return f, nil
}

// ReadBytes gives the bytes of a file that Parse would read, for who needs them beside the tensors. Header and layout
// are checked as ReadFile does, so that a file that lies costs no memory.
func ReadBytes(path string, lim Limits) ([]byte, error) {
	data, err := readBytes(path, lim)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	return data, nil
}

func readBytes(path string, lim Limits) ([]byte, error) {
	// The kind is asked before opening: opening a named pipe would wait for a writer.
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("not a regular file: %w", ErrHeader)
	}
	in, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	if info, err = in.Stat(); err != nil {
		return nil, err
	}
	return readFrom(in, info.Size(), lim)
}

// readFrom reads size bytes of in, the header first.
func readFrom(in io.Reader, size int64, lim Limits) ([]byte, error) {
	var prefix [prefixLen]byte
	if _, err := io.ReadFull(in, prefix[:]); err != nil {
		return nil, fmt.Errorf("file of %d bytes has no header length: %w", size, ErrHeader)
	}
	n, err := headerLength(prefix, size, lim)
	if err != nil {
		return nil, err
	}
	text := make([]byte, n)
	if _, err := io.ReadFull(in, text); err != nil {
		return nil, fmt.Errorf("reading header: %w", err)
	}
	h, err := parseHeader(text, lim)
	if err != nil {
		return nil, err
	}
	if err := h.check(size-prefixLen-n, lim); err != nil {
		return nil, err
	}
	data := make([]byte, size)
	rest := data[copy(data, prefix[:]):]
	rest = rest[copy(rest, text):]
	if _, err := io.ReadFull(in, rest); err != nil {
		return nil, fmt.Errorf("reading %d bytes of tensors: %w", len(rest), err)
	}
	return data, nil
}

// headerLength decodes the first eight bytes of a file of size bytes.
func headerLength(prefix [prefixLen]byte, size int64, lim Limits) (int64, error) {
	if size > lim.MaxFile {
		return 0, fmt.Errorf("file of %d bytes, at most %d: %w", size, lim.MaxFile, ErrLimit)
	}
	n := binary.LittleEndian.Uint64(prefix[:])
	if n > uint64(lim.MaxHeader) {
		return 0, fmt.Errorf("header of %d bytes, at most %d: %w", n, lim.MaxHeader, ErrLimit)
	}
	if int64(n) > size-prefixLen {
		return 0, fmt.Errorf("header of %d bytes in a file of %d: %w", n, size, ErrHeader)
	}
	return int64(n), nil
}

// check is all that can be checked without the size bytes of data themselves.
func (h *header) check(size int64, lim Limits) error {
	if err := h.layout(size); err != nil {
		return err
	}
	for _, e := range h.entries {
		if err := checkTensor(e.name, e.dtype, e.shape, e.end-e.begin, lim); err != nil {
			return err
		}
	}
	return nil
}

// layout checks that the entries, taken by offset, tile size bytes exactly.
func (h *header) layout(size int64) error {
	byOffset := make([]entry, len(h.entries))
	copy(byOffset, h.entries)
	sort.Slice(byOffset, func(i, j int) bool {
		a, b := byOffset[i], byOffset[j]
		return a.begin < b.begin || a.begin == b.begin && a.end < b.end
	})
	at := int64(0)
	for _, e := range byOffset {
		if e.begin != at || e.end < e.begin || e.end > size {
			return fmt.Errorf("tensor %.80q: offsets [%d, %d) where %d of %d bytes are taken: %w",
				e.name, e.begin, e.end, at, size, ErrLayout)
		}
		at = e.end
	}
	if at != size {
		return fmt.Errorf("tensors end at byte %d of %d: %w", at, size, ErrLayout)
	}
	return nil
}

// file cuts data into the tensors.
func (h *header) file(data []byte, lim Limits) (*File, error) {
	if err := h.check(int64(len(data)), lim); err != nil {
		return nil, err
	}
	f := &File{Metadata: h.metadata, Tensors: make(map[string]Tensor, len(h.entries))}
	for _, e := range h.entries {
		f.Tensors[e.name] = Tensor{DType: e.dtype, Shape: e.shape, Data: data[e.begin:e.end:e.end]}
	}
	return f, nil
}
