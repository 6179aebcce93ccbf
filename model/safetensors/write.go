package safetensors

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sort"
	"unicode/utf8"
)

// WriteTo writes the file's bytes, which depend on metadata and tensors alone: metadata by key, tensors by
// falling element size and then by name, so that every tensor lies on a multiple of its element.
func (f *File) WriteTo(w io.Writer) (int64, error) {
	names := f.fileOrder()
	head, err := f.header(names)
	if err != nil {
		return 0, err
	}
	total := int64(0)
	put := func(b []byte) error {
		n, err := w.Write(b)
		total += int64(n)
		return err
	}
	if err := put(head); err != nil {
		return total, err
	}
	for _, name := range names {
		if err := put(f.Tensors[name].Data); err != nil {
			return total, err
		}
	}
	return total, nil
}

// WriteFile writes path so that it holds either its old bytes or all of the new ones, whatever happens
// between: a temporary file beside it, synced, renamed, and the directory synced.
func (f *File) WriteFile(path string) error {
	if err := f.writeFile(path); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return nil
}

func (f *File) writeFile(path string) error {
	dir := filepath.Dir(path)
	tmp, err := os.CreateTemp(dir, "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name()) // gone already when all went well
	if err := f.fill(tmp); err != nil {
		tmp.Close()
		return err
	}
	if err := tmp.Close(); err != nil {
		return err
	}
	if err := os.Rename(tmp.Name(), path); err != nil {
		return err
	}
	return syncDir(dir)
}

// fill writes and syncs the temporary file.
func (f *File) fill(tmp *os.File) error {
	if _, err := f.WriteTo(tmp); err != nil {
		return err
	}
	if err := tmp.Chmod(0o644); err != nil {
		return err
	}
	return tmp.Sync()
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// fileOrder lists the tensors as they lie in the file.
func (f *File) fileOrder() []string {
	names := f.Names()
	sort.SliceStable(names, func(i, j int) bool {
		return f.Tensors[names[i]].DType.Size() > f.Tensors[names[j]].DType.Size()
	})
	return names
}

// header is the length and the JSON, padded with spaces to a multiple of 8 bytes.
func (f *File) header(names []string) ([]byte, error) {
	lim := DefaultLimits()
	if len(names) > lim.MaxTensors {
		return nil, fmt.Errorf("%d tensors, at most %d: %w", len(names), lim.MaxTensors, ErrLimit)
	}
	var b bytes.Buffer
	b.Write(make([]byte, prefixLen))
	b.WriteByte('{')
	if err := f.writeMetadata(&b, len(names) > 0); err != nil {
		return nil, err
	}
	if err := f.writeEntries(&b, names, lim); err != nil {
		return nil, err
	}
	b.WriteByte('}')
	for b.Len()%8 != 0 {
		b.WriteByte(' ')
	}
	n := b.Len() - prefixLen
	if n > lim.MaxHeader {
		return nil, fmt.Errorf("header of %d bytes, at most %d: %w", n, lim.MaxHeader, ErrLimit)
	}
	binary.LittleEndian.PutUint64(b.Bytes(), uint64(n))
	return b.Bytes(), nil
}

func (f *File) writeMetadata(b *bytes.Buffer, more bool) error {
	if len(f.Metadata) == 0 {
		return nil
	}
	if most := DefaultLimits().MaxTensors; len(f.Metadata) > most {
		return fmt.Errorf("%d metadata keys, at most %d: %w", len(f.Metadata), most, ErrLimit)
	}
	for k, v := range f.Metadata {
		if !utf8.ValidString(k) || !utf8.ValidString(v) {
			return fmt.Errorf("metadata %q is not UTF-8: %w", k, ErrHeader)
		}
	}
	text, err := json.Marshal(f.Metadata) // sorts the keys
	if err != nil {
		return err
	}
	fmt.Fprintf(b, "%q:%s", metadataKey, text)
	if more {
		b.WriteByte(',')
	}
	return nil
}

func (f *File) writeEntries(b *bytes.Buffer, names []string, lim Limits) error {
	at := 0
	for i, name := range names {
		t := f.Tensors[name]
		if err := checkTensor(name, t.DType, t.Shape, int64(len(t.Data)), lim); err != nil {
			return err
		}
		if name == metadataKey || !utf8.ValidString(name) {
			return fmt.Errorf("tensor cannot be named %q: %w", name, ErrHeader)
		}
		key, err := json.Marshal(name)
		if err != nil {
			return err
		}
		shape, err := json.Marshal(append([]int{}, t.Shape...)) // never null
		if err != nil {
			return err
		}
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(b, `%s:{"dtype":%q,"shape":%s,"data_offsets":[%d,%d]}`,
			key, t.DType, shape, at, at+len(t.Data))
		at += len(t.Data)
	}
	return nil
}
