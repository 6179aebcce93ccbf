package likeness

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"sim2reald/camera"
)

func TestLookOf(t *testing.T) {
	f := &camera.Frame{Width: 2, Height: 1, Pix: []byte{10, 0, 255, 30, 0, 255}}
	if l, ok := LookOf(f); !ok || l != (Look{20, 0, 255, 10, 0, 0}) {
		t.Errorf("%v", l)
	}
	for _, f := range []*camera.Frame{{}, {Width: 2, Height: 2, Pix: []byte{1, 2, 3}}} {
		if _, ok := LookOf(f); ok {
			t.Errorf("%+v has a look", f)
		}
	}
}

// looks are of an episode under a lamp.
func looks(r *rand.Rand, n int, lamp float64) (out []Look) {
	for range n {
		var l Look
		for i := range l {
			l[i] = lamp*float64(40+20*i) + 3*r.NormFloat64()
		}
		out = append(out, l)
	}
	return out
}

func TestColours(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var episodes [][]Look
	for range 20 {
		episodes = append(episodes, looks(r, 30, 1))
	}
	c := ColoursOf(episodes)
	if err := c.validate(); err != nil {
		t.Fatal(err)
	}
	for range 100 {
		if d := c.Distance(looks(r, 30, 1)); d > c.Bound {
			t.Errorf("the same lamp is %.2f away, beyond %.2f", d, c.Bound)
		}
	}
	for _, lamp := range []float64{0.9, 1.1} {
		if d := c.Distance(looks(r, 30, lamp)); d <= c.Bound {
			t.Errorf("a lamp of %g is %.2f away, within %.2f", lamp, d, c.Bound)
		}
	}
	same := ColoursOf([][]Look{slices.Repeat([]Look{{9, 9, 9, 1, 1, 1}}, 9)})
	if err := same.validate(); err != nil || same.Bound != 1 || same.SD[0] != leastSD {
		t.Errorf("pictures that are all the same: %+v, %v", same, err)
	}
}

// scene makes features that vary in a few directions more than in others, moved by some number along one that the
// demonstrations do not vary in.
func scene(r *rand.Rand, n, d int, moved float64) (out [][]float32) {
	for range n {
		v := make([]float32, d)
		a, b := r.NormFloat64(), r.NormFloat64()
		for j := range v {
			x := 2 + 3*a*math.Sin(float64(j)) + 2*b*math.Cos(2*float64(j)) + 0.1*r.NormFloat64()
			if j%2 == 0 {
				x += moved
			}
			v[j] = float32(x)
		}
		out = append(out, v)
	}
	return out
}

// TestFeatures holds for more pictures than numbers and for fewer: what was not shown is no farther than the bound, what
// is moved by three times the noise is.
func TestFeatures(t *testing.T) {
	for _, d := range []int{40, 600} {
		r := rand.New(rand.NewPCG(3, uint64(d)))
		var episodes [][][]float32
		for range 12 {
			episodes = append(episodes, scene(r, 12, d, 0))
		}
		f, err := FeaturesOf(episodes)
		if err != nil {
			t.Fatal(err)
		}
		if own := f.Distance(slices.Concat(episodes...)); math.Abs(own-1) > 0.1 {
			t.Errorf("%d numbers: the demonstrations' own distance is %.3f, want 1", d, own)
		}
		for range 50 {
			if got := f.Distance(scene(r, 12, d, 0)); got > f.Bound {
				t.Errorf("%d numbers: what looks the same is %.2f away, beyond %.2f", d, got, f.Bound)
			}
		}
		if got := f.Distance(scene(r, 12, d, 0.3)); got <= f.Bound {
			t.Errorf("%d numbers: what is moved is %.2f away, within %.2f", d, got, f.Bound)
		}
		if got := f.Distance([][]float32{make([]float32, d+1)}); !math.IsInf(got, 1) {
			t.Errorf("a vector of another length is %g away", got)
		}
	}
}

// TestDistanceIsMahalanobis of the covariance that the directions stand for.
func TestDistanceIsMahalanobis(t *testing.T) {
	f := &Features{Length: 3, Rank: 1, Noise: 0.25, Mean: []float32{1, 2, 3}, Axes: []float32{0, 1, 0}, Variance: []float32{4}}
	want := (0.5*0.5/0.25 + 3*3/4.0 + 1*1/0.25) / 3
	if got := f.Distance([][]float32{{1.5, 5, 2}}); math.Abs(got-want) > 1e-6 {
		t.Errorf("%g, want %g", got, want)
	}
}

func TestFewDemonstrations(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for _, episodes := range [][][][]float32{nil, {scene(r, 20, 4, 0)}, {scene(r, 2, 4, 0), scene(r, 2, 4, 0)}} {
		if _, err := FeaturesOf(episodes); !errors.Is(err, ErrFew) {
			t.Errorf("%d episodes: %v", len(episodes), err)
		}
	}
}

func TestValidate(t *testing.T) {
	good := func() *Likeness {
		return &Likeness{Camera: "front", Pictures: 3, Colours: Colours{Mean: make([]float64, 6), SD: slices.Repeat([]float64{2}, 6), Bound: 1},
			Features: &Features{Length: 4, Rank: 2, Pictures: 9, Noise: 1, Bound: 2}}
	}
	if err := good().Validate(); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*Likeness){
		"no camera":          func(l *Likeness) { l.Camera = "" },
		"no picture":         func(l *Likeness) { l.Pictures = 0 },
		"five colours":       func(l *Likeness) { l.Colours.Mean = l.Colours.Mean[:5] },
		"NaN":                func(l *Likeness) { l.Colours.Mean[2] = math.NaN() },
		"no deviation":       func(l *Likeness) { l.Colours.SD[2] = 0 },
		"no bound":           func(l *Likeness) { l.Colours.Bound = 0 },
		"a NaN of a bound":   func(l *Likeness) { l.Features.Bound = math.NaN() },
		"more axes than any": func(l *Likeness) { l.Features.Rank = 4 },
		"negative length":    func(l *Likeness) { l.Features.Length = -1 },
		"no noise":           func(l *Likeness) { l.Features.Noise = 0 },
	} {
		if l := good(); true {
			if spoil(l); l.Validate() == nil {
				t.Errorf("%s is taken", name)
			}
		}
	}
}
