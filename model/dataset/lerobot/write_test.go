package lerobot

import (
	"bytes"
	"encoding/json"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"
)

// numbered is a picture that says a number in six grey squares, as testdata/record.py draws it.
func numbered(t testing.TB, number int) []byte {
	t.Helper()
	m := image.NewNRGBA(image.Rect(0, 0, 48, 32))
	for y := range 32 {
		for x := range 48 {
			grey := uint8(32)
			if number>>(y/16*3+x/16)&1 == 1 {
				grey = 224
			}
			m.SetNRGBA(x, y, color.NRGBA{grey, grey, grey, 255})
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func testFeatures() map[string]Feature {
	seen := []int{32, 48, 3}
	return map[string]Feature{
		"state": {DType: Float32, Shape: []int{2}, Names: Names{"a", "b"}},
		"one":   {DType: Float32, Shape: []int{1}},
		"stamp": {DType: Int64, Shape: []int{1}},
		"done":  {DType: Bool, Shape: []int{1}},
		"film":  {DType: Video, Shape: seen},
		"still": {DType: Image, Shape: seen},
	}
}

// testRecording has frames that count on from first.
func testRecording(t testing.TB, first, n int) Recording {
	t.Helper()
	v := map[string]Values{}
	var state, one, stamp, done, pictures Values
	for i := range n {
		x := float32(first + i)
		state.Floats = append(state.Floats, x/3, -x)
		one.Floats = append(one.Floats, x/7)
		stamp.Ints = append(stamp.Ints, 1_700_000_000_000_000_001+int64(first+i))
		done.Bools = append(done.Bools, i == n-1)
		pictures.Pictures = append(pictures.Pictures, numbered(t, (first+i)%64))
	}
	v["state"], v["one"], v["stamp"], v["done"], v["film"], v["still"] = state, one, stamp, done, pictures, pictures
	return Recording{Task: map[bool]string{true: "even", false: "odd"}[first%2 == 0], Seed: int64(1000 + first), Values: v}
}

func writeTest(t *testing.T, room int64, recordings ...int) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "set")
	w, err := NewWriter(dir, "arm", 12.5, testFeatures())
	if err != nil {
		t.Fatal(err)
	}
	defer w.Abandon()
	if room > 0 {
		w.room = map[string]int64{dataPath: room, videoPath: room}
	}
	first := 0
	for _, n := range recordings {
		if err := w.Write(testRecording(t, first, n), n); err != nil {
			t.Fatal(err)
		}
		first += n
	}
	info, err := w.Finish()
	if err != nil {
		t.Fatal(err)
	}
	if err := WriteInfo(dir, info); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestWriteRead(t *testing.T) {
	sizes := []int{40, 1, 37, 23}
	for name, room := range map[string]int64{"one file": 0, "a file for each": 1} {
		t.Run(name, func(t *testing.T) {
			dir := writeTest(t, room, sizes...)
			s, err := Open(dir)
			if err != nil {
				t.Fatal(err)
			}
			first := 0
			for e, n := range sizes {
				checkWritten(t, s, e, first, n)
				first += n
			}
			files, err := filepath.Glob(filepath.Join(dir, "videos/film/chunk-000/*.mp4"))
			if want := map[int64]int{0: 1, 1: 4}[room]; err != nil || len(files) != want {
				t.Errorf("%d films, want %d; %v", len(files), want, err)
			}
		})
	}
}

func checkWritten(t *testing.T, s *Set, e, first, n int) {
	t.Helper()
	f, err := s.Frames(e)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	want := testRecording(t, first, n)
	if task, err := f.Task(); err != nil || task != want.Task || s.Episodes[e].Seed != want.Seed {
		t.Errorf("episode %d: task %q, seed %d, %v", e, task, s.Episodes[e].Seed, err)
	}
	for _, name := range []string{"state", "one", "done"} {
		v := want.Values[name]
		if got, err := f.Numbers(name); err != nil || !slices.Equal(got, v.numbers()) {
			t.Errorf("episode %d %s: %v, %v", e, name, got, err)
		}
	}
	if got, err := f.Whole("stamp"); err != nil || !slices.Equal(got, want.Values["stamp"].Ints) {
		t.Errorf("episode %d stamps: %v, %v", e, got, err)
	}
	if got, err := f.Pictures("still"); err != nil || !slices.EqualFunc(got, want.Values["still"].Pictures, bytes.Equal) {
		t.Errorf("episode %d: other stills, %v", e, err)
	}
	// The number in each frame of the film proves that looking for an episode's first frame ends at that one.
	err = f.Video("film", func(i int, p *picture) error {
		if got := read(t, p); got != (first+i)%64 {
			t.Errorf("episode %d frame %d of the film shows %d, want %d", e, i, got, (first+i)%64)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	var loss Loss
	if err := f.Loss("film", want.Values["film"].Pictures, &loss); err != nil || loss.Frames != n || loss.PSNR < 30 || loss.PSNR > 99 || loss.Largest < 1 || loss.Worst > loss.PSNR+1e-9 {
		t.Errorf("episode %d: %+v, %v", e, loss, err)
	}
}

// TestLossKnowsOtherPictures holds the film against pictures that it was not made of.
func TestLossKnowsOtherPictures(t *testing.T) {
	s, err := Open(writeTest(t, 0, 5))
	if err != nil {
		t.Fatal(err)
	}
	f, err := s.Frames(0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var loss Loss
	if err := f.Loss("film", testRecording(t, 1, 5).Values["film"].Pictures, &loss); err != nil || loss.PSNR > 15 || loss.Largest < 180 {
		t.Errorf("%+v, %v", loss, err)
	}
}

func TestWriteRefuses(t *testing.T) {
	cases := map[string]struct {
		spoil func(*Recording)
		says  string
	}{
		"missing feature": {func(r *Recording) { delete(r.Values, "one") }, `"one"`},
		"too few numbers": {func(r *Recording) { r.Values["state"] = Values{Floats: []float32{1}} }, `"state"`},
		"other type":      {func(r *Recording) { r.Values["done"] = Values{Ints: []int64{1, 2, 3}} }, `"done"`},
		"too few frames":  {func(r *Recording) { r.Values["film"] = Values{Pictures: [][]byte{numbered(t, 1)}} }, "1 pictures"},
		"no picture":      {func(r *Recording) { r.Values["film"] = Values{Pictures: [][]byte{{1}, {2}, {3}}} }, "camera film"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			w, err := NewWriter(filepath.Join(t.TempDir(), "set"), "arm", 10, testFeatures())
			if err != nil {
				t.Fatal(err)
			}
			defer w.Abandon()
			r := testRecording(t, 0, 3)
			c.spoil(&r)
			if err := w.Write(r, 3); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v, want %q", err, c.says)
			}
		})
	}
	w, err := NewWriter(filepath.Join(t.TempDir(), "set"), "arm", 10, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Finish(); err == nil {
		t.Error("a dataset without an episode was finished")
	}
	odd := testFeatures()
	odd["film"] = Feature{DType: Video, Shape: []int{31, 47, 3}}
	if w, err = NewWriter(filepath.Join(t.TempDir(), "set"), "arm", 10, odd); err != nil {
		t.Fatal(err)
	}
	defer w.Abandon()
	if err := w.Write(testRecording(t, 0, 3), 3); err == nil || !strings.Contains(err.Error(), "PNG") {
		t.Errorf("an odd size was filmed: %v", err)
	}
}

// TestTaskIndexIsPandas: LeRobot looks a sentence up by the table's index, which pandas finds by this text.
func TestTaskIndexIsPandas(t *testing.T) {
	ours, theirs := pandasOf(t, writeTest(t, 0, 2, 3)), pandasOf(t, recorded)
	for _, key := range []string{"index_columns", "columns"} {
		if ours[key] == nil || !reflect.DeepEqual(kinds(ours[key]), kinds(theirs[key])) {
			t.Errorf("%s: %v, LeRobot's own has %v", key, ours[key], theirs[key])
		}
	}
}

func pandasOf(t *testing.T, dir string) map[string]any {
	t.Helper()
	file, err := os.Open(filepath.Join(dir, "meta/tasks.parquet"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	stat, err := file.Stat()
	if err != nil {
		t.Fatal(err)
	}
	p, err := parquet.OpenFile(file, stat.Size())
	if err != nil {
		t.Fatal(err)
	}
	text, _ := p.Lookup("pandas")
	var out map[string]any
	if err := json.Unmarshal([]byte(text), &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// kinds leaves out the name that versions of pandas give the index.
func kinds(v any) any {
	list, _ := v.([]any)
	var out []any
	for _, x := range list {
		m, ok := x.(map[string]any)
		if !ok {
			out = append(out, x)
			continue
		}
		out = append(out, []any{m["field_name"], m["pandas_type"], m["numpy_type"]})
	}
	return out
}
