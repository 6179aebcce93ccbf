package lerobot

import (
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestRefusesWhatIsMissingOrOther(t *testing.T) {
	const info = "meta/info.json"
	const threeJoints = "3\n            ],\n            \"names\": [\n                \"shoulder.pos\""
	cases := []struct {
		name, file, old, new string
		want                 error
		says                 string
	}{
		{"no info", info, "", "", fs.ErrNotExist, "info.json"},
		{"no tasks", "meta/tasks.parquet", "", "", fs.ErrNotExist, "tasks.parquet"},
		{"no episodes", "meta/episodes/chunk-000/file-000.parquet", "", "", ErrLayout, "meta/episodes"},
		{"no frames", "data/chunk-000/file-000.parquet", "", "", fs.ErrNotExist, "data/chunk-000"},
		{"no video", "videos/observation.images.front/chunk-000/file-000.mp4", "", "", fs.ErrNotExist, "file-000.mp4"},
		{"old layout", info, `"v3.0"`, `"v2.1"`, ErrLayout, "convert"},
		{"numbers without end", info, threeJoints, strings.Replace(threeJoints, "3", "60000,60000", 1), ErrFeature, "above"},
		{"other counts", info, `"total_frames": 15`, `"total_frames": 16`, ErrFile, "15 frames"},
		{"other rate", info, `"fps": 10`, `"fps": 12`, ErrFile, "timestamp"},
		{"rate of none", info, `"fps": 10`, `"fps": 0`, ErrLayout, "fps"},
		{"huge", info, "32,\n                48", "32000,\n                48000", ErrFeature, "shape"},
		{"other size", info, "32,\n                48", "32,\n                50", ErrFile, "48x32"},
		{"other width", info, threeJoints, strings.Replace(threeJoints, "3", "4", 1), ErrFeature, "3 names for 4"},
		{"path outside", info, `"data/chunk`, `"../data/chunk`, ErrLayout, "not within"},
		{"no JSON", info, "{", "[", ErrLayout, "info.json"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			dir := copied(t)
			path := filepath.Join(dir, c.file)
			if c.old == "" {
				if err := os.Remove(path); err != nil {
					t.Fatal(err)
				}
			} else {
				spoil(t, path, c.old, c.new)
			}
			err := all(dir)
			if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v; want %v that says %q", err, c.want, c.says)
			}
		})
	}
}

func spoil(t *testing.T, path, old, new string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), old) {
		t.Fatalf("%s has no %q", path, old)
	}
	if err := os.WriteFile(path, []byte(strings.ReplaceAll(string(text), old, new)), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestDamagedTablesEndInAnError flips bytes all over the tables: whatever comes of it, the process lives.
func TestDamagedTablesEndInAnError(t *testing.T) {
	dir := copied(t)
	refused := 0
	for _, name := range []string{"data/chunk-000/file-000.parquet", "meta/tasks.parquet"} {
		path := filepath.Join(dir, name)
		good, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i < len(good); i += 61 {
			bad := slices.Clone(good)
			bad[i] ^= 0x55
			if err := os.WriteFile(path, bad, 0o600); err != nil {
				t.Fatal(err)
			}
			if all(dir) != nil {
				refused++
			}
		}
		if err := os.WriteFile(path, good[:len(good)/2], 0o600); err != nil {
			t.Fatal(err)
		}
		if err := all(dir); !errors.Is(err, ErrFile) {
			t.Errorf("%s cut in two: %v", name, err)
		}
		footer := slices.Clone(good)
		binary.LittleEndian.PutUint32(footer[len(footer)-8:], 1<<31)
		if err := os.WriteFile(path, footer, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := all(dir); !errors.Is(err, ErrFile) || !strings.Contains(err.Error(), "footer") {
			t.Errorf("%s with a huge footer: %v", name, err)
		}
		if err := os.WriteFile(path, good, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if refused < 20 {
		t.Errorf("%d flips were refused; the test reaches nothing", refused)
	}
	if err := all(dir); err != nil {
		t.Error(err)
	}
}

func FuzzInfo(f *testing.F) {
	good, err := os.ReadFile(filepath.Join(recorded, "meta", "info.json"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte(`{"codebase_version":"v3.0","fps":1e-300,"features":{"a":{"dtype":"image","shape":[3,4,5]}}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		i, err := parseInfo(text)
		if err != nil {
			return
		}
		for name, spec := range i.Features {
			if spec.Width() < 1 || spec.Width() > 3*maxSide*maxSide {
				t.Fatalf("%q: %d numbers", name, spec.Width())
			}
			if spec.Pictures() {
				if w, h := spec.Size(); w < 1 || h < 1 || w > maxSide*maxSide || h > maxSide*maxSide {
					t.Fatalf("%q: %dx%d px", name, w, h)
				}
			}
			if at, err := spec.Index("0"); err == nil && (at < 0 || at >= spec.Width()) {
				t.Fatalf("%q: dimension 0 at %d", name, at)
			}
		}
		if path, err := i.place(i.DataPath, "", 1, 2); err == nil && !filepath.IsLocal(path) {
			t.Fatalf("path %q leads out", path)
		}
	})
}

// FuzzTable reads every column of whatever may call itself a table: an error at worst, and no more memory than a file
// can mean.
func FuzzTable(f *testing.F) {
	for _, name := range []string{"meta/tasks.parquet", "data/chunk-000/file-000.parquet"} {
		good, err := os.ReadFile(filepath.Join(recorded, name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(good)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(t.TempDir(), "table.parquet")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		table, err := openTable(path)
		if err != nil {
			if !errors.Is(err, ErrFile) {
				t.Fatal(err)
			}
			return
		}
		rows := min(table.rows(), 1000)
		for _, column := range table.p.Schema().Columns() {
			if v, err := table.numbers(column[0], 1, 0, rows); err == nil && int64(len(v)) != rows {
				t.Errorf("%d numbers of %d rows", len(v), rows)
			}
			if v, err := table.whole(column[0], 0, rows); err == nil && int64(len(v)) != rows {
				t.Errorf("%d whole numbers of %d rows", len(v), rows)
			}
			_, _ = table.texts(column[0], "", 0, rows)
		}
		if err := table.close(); err != nil {
			t.Fatal(err)
		}
	})
}
