package reference

import (
	"image"
	"math"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"sim2reald/camera"
)

// standing is what one simulated camera sees at starts of episodes; see testdata/generate_mount.py.
type standing struct {
	name   string
	groups map[string][]*camera.Frame
}

func standings(t testing.TB) []standing {
	t.Helper()
	files, err := filepath.Glob("testdata/mount/*.jpg")
	if err != nil || len(files) != 6 {
		t.Fatalf("%d sheets of 6 (%v)", len(files), err)
	}
	var out []standing
	for _, path := range files {
		s := standing{strings.TrimSuffix(filepath.Base(path), ".jpg"), map[string][]*camera.Frame{}}
		sheet, at := opened(t, path), 0
		for _, g := range []struct {
			name string
			rows int
		}{
			{"learnt", 5}, {"other", 5}, {"turned 1°", 2}, {"turned 2°", 2}, {"turned 4°", 2}, {"turned 8°", 2},
			{"moved 2 cm", 2}, {"moved 4 cm", 2}, {"moved 8 cm", 2}, {"light", 2}, {"colour", 1}, {"noise", 1}, {"blur", 1},
		} {
			for ; g.rows > 0; g.rows-- {
				for x := range 8 {
					s.groups[g.name] = append(s.groups[g.name], patch(sheet, s.name, image.Rect(32*x, 32*at, 32*x+32, 32*at+32)))
				}
				at++
			}
		}
		out = append(out, s)
	}
	return out
}

// learnt makes a reference of pictures, each of another episode.
func learntOf(t testing.TB, frames []*camera.Frame) *Reference {
	t.Helper()
	var m Maker
	for _, f := range frames {
		m.Begin()
		m.Add(viewOf(t, f))
	}
	r, err := m.Make("front")
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Validate(); err != nil || !r.tellsMount() {
		t.Fatalf("%v; a moved camera is not told, the demonstrations lie %g apart", err, r.Moves)
	}
	return &r
}

// TestMovedMount: a simulated camera that was turned or moved is refused, and one that stands where it stood is in at most
// one of a thousand pictures, under changed light, colours, noise and blur as well.
func TestMovedMount(t *testing.T) {
	notRaced(t)
	r := rand.New(rand.NewPCG(3, 4))
	found, alarms := map[string]*tally{}, map[string]*tally{}
	for _, s := range standings(t) {
		ref := learntOf(t, s.groups["learnt"])
		t.Logf("%s: the demonstrations lie up to %.1f %% of the picture apart", s.name, 100*ref.Moves)
		for name, frames := range s.groups {
			hits := 0
			for _, f := range frames {
				v := ref.Compare(viewOf(t, f))
				switch {
				case strings.HasPrefix(name, "turned"), strings.HasPrefix(name, "moved"):
					hits += oneIf(!v.OK())
					count(found, name, !v.OK())
				case name != "learnt":
					for range 3 {
						v := ref.Compare(viewOf(t, ordinary(f, 0, r)))
						if count(alarms, name, !v.OK()); !v.OK() {
							t.Logf("false alarm, %s, %s: %v %+v", s.name, name, v, v.Mount)
						}
					}
				}
			}
			if hits > 0 {
				t.Logf("%s: %s: %d of %d", s.name, name, hits, len(frames))
			}
		}
	}
	for name, least := range map[string]float64{"turned 1°": 0, "turned 2°": 0, "turned 4°": 0.95, "turned 8°": 0.99, "moved 2 cm": 0, "moved 4 cm": 0, "moved 8 cm": 0} {
		k := found[name]
		t.Logf("%s: %d of %d noticed", name, k.hits, k.of)
		if float64(k.hits) < least*float64(k.of) {
			t.Errorf("%s: %d of %d noticed, want %g of them", name, k.hits, k.of, least)
		}
	}
	hits, of := 0, 0
	for _, k := range alarms {
		hits, of = hits+k.hits, of+k.of
	}
	t.Logf("standing: %d false alarms in %d pictures", hits, of)
	if of < 1000 || float64(hits) > 0.001*float64(of) {
		t.Errorf("standing: %d false alarms in %d pictures, want at most one in a thousand", hits, of)
	}
}

// notRaced skips what the race detector makes slow, and has no second goroutine: make test runs it without.
func notRaced(t *testing.T) {
	t.Helper()
	if raced {
		t.Skip("runs without the race detector: go test ./model/reference")
	}
}

func oneIf(b bool) int {
	if b {
		return 1
	}
	return 0
}

// TestMountIsMeasured: a picture that is shifted by known parts of its sides, or turned, is found to be.
func TestMountIsMeasured(t *testing.T) {
	for _, c := range []struct{ right, down, turn float64 }{
		{0, 0, 0}, {0.03, 0, 0}, {0, -0.03, 0}, {0.05, 0.05, 0}, {0, 0, 0.05}, {-0.02, 0.03, -0.04},
	} {
		ref := learntOf(t, repeated(pattern(0, 0, 0)))
		v := ref.Compare(viewOf(t, pattern(c.right, c.down, c.turn)))
		m := v.Mount
		if math.Abs(m.Right-c.right) > 0.003 || math.Abs(m.Down-c.down) > 0.003 || math.Abs(m.Turn-c.turn) > 0.006 {
			t.Errorf("%+v: measured %+v", c, m)
		}
		if still := c.right == 0 && c.down == 0 && c.turn == 0; v.Moved == still {
			t.Errorf("%+v: moved %v, %+v", c, v.Moved, m)
		}
	}
}

func repeated(f *camera.Frame) (out []*camera.Frame) {
	for range leastPictures {
		out = append(out, f)
	}
	return out
}

// pattern is a smooth picture without a symmetry, moved and turned.
func pattern(right, down, turn float64) *camera.Frame {
	const n = 256
	f := &camera.Frame{Width: n, Height: n}
	for y := range n {
		for x := range n {
			u, v := centred(x, n)-right, centred(y, n)-down
			u, v = u*math.Cos(turn)+v*math.Sin(turn), v*math.Cos(turn)-u*math.Sin(turn)
			w := 120 + 50*math.Sin(14*u+5*v) + 40*math.Cos(11*v-6*u*u) + 30*math.Sin(20*u*v+3*u)
			f.Pix = append(f.Pix, byte(w), byte(w), byte(0.8*w))
		}
	}
	return f
}

// TestDoubtIsNoMove: what explains nothing better, a mean that says nothing, and few episodes refuse nobody.
func TestDoubtIsNoMove(t *testing.T) {
	there := Mount{Right: 0.05, Gain: 3, Contrast: 1}
	base := Reference{Pictures: leastPictures, Episodes: leastStart, Moves: 0.01}
	for name, c := range map[string]struct {
		change func(*Reference, *Mount)
		want   bool
	}{
		"far":                    {func(*Reference, *Mount) {}, true},
		"near":                   {func(_ *Reference, m *Mount) { m.Right = 0.014 }, false},
		"explained no better":    {func(_ *Reference, m *Mount) { m.Gain = 1.4 }, false},
		"nearer":                 {func(_ *Reference, m *Mount) { m.Zoom = 0.11 }, false},
		"other shadows":          {func(_ *Reference, m *Mount) { m.Contrast = 0.7 }, false},
		"no number":              {func(_ *Reference, m *Mount) { m.Right = math.NaN() }, false},
		"demonstrations as far":  {func(r *Reference, _ *Mount) { r.Moves = 0.04 }, false},
		"demonstrations at will": {func(r *Reference, m *Mount) { r.Moves, m.Right = 0.11, 0.4 }, false},
		"an older reference":     {func(r *Reference, _ *Mount) { r.Moves, r.Episodes = 0, 0 }, false},
		"few episodes":           {func(r *Reference, _ *Mount) { r.Episodes = leastStart - 1 }, false},
	} {
		r, m := base, there
		c.change(&r, &m)
		if got := r.moved(&m); got != c.want {
			t.Errorf("%s: moved %v", name, got)
		}
	}
}

func BenchmarkMount(b *testing.B) {
	ref := learntOf(b, repeated(pattern(0, 0, 0)))
	live := viewOf(b, pattern(0.05, 0, 0))
	for b.Loop() {
		ref.Compare(live)
	}
}
