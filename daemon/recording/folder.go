package recording

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Bounds are how much of a disk a folder of records may have, in bytes.
type Bounds struct {
	File int64 // a file that would grow beyond it is closed, and the next one begun
	All  int64 // of all files: before another one is begun, the oldest ones are deleted
	Free int64 // with less room on the disk, no further file is begun
}

// ErrShort is wrapped where a disk has less room than Bounds.Free.
var ErrShort = errors.New("too little room")

// CreateIn starts a log whose lines go into numbered files of a folder, one after the other, so that a record may go on
// for as long as the robot does. Each file begins with the line head. Files of earlier records stay until there is no
// place for them; what else lies there is left alone. tell is that of Create.
func CreateIn(folder string, head any, b Bounds, tell func(error)) (*Log, error) {
	f, err := openFolder(folder, head, b)
	if err != nil {
		return nil, err
	}
	return start(folder, f, tell), nil
}

// files is a File that is a folder of them.
type files struct {
	path   string
	head   []byte
	bounds Bounds
	room   func(path string) (int64, error)

	file    *os.File
	size    int64 // of file, its head included
	written int64 // of all lines since it was opened, without heads
	number  int   // of the newest file
}

func openFolder(path string, head any, b Bounds) (*files, error) {
	if err := os.MkdirAll(path, 0o750); err != nil {
		return nil, err
	}
	text, err := lineOf(head)
	if err != nil {
		return nil, err
	}
	f := &files{path: path, head: text, bounds: b, room: Room}
	return f, f.next()
}

// Room is how many bytes more a process without privileges may write below a path.
func Room(path string) (int64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(path, &s); err != nil {
		return 0, fmt.Errorf("asking how much room %s has: %w", path, err)
	}
	return int64(s.Bavail) * s.Bsize, nil
}

// Write writes one line, into the next file where this one is full.
func (f *files) Write(line []byte) (int, error) {
	if f.size > int64(len(f.head)) && f.size+int64(len(line)) > f.bounds.File {
		if err := f.next(); err != nil {
			return 0, err
		}
	}
	n, err := f.file.Write(line)
	f.size += int64(n)
	f.written += int64(n)
	return n, err
}

// Truncate takes back what was written beyond size, counted over all files without their heads: never more than the
// newest line, which is in the newest file.
func (f *files) Truncate(size int64) error {
	f.size -= f.written - size
	f.written = size
	return f.file.Truncate(f.size)
}

// Close closes the newest file.
func (f *files) Close() error { return f.file.Close() }

// next closes the newest file, where there is one, and begins another.
func (f *files) next() error {
	room, err := f.room(f.path)
	switch {
	case err != nil:
		return err
	case room < f.bounds.Free:
		return fmt.Errorf("%w: %d MB, and another file is begun with %d or more", ErrShort, room>>20, f.bounds.Free>>20)
	}
	if err := f.makePlace(); err != nil {
		return err
	}
	file, err := f.create()
	if err != nil {
		return err
	}
	full := f.file
	f.file, f.size = file, int64(len(f.head))
	if full == nil {
		return nil
	}
	return full.Close()
}

// create begins the next file with its head, or leaves none.
func (f *files) create() (*os.File, error) {
	f.number++
	file, err := os.OpenFile(filepath.Join(f.path, name(f.number)), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o640)
	if err != nil {
		return nil, err
	}
	if _, err := file.Write(f.head); err != nil {
		return nil, errors.Join(err, file.Close(), os.Remove(file.Name()))
	}
	return file, nil
}

// makePlace deletes the oldest files until another full one fits.
func (f *files) makePlace() error {
	records, err := recordsIn(f.path)
	if err != nil {
		return err
	}
	var all int64
	for _, r := range records {
		all += r.size
		f.number = max(f.number, r.number)
	}
	for _, r := range records {
		if all+f.bounds.File <= f.bounds.All {
			return nil
		}
		if err := os.Remove(filepath.Join(f.path, name(r.number))); err != nil {
			return err
		}
		all -= r.size
	}
	return nil
}

// digits of a file's number, which counts up for as long as the folder is there.
const digits = 9

func name(number int) string { return fmt.Sprintf("%0*d.jsonl", digits, number) }

// record is a file of a folder.
type record struct {
	number int
	size   int64
}

// recordsIn lists the files, the oldest first.
func recordsIn(path string) ([]record, error) {
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, err
	}
	var records []record
	for _, e := range entries {
		number, err := strconv.Atoi(strings.TrimSuffix(e.Name(), ".jsonl"))
		if err != nil || e.Name() != name(number) || !e.Type().IsRegular() {
			continue
		}
		info, err := e.Info()
		if err != nil {
			return nil, err
		}
		records = append(records, record{number, info.Size()})
	}
	slices.SortFunc(records, func(a, b record) int { return a.number - b.number })
	return records, nil
}
