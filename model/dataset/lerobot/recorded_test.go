package lerobot

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// recorded was made by LeRobot's own writer: testdata/record.py has the formulas that stand below.
const recorded = "testdata/recorded"

func lengths() []int { return []int{6, 4, 5} }

func wantState(episode, frame int) []float64 {
	return []float64{10*float64(episode) + float64(frame), -0.5 * float64(frame), 100 - 5*float64(frame)}
}

// read is the number that a picture says in six grey squares.
func read(t *testing.T, p *picture) int {
	t.Helper()
	const cell = 16
	number := 0
	for bit := range 6 {
		v := p.mat.GetVecbAt(bit/3*cell+cell/2, bit%3*cell+cell/2)
		switch {
		case v[0] > 160 && v[1] > 160 && v[2] > 160:
			number |= 1 << bit
		case v[0] > 96 || v[1] > 96 || v[2] > 96:
			t.Fatalf("square %d is %v, neither black nor white", bit, v)
		}
	}
	return number
}

func TestReadsWhatLeRobotWrote(t *testing.T) {
	s, err := Open(recorded)
	if err != nil {
		t.Fatal(err)
	}
	if s.Info.FPS != 10 || s.Info.RobotType != "small_arm" || !slices.Equal(s.Tasks, []string{"pick it up", "put it back"}) {
		t.Fatalf("%+v, tasks %q", s.Info, s.Tasks)
	}
	for e, n := range lengths() {
		t.Run(fmt.Sprint("episode ", e), func(t *testing.T) { checkRecorded(t, s, e, n) })
	}
}

func checkRecorded(t *testing.T, s *Set, e, n int) {
	f, err := s.Frames(e)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if task, err := f.Task(); err != nil || task != s.Tasks[e%2] || s.Episodes[e].Length != n || s.Episodes[e].Seed != int64(e) {
		t.Errorf("task %q, %v; %+v", task, err, s.Episodes[e])
	}
	for feature, later := range map[string]int{"observation.state": 0, "action": 1} {
		var want []float64
		for i := range n {
			want = append(want, wantState(e, i+later)...)
		}
		if got, err := f.Numbers(feature); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %v, %v\nwant %v", feature, got, err, want)
		}
	}
	for _, feature := range []string{"observation.images.front", "observation.images.wrist"} {
		pictures, err := f.Pictures(feature)
		if err != nil || len(pictures) != n {
			t.Fatalf("%s: %d pictures, %v", feature, len(pictures), err)
		}
		for i, data := range pictures {
			p, err := decode(data, 48, 32)
			if err != nil {
				t.Fatal(err)
			}
			if got := read(t, p); got != 8*e+i {
				t.Errorf("%s: frame %d shows %d, want %d", feature, i, got, 8*e+i)
			}
			p.close()
		}
	}
}

// copied is the recorded dataset where a test may spoil it.
func copied(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(recorded)); err != nil {
		t.Fatal(err)
	}
	return dir
}

// all reads every number and picture.
func all(dir string) error {
	s, err := Open(dir)
	if err != nil {
		return err
	}
	for e := range s.Episodes {
		if err := s.readAll(e); err != nil {
			return err
		}
	}
	return nil
}

func (s *Set) readAll(e int) error {
	f, err := s.Frames(e)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.Task(); err != nil {
		return err
	}
	for name, spec := range s.Info.Features {
		if spec.Pictures() {
			_, err = f.Pictures(name)
		} else {
			_, err = f.Numbers(name)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

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

func TestPlace(t *testing.T) {
	i := &Info{}
	for template, want := range map[string]string{
		dataPath:                       "data/chunk-002/file-034.parquet",
		videoPath:                      "videos/cam/chunk-002/file-034.mp4",
		"a/{chunk_index}-{file_index}": "a/2-34",
		"/etc/{file_index}":            "",
		"../{file_index}":              "",
		"a/{episode_index:06d}":        "",
		"":                             "",
	} {
		if got, err := i.place(template, "cam", 2, 34); got != want || (err != nil) != (want == "") {
			t.Errorf("%q: %q, %v; want %q", template, got, err, want)
		}
	}
	if got, err := i.place(videoPath, "../../x", 0, 0); err == nil && !filepath.IsLocal(got) {
		t.Errorf("a camera's name leads out: %q", got)
	}
}

func TestNamesInAllSpellings(t *testing.T) {
	for text, want := range map[string]Names{
		`["a","b"]`: {"a", "b"}, `{"motors":["a","b"]}`: {"a", "b"}, `null`: nil, `{"a":0,"b":1}`: nil, `{"x":["a"],"y":["b"]}`: nil,
	} {
		var n Names
		if err := n.UnmarshalJSON([]byte(text)); err != nil || !reflect.DeepEqual(n, want) {
			t.Errorf("%s: %v, %v; want %v", text, n, err, want)
		}
	}
	f := &Feature{Shape: []int{3}}
	if at, err := f.Index("2"); at != 2 || err != nil {
		t.Error(at, err)
	}
	for _, name := range []string{"3", "-1", "x", ""} {
		if _, err := f.Index(name); err == nil {
			t.Errorf("dimension %q was found", name)
		}
	}
	f.Names = Names{"a", "b", "2"}
	if at, err := f.Index("2"); at != 2 || err != nil {
		t.Error(at, err)
	}
	if _, err := f.Index("0"); err == nil {
		t.Error("a dimension that has a name was found by its number")
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
