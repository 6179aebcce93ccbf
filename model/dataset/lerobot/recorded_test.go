package lerobot

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
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

// Task is the sentence of the first frame.
func (f *Frames) Task() (string, error) {
	index, err := f.data.whole(keyTask, f.e.row, f.e.row+1)
	if err != nil {
		return "", err
	}
	if index[0] < 0 || index[0] >= int64(len(f.set.Tasks)) {
		return "", fmt.Errorf("%w: task_index %d of %d tasks", ErrFile, index[0], len(f.set.Tasks))
	}
	return f.set.Tasks[index[0]], nil
}
