package evaluation

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func identity() Identity { return Identity{"task": "light", "arm policy": "sha256:1"} }

func entry(seed int64) Entry {
	return Entry{Arm: "policy", Shift: "textures", Trial: Trial{Seed: seed, Outcome: "success", Steps: 40, Wall: 1.5}}
}

func openForTest(t *testing.T, path string, id Identity) *Journal {
	t.Helper()
	j, err := OpenJournal(path, id)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// TestJournalGoesOn: closed, and cut off in the middle of a line.
func TestJournalGoesOn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.jsonl")
	j := openForTest(t, path, identity())
	if err := errors.Join(j.Put(entry(1)), j.Put(entry(2)), j.Close()); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for cut := range len(whole) + 1 {
		if err := os.WriteFile(path, whole[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		j := openForTest(t, path, identity())
		want := max(0, strings.Count(string(whole[:cut]), "\n")-1)
		if len(j.Entries()) != want || want == 2 && !reflect.DeepEqual(j.Entries(), []Entry{entry(1), entry(2)}) {
			t.Fatalf("cut at %d: %+v", cut, j.Entries())
		}
		if err := errors.Join(j.Put(entry(3)), j.Close()); err != nil {
			t.Fatal(err)
		}
		j = openForTest(t, path, identity())
		if n := len(j.Entries()); n != want+1 || j.Entries()[n-1] != entry(3) {
			t.Fatalf("cut at %d and gone on with: %+v", cut, j.Entries())
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestJournalRefuses(t *testing.T) {
	dir := t.TempDir()
	other := identity()
	other["arm policy"] = "sha256:2"
	more := identity()
	more["horizon"] = "280"
	for name, c := range map[string]struct {
		text string
		id   Identity
		want string
	}{
		"another bundle":  {`{"identity":{"task":"light","arm policy":"sha256:1"}}` + "\n", other, `arm policy was "sha256:1" and is "sha256:2" now`},
		"one more flag":   {`{"identity":{"task":"light","arm policy":"sha256:1"}}` + "\n", more, `horizon was "" and is "280" now`},
		"no identity":     {`{"trial":{"arm":"policy","seed":1,"outcome":"success","steps":1,"wall_s":1}}` + "\n", identity(), "line 1 is neither"},
		"two identities":  {`{"identity":{"a":"b"}}` + "\n" + `{"identity":{"a":"b"}}` + "\n", identity(), "line 2 is neither"},
		"unknown outcome": {`{"identity":{"a":"b"}}` + "\n" + `{"trial":{"arm":"p","seed":1,"outcome":"won","steps":1,"wall_s":1}}` + "\n", identity(), "line 2 is neither"},
		"unknown field":   {`{"identity":{"a":"b"},"x":1}` + "\n", identity(), "unknown field"},
		"another file":    {"# notes\n", identity(), "line 1"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(dir, strings.ReplaceAll(name, " ", "-"))
			if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := OpenJournal(path, c.id); !errors.Is(err, ErrJournal) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v; want %q", err, c.want)
			}
			if kept, err := os.ReadFile(path); err != nil || string(kept) != c.text {
				t.Errorf("the file was changed to %q", kept)
			}
		})
	}
}

func TestJournalIsForOneProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.jsonl")
	j := openForTest(t, path, identity())
	defer j.Close()
	if _, err := OpenJournal(path, identity()); err == nil || !strings.Contains(err.Error(), "another process") {
		t.Errorf("opened twice: %v", err)
	}
}

// FuzzJournal: whatever a file holds, it is refused or its trials are read, and read the same when written again.
func FuzzJournal(f *testing.F) {
	f.Add([]byte(`{"identity":{"task":"light"}}` + "\n" + `{"trial":{"arm":"a","seed":1,"outcome":"aborted","steps":0,"reason":"x","wall_s":0.5}}` + "\n{\"tri"))
	f.Add([]byte("\n"))
	f.Add([]byte(`{"identity":null}` + "\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		id, entries, whole, err := decodeJournal(text)
		if err != nil || id == nil {
			return
		}
		if whole > len(text) {
			t.Fatalf("%d of %d bytes", whole, len(text))
		}
		path := filepath.Join(t.TempDir(), "a")
		j := openForTest(t, path, id)
		for _, e := range entries {
			if err := j.Put(e); err != nil {
				t.Fatal(err)
			}
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		if j = openForTest(t, path, id); !reflect.DeepEqual(j.Entries(), entries) {
			t.Errorf("%+v\nwant %+v", j.Entries(), entries)
		}
		_ = j.Close()
	})
}
