package recording

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// told counts what is told.
type told struct {
	mu   sync.Mutex
	errs []error
}

func (t *told) tell(err error) {
	t.mu.Lock()
	t.errs = append(t.errs, err)
	t.mu.Unlock()
}

func (t *told) all() []error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.errs
}

type line struct{ N int }

func TestLogHoldsEveryLine(t *testing.T) {
	path := filepath.Join(t.TempDir(), "commands.jsonl")
	var heard told
	l, err := Create(path, heard.tell)
	if err != nil {
		t.Fatal(err)
	}
	for n := range 1000 {
		l.Put(line{n})
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l.Put(line{1000}) // too late, and no harm
	text, err := os.ReadFile(path)
	lines := strings.Split(string(text), "\n")
	if err != nil || len(lines) != 1001 || lines[0] != `{"N":0}` || lines[999] != `{"N":999}` || lines[1000] != "" || heard.all() != nil {
		t.Errorf("%d lines, %v, told %v", len(lines), err, heard.all())
	}
	if _, err := Create(filepath.Join(path, "x"), heard.tell); err == nil {
		t.Error("made a file within a file")
	}
}

// TestFullDisk writes to the kernel's own full disk.
func TestFullDisk(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		if os.Getenv("SIM2REALD_ALL") != "" {
			t.Fatal(err)
		}
		t.Skipf("no full disk here: %v", err)
	}
	var heard told
	l := start("commands.jsonl", full, heard.tell)
	for n := range 100 {
		l.Put(line{n})
	}
	if err := l.Close(); !errors.Is(err, syscall.ENOSPC) || !strings.HasPrefix(err.Error(), "recording commands.jsonl stopped: ") {
		t.Errorf("closing: %v", err)
	}
	if errs := heard.all(); len(errs) != 1 || !errors.Is(errs[0], syscall.ENOSPC) {
		t.Errorf("told %v, want it once", errs)
	}
}

// disk is one with so many bytes of room, which answers only when it may.
type disk struct {
	room    int
	text    []byte
	release chan struct{} // nil: at once
}

func (d *disk) Write(line []byte) (int, error) {
	if d.release != nil {
		<-d.release
	}
	n := min(len(line), d.room-len(d.text))
	d.text = append(d.text, line[:n]...)
	if n < len(line) {
		return n, syscall.ENOSPC
	}
	return n, nil
}

func (d *disk) Truncate(size int64) error { d.text = d.text[:size]; return nil }
func (d *disk) Close() error              { return nil }

func TestBrokenLineIsTakenBack(t *testing.T) {
	var heard told
	d := &disk{room: 20} // two lines of eight bytes, and half of the third
	l := start("x", d, heard.tell)
	for n := range 5 {
		l.Put(line{n})
	}
	if err := l.Close(); !errors.Is(err, syscall.ENOSPC) || string(d.text) != "{\"N\":0}\n{\"N\":1}\n" || len(heard.all()) != 1 {
		t.Errorf("%q, %v, told %v", d.text, err, heard.all())
	}
}

// TestSlowDisk: whoever puts does not wait. What was taken before is written once the disk goes on.
func TestSlowDisk(t *testing.T) {
	var heard told
	d := &disk{room: math.MaxInt, release: make(chan struct{})}
	l := start("x", d, heard.tell)
	for range backlog + 2 { // one more is in the writer's hands
		l.Put(line{7})
	}
	if errs := heard.all(); len(errs) != 1 || !errors.Is(errs[0], errSlow) {
		t.Errorf("told %v", errs)
	}
	close(d.release)
	if err := l.Close(); !errors.Is(err, errSlow) {
		t.Errorf("closing: %v", err)
	}
	if n := strings.Count(string(d.text), "\n"); n < backlog || n > backlog+1 {
		t.Errorf("%d lines of %d that were taken", n, backlog)
	}
}

func TestUnwritableLine(t *testing.T) {
	var heard told
	d := &disk{room: 100}
	l := start("x", d, heard.tell)
	l.Put(line{1})
	l.Put(math.NaN())
	l.Put(line{2})
	if err := l.Close(); err == nil || string(d.text) != "{\"N\":1}\n" || len(heard.all()) != 1 {
		t.Errorf("%q, %v", d.text, err)
	}
}
