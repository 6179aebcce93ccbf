package dataset

import (
	"bytes"
	"errors"
	"image"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"sim2reald/model/bundle"
	"sim2reald/model/safetensors"
	"sim2reald/robot"
)

func testMeta() Meta {
	return Meta{
		Schema: Schema, Version: Version,
		Robot:   bundle.Robot{Model: "panda", JointNames: []string{"a", "b"}, Gripper: bundle.Gripper{Open: 0, Closed: 1}},
		Cameras: []Camera{{"front", 8, 6, "png", "rgb"}, {"wrist", 4, 4, "png", "rgb"}},
		Task:    "slide", Jitter: "j05", ControlRateHz: 12.5,
		Limits: bundle.LimitsOf(robot.Limits{QMin: robot.Vector{-1, -1}, QMax: robot.Vector{1, 1},
			DQMax: robot.Vector{2, 2}, DDQMax: robot.Vector{9, 9}}, 2, 0.5),
		Software: map[string]string{"mujoco": "3.3.0"}, Daemon: "0.1.0",
	}
}

func picture(t testing.TB, w, h int, value byte) []byte {
	t.Helper()
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	for i := range m.Pix {
		m.Pix[i] = value
	}
	for i := 3; i < len(m.Pix); i += 4 {
		m.Pix[i] = 255
	}
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func testEpisode(t testing.TB, seed int64, steps int) *Episode {
	t.Helper()
	e := &Episode{Seed: seed, Success: seed%2 == 0}
	for i := range steps {
		x := float64(i) + float64(seed)/1000
		e.Steps = append(e.Steps, Step{
			Pictures: [][]byte{picture(t, 8, 6, byte(i)), picture(t, 4, 4, byte(100+i))},
			Stamp:    time.Duration(i) * 80 * time.Millisecond,
			Q:        robot.Vector{x, -x}, DQ: robot.Vector{0.1 * x, 0.2}, Gripper: 0.25,
			Wanted: robot.Command{Mode: robot.Velocity, DQ: robot.Vector{x / 3, 1}, Gripper: 1},
			Sent:   robot.Command{Mode: robot.Velocity, DQ: robot.Vector{x / 7, 0.5}, Gripper: 0.5},
		})
	}
	return e
}

func created(t *testing.T, dir string) *Dataset {
	t.Helper()
	d, err := Create(dir, testMeta())
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func write(t *testing.T, d *Dataset, seeds ...int64) {
	t.Helper()
	for _, s := range seeds {
		if err := d.Write(testEpisode(t, s, 3)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestWriteReadResume(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "demo")
	write(t, created(t, dir), 20001, 20000)
	d := created(t, dir)
	if !reflect.DeepEqual(d.Seeds(), []int64{20000, 20001}) || !d.Has(20001) || d.Has(20002) {
		t.Fatalf("seeds %v", d.Seeds())
	}
	if err := d.Write(testEpisode(t, 20000, 3)); !errors.Is(err, ErrEpisode) {
		t.Fatalf("an episode was written twice: %v", err)
	}
	r, err := Open(dir)
	if err != nil || !reflect.DeepEqual(r.Meta, testMeta()) {
		t.Fatalf("%v, meta %+v", err, r)
	}
	e, err := r.Episode(20001)
	if err != nil {
		t.Fatal(err)
	}
	want := testEpisode(t, 20001, 3)
	want.Digest = e.Digest
	if !reflect.DeepEqual(e, want) || len(e.Digest) != 71 {
		t.Fatalf("got  %+v\nwant %+v", e, want)
	}
}

func TestDigestIsOfContentAndNotOfOrder(t *testing.T) {
	digest := func(m Meta, seeds ...int64) string {
		d, err := Create(t.TempDir(), m)
		if err != nil {
			t.Fatal(err)
		}
		write(t, d, seeds...)
		s, err := d.Digest()
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	m := testMeta()
	base := digest(m, 1, 2, 3)
	if digest(m, 3, 1, 2) != base {
		t.Fatal("another order, another digest")
	}
	other := testMeta()
	other.Task = "light"
	if digest(m, 1, 2) == base || digest(other, 1, 2, 3) == base {
		t.Fatal("other data, the same digest")
	}
}

func TestHalfWrittenFilesDoNotCount(t *testing.T) {
	dir := t.TempDir()
	write(t, created(t, dir), 5)
	for _, name := range []string{".seed-00000006.safetensors.123", "seed-00000007.safetensors.tmp", "seed-8.safetensors", "notes"} {
		if err := os.WriteFile(filepath.Join(dir, episodesDir, name), []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if d := created(t, dir); !reflect.DeepEqual(d.Seeds(), []int64{5}) {
		t.Fatalf("seeds %v", d.Seeds())
	}
}

func TestCorruptEpisodeIsNamed(t *testing.T) {
	dir := t.TempDir()
	d := created(t, dir)
	write(t, d, 5)
	good, err := os.ReadFile(d.path(5))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(good); i += 7 {
		bad := bytes.Clone(good)
		bad[i] ^= 1
		if string(bad[i]) == "\t" || bytes.Equal(bad, good) {
			continue
		}
		if err := os.WriteFile(d.path(5), bad, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := d.Episode(5)
		if err == nil || !strings.Contains(err.Error(), d.path(5)) || !strings.Contains(err.Error(), "collect seed 5 again") {
			t.Fatalf("byte %d of %d flipped: %v", i, len(good), err)
		}
	}
	if _, err := Create(dir, testMeta()); err == nil {
		t.Fatal("a damaged dataset was opened to go on")
	}
}

// A file can be consistent with itself and still not be an episode of this dataset.
func TestForgedEpisodeIsRefused(t *testing.T) {
	m := testMeta()
	cases := map[string]func(*safetensors.File){
		"offsets": func(f *safetensors.File) {
			f.Tensors["camera.front.offsets"] = safetensors.Int64([]int{4}, []int64{0, 9, 3, 1 << 40})
		},
		"no camera": func(f *safetensors.File) { delete(f.Tensors, "camera.wrist.png") },
		"extra":     func(f *safetensors.File) { f.Tensors["x"] = safetensors.Int64([]int{1}, []int64{1}) },
		"short q":   func(f *safetensors.File) { f.Tensors["q"] = safetensors.Float64([]int{2, 2}, make([]float64, 4)) },
		"nan": func(f *safetensors.File) {
			f.Tensors["dq"] = safetensors.Float64([]int{3, 2}, []float64{0, 0, math.NaN(), 0, 0, 0})
		},
		"steps":   func(f *safetensors.File) { f.Metadata["steps"] = "99999999999" },
		"success": func(f *safetensors.File) { f.Metadata["success"] = "perhaps" },
		"schema":  func(f *safetensors.File) { f.Metadata["schema"] = "x" },
	}
	for name, change := range cases {
		t.Run(name, func(t *testing.T) {
			f, err := testEpisode(t, 5, 3).file(&m)
			if err != nil {
				t.Fatal(err)
			}
			change(f)
			f.Metadata["digest"] = episodeDigest(f.Metadata, f.Digest())
			if _, err := parseEpisode(f, &m); !errors.Is(err, ErrEpisode) {
				t.Fatalf("%v", err)
			}
		})
	}
}

func TestWriteRefusesBadEpisodes(t *testing.T) {
	d := created(t, t.TempDir())
	cases := map[string]func(*Episode){
		"no steps":      func(e *Episode) { e.Steps = nil },
		"negative seed": func(e *Episode) { e.Seed = -1 },
		"no picture":    func(e *Episode) { e.Steps[1].Pictures = e.Steps[1].Pictures[:1] },
		"empty picture": func(e *Episode) { e.Steps[1].Pictures[0] = nil },
		"nan":           func(e *Episode) { e.Steps[2].Wanted.DQ[1] = math.NaN() },
	}
	for name, change := range cases {
		t.Run(name, func(t *testing.T) {
			e := testEpisode(t, 9, 3)
			change(e)
			if err := d.Write(e); !errors.Is(err, ErrEpisode) || d.Has(9) {
				t.Fatalf("%v", err)
			}
		})
	}
}

func FuzzEpisode(f *testing.F) {
	m := testMeta()
	file, err := testEpisode(f, 5, 2).file(&m)
	if err != nil {
		f.Fatal(err)
	}
	var b bytes.Buffer
	if _, err := file.WriteTo(&b); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := safetensors.Parse(data, safetensors.DefaultLimits())
		if err != nil {
			return
		}
		file.Metadata["digest"] = episodeDigest(file.Metadata, file.Digest()) // reach behind the checksum
		e, err := parseEpisode(file, &m)
		if err != nil {
			return
		}
		if _, err := e.file(&m); err != nil {
			t.Fatalf("accepted, but cannot be written: %v", err)
		}
	})
}
