package recording

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

type head struct{ Head string }

// smallBounds let a file have its head of 13 bytes and three lines of 8, and a folder three such files.
func smallBounds() Bounds { return Bounds{File: 40, All: 120, Free: 1} }

// textOf is what a file of a folder holds, by its number.
func textOf(t *testing.T, dir string, number int) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, fmt.Sprintf("%09d.jsonl", number)))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func namesIn(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// TestFolderTurnsOver: files follow each other, each whole by itself; the oldest go, of an earlier record as well, and
// what is nobody's record stays.
func TestFolderTurnsOver(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b") // is made
	var heard told
	for range 2 {
		l, err := CreateIn(dir, head{"h"}, smallBounds(), heard.tell)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "1.jsonl"), make([]byte, 1000), 0o600); err != nil {
			t.Fatal(err)
		}
		for n := range 8 { // three, three, two
			l.Put(line{n})
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := namesIn(t, dir), []string{"000000004.jsonl", "000000005.jsonl", "000000006.jsonl", "1.jsonl"}; !slices.Equal(got, want) {
		t.Fatalf("%v, want %v", got, want)
	}
	for number, want := range map[int]string{4: "{\"N\":0}\n{\"N\":1}\n{\"N\":2}\n", 5: "{\"N\":3}\n{\"N\":4}\n{\"N\":5}\n", 6: "{\"N\":6}\n{\"N\":7}\n"} {
		if got := textOf(t, dir, number); got != "{\"Head\":\"h\"}\n"+want {
			t.Errorf("file %d: %q", number, got)
		}
	}
	if heard.all() != nil {
		t.Errorf("told %v", heard.all())
	}
}

// TestFolderHoldsALongLine: a line that is longer than a file may be has one of its own.
func TestFolderHoldsALongLine(t *testing.T) {
	dir := t.TempDir()
	b := smallBounds()
	b.All = 1000
	f, err := openFolder(dir, head{"h"}, b)
	if err != nil {
		t.Fatal(err)
	}
	long := []byte(strings.Repeat("x", 99) + "\n")
	for _, text := range [][]byte{long, []byte("y\n")} {
		if _, err := f.Write(text); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Close(); err != nil || len(namesIn(t, dir)) != 2 || !strings.HasSuffix(textOf(t, dir, 1), "\n"+string(long)) {
		t.Errorf("%v, %v", namesIn(t, dir), err)
	}
}

// TestFolderTakesABrokenLineBack: also where the files before it count.
func TestFolderTakesABrokenLineBack(t *testing.T) {
	dir := t.TempDir()
	f, err := openFolder(dir, head{"h"}, smallBounds())
	if err != nil {
		t.Fatal(err)
	}
	size := int64(0)
	for n := range 5 {
		k, err := f.Write(fmt.Appendf(nil, "{\"N\":%d}\n", n))
		if err != nil {
			t.Fatal(err)
		}
		size += int64(k)
	}
	if _, err := f.Write([]byte("{\"N\"")); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(f.Truncate(size), f.Close()); err != nil {
		t.Fatal(err)
	}
	if got := textOf(t, dir, 2); got != "{\"Head\":\"h\"}\n{\"N\":3}\n{\"N\":4}\n" {
		t.Errorf("%q", got)
	}
}

// TestFolderLeavesRoom: with too little room no file is begun, at first or later; what was written is whole.
func TestFolderLeavesRoom(t *testing.T) {
	dir := t.TempDir()
	var heard told
	b := smallBounds()
	b.Free = math.MaxInt64
	if _, err := CreateIn(dir, head{"h"}, b, heard.tell); !errors.Is(err, ErrShort) || len(namesIn(t, dir)) != 0 {
		t.Errorf("%v, and %v", err, namesIn(t, dir))
	}
	f, err := openFolder(dir, head{"h"}, smallBounds())
	if err != nil {
		t.Fatal(err)
	}
	f.room = func(string) (int64, error) { return 0, nil }
	l := start(dir, f, heard.tell)
	for n := range 5 {
		l.Put(line{n})
	}
	err = l.Close()
	if !errors.Is(err, ErrShort) || !strings.Contains(err.Error(), "too little room: 0 MB, and another file is begun with 0 or more") || len(heard.all()) != 1 {
		t.Errorf("%v, told %v", err, heard.all())
	}
	if got := textOf(t, dir, 1); got != "{\"Head\":\"h\"}\n{\"N\":0}\n{\"N\":1}\n{\"N\":2}\n" || len(namesIn(t, dir)) != 1 {
		t.Errorf("%q in %v", got, namesIn(t, dir))
	}
}

func TestFolderRefuses(t *testing.T) {
	var heard told
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := CreateIn(file, head{"h"}, smallBounds(), heard.tell); err == nil {
		t.Error("made a folder of a file")
	}
	if _, err := CreateIn(t.TempDir(), math.NaN(), smallBounds(), heard.tell); err == nil {
		t.Error("began with what cannot be written")
	}
	if room, err := Room(file); err != nil || room <= 0 {
		t.Errorf("room %d, %v", room, err)
	}
	if _, err := Room(file + "/nowhere"); err == nil {
		t.Error("there is room nowhere")
	}
}
