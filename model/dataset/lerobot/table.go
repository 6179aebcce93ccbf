package lerobot

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/parquet-go/parquet-go"
)

// maxFooter bounds a parquet file's own table of contents, in bytes.
const maxFooter = 256 << 20

// table is an open parquet file.
type table struct {
	path string
	file *os.File
	p    *parquet.File
}

// openTable reads the footer. A damaged file is ErrFile.
func openTable(path string) (t *table, err error) {
	defer guard(path, &err)
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	t = &table{path: path, file: file}
	size, err := checkFooter(file)
	if err == nil {
		t.p, err = parquet.OpenFile(file, size, parquet.SkipBloomFilters(true), parquet.SkipPageIndex(true))
	}
	if err == nil && (t.p.NumRows() < 1 || t.p.NumRows() > maxFrames) {
		err = fmt.Errorf("%d rows, want 1 to %d", t.p.NumRows(), maxFrames)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%w: reading %s: %w", ErrFile, path, err), file.Close())
	}
	return t, nil
}

// checkFooter bounds what the library would allocate on the word of the file's last bytes.
func checkFooter(file *os.File) (size int64, err error) {
	stat, err := file.Stat()
	if err != nil {
		return 0, err
	}
	var tail [8]byte
	if size = stat.Size(); size < 12 {
		return 0, fmt.Errorf("%d bytes are no parquet file", size)
	}
	if _, err := file.ReadAt(tail[:], size-8); err != nil {
		return 0, err
	}
	if n := int64(binary.LittleEndian.Uint32(tail[:])); n > min(maxFooter, size-12) || string(tail[4:]) != "PAR1" {
		return 0, fmt.Errorf("a footer of %d bytes in %d, that ends in %q", n, size, tail[4:])
	}
	return size, nil
}

// guard turns a panic of the parquet library into an error: it panics on some damaged files, and data that others
// recorded must not end the process.
func guard(path string, err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("%w: reading %s: %.200v", ErrFile, path, r)
	}
}

func (t *table) close() error { return t.file.Close() }

func (t *table) rows() int64 { return t.p.NumRows() }

// leaf finds the one column of numbers or bytes below a column's name. A picture has two, told apart by sub.
func (t *table) leaf(name, sub string) (int, error) {
	for i, path := range t.p.Schema().Columns() {
		if path[0] == name && (sub == "" || slices.Contains(path[1:], sub)) {
			return i, nil
		}
	}
	return 0, fmt.Errorf("%w: %s has no column %q", ErrFile, t.path, name)
}

// has reports whether there is such a column.
func (t *table) has(name string) bool {
	_, err := t.leaf(name, "")
	return err == nil
}

// visit hands on the values of rows from up to to, with the row, counted from from. A value is valid until visit
// returns.
func (t *table) visit(name, sub string, from, to int64, each func(row int, v parquet.Value) error) (err error) {
	defer guard(t.path, &err)
	column, err := t.leaf(name, sub)
	if err != nil {
		return err
	}
	first := int64(0)
	for _, group := range t.p.RowGroups() {
		a, b := max(from, first), min(to, first+group.NumRows())
		if a < b {
			pages := group.ColumnChunks()[column].Pages()
			err := errors.Join(pages.SeekToRow(a-first), visitPages(pages, int(a-from), int(b-a), each), pages.Close())
			if err != nil {
				return fmt.Errorf("%w: column %q of %s: %w", ErrFile, name, t.path, err)
			}
		}
		first += group.NumRows()
	}
	if to > first {
		return fmt.Errorf("%w: %s has %d rows, not %d", ErrFile, t.path, first, to)
	}
	return nil
}

// visitPages hands on n rows, the first of which is numbered row.
func visitPages(pages parquet.Pages, row, n int, each func(int, parquet.Value) error) error {
	values := make([]parquet.Value, 256)
	seen := 0
	for {
		page, err := pages.ReadPage()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		for from := page.Values(); err == nil; {
			var k int
			k, err = from.ReadValues(values)
			for _, v := range values[:k] {
				if v.RepetitionLevel() == 0 {
					seen++
				}
				if seen > n {
					parquet.Release(page)
					return nil
				}
				if err := each(row+seen-1, v); err != nil {
					return err
				}
			}
		}
		parquet.Release(page)
		if !errors.Is(err, io.EOF) {
			return err
		}
	}
	if seen != n {
		return fmt.Errorf("%d rows, want %d", seen, n)
	}
	return nil
}

// maxNumbers bounds what is read of a feature at once: 1 GiB.
const maxNumbers = 1 << 27

// numbers reads width numbers a row, of whatever type.
func (t *table) numbers(name string, width int, from, to int64) ([]float64, error) {
	if (to-from)*int64(width) > maxNumbers {
		return nil, fmt.Errorf("%w: column %q of %s: %d rows of %d numbers, at most %d in all", ErrFile, name, t.path, to-from, width, maxNumbers)
	}
	out := make([]float64, 0, int(to-from)*width)
	err := t.visit(name, "", from, to, func(row int, v parquet.Value) error {
		x, ok := number(v)
		if !ok || len(out) >= (row+1)*width || len(out) < row*width {
			return fmt.Errorf("row %d: %s is not one of %d numbers", from+int64(row), v.Kind(), width)
		}
		out = append(out, x)
		return nil
	})
	if err == nil && len(out) != cap(out) {
		err = fmt.Errorf("%w: column %q of %s: %d numbers, want %d a row", ErrFile, name, t.path, len(out), width)
	}
	return out, err
}

func number(v parquet.Value) (float64, bool) {
	if v.IsNull() {
		return 0, false
	}
	switch v.Kind() {
	case parquet.Float:
		return float64(v.Float()), true
	case parquet.Double:
		return v.Double(), true
	case parquet.Int32:
		return float64(v.Int32()), true
	case parquet.Int64:
		return float64(v.Int64()), true
	case parquet.Boolean:
		if v.Boolean() {
			return 1, true
		}
		return 0, true
	}
	return 0, false
}

// whole reads one whole number a row: a float64 would round a time in nanoseconds.
func (t *table) whole(name string, from, to int64) ([]int64, error) {
	out := make([]int64, 0, to-from)
	err := t.visit(name, "", from, to, func(row int, v parquet.Value) error {
		if row != len(out) || v.IsNull() || v.Kind() != parquet.Int64 && v.Kind() != parquet.Int32 {
			return fmt.Errorf("row %d: %s is not one whole number", from+int64(row), v.Kind())
		}
		if v.Kind() == parquet.Int32 {
			out = append(out, int64(v.Int32()))
		} else {
			out = append(out, v.Int64())
		}
		return nil
	})
	return out, err
}

// texts reads one string, or the bytes of one picture, a row.
func (t *table) texts(name, sub string, from, to int64) ([][]byte, error) {
	out := make([][]byte, 0, to-from)
	err := t.visit(name, sub, from, to, func(row int, v parquet.Value) error {
		if row != len(out) || v.IsNull() || v.Kind() != parquet.ByteArray {
			return fmt.Errorf("row %d: %s is not one text or picture", from+int64(row), v.Kind())
		}
		out = append(out, bytes.Clone(v.ByteArray()))
		return nil
	})
	return out, err
}
