package reference

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"sim2reald/camera"
)

// TestDetects wants at least 99 of 100 wrong pictures noticed, of each kind that the reference says it can tell: turned,
// red and blue swapped, and those of the domain's other cameras.
func TestDetects(t *testing.T) {
	every := sheets(t)
	kinds := map[string]*tally{}
	for i := range every {
		s := &every[i]
		r := s.reference(t)
		t.Logf("%s.%s: fit %.2f, hue %.2f, leads %.2f; untold: %s", s.domain, s.camera, r.Fit, r.Hue, r.Leads, r.Untold())
		for at := other; at < litMore; at += 2 {
			f := s.frames[at]
			for turn := Upright + 1; turn < turns; turn++ {
				if r.tells(turn) {
					lying := turned(f, turn)
					count(kinds, "turned", !r.Compare(viewOf(t, lying)).OK())
					count(kinds, "turned and swapped", !r.Compare(viewOf(t, swapped(lying))).OK())
				}
			}
			if r.Hue >= toldHue {
				count(kinds, "red and blue swapped", r.Compare(viewOf(t, swapped(f))).Swapped)
			}
		}
		for j := range every {
			o := &every[j]
			twins := s.domain == "rgb_stacking" && s.camera != "basket_back_left" && o.camera != "basket_back_left"
			if i == j || s.domain != o.domain || twins || r.Fit < toldFit { // the basket's front views are each other's mirror image
				continue
			}
			for _, f := range o.frames[other:litMore] {
				count(kinds, "another camera", !r.Compare(viewOf(t, f)).OK())
			}
		}
	}
	for name, k := range kinds {
		t.Logf("%s: %d of %d noticed", name, k.hits, k.of)
		if k.of < 100 || float64(k.hits) < 0.99*float64(k.of) {
			t.Errorf("%s: %d of %d noticed, want 99 of 100", name, k.hits, k.of)
		}
	}
}

type tally struct{ hits, of int }

func count(in map[string]*tally, kind string, hit bool) {
	if in[kind] == nil {
		in[kind] = &tally{}
	}
	in[kind].of++
	if hit {
		in[kind].hits++
	}
}

// TestFalseAlarms wants at most one in a thousand pictures of other starts refused, under ordinary and under changed
// lights, blurred, noisy, of another white balance, each varied many times as an ordinary day varies it. Of lights that
// are changed beyond recognition, one in ten.
func TestFalseAlarms(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	kinds := map[string]*tally{}
	for _, s := range sheets(t) {
		ref := s.reference(t)
		for i, f := range s.frames[other:] {
			kind := "ordinary"
			if at := other + i; at >= litMore && at < graded {
				kind = "strong light"
			}
			for range 5 {
				v := ref.Compare(viewOf(t, ordinary(f, 2, r)))
				if count(kinds, kind, !v.OK()); !v.OK() {
					t.Logf("%s.%s picture %d: %v", s.domain, s.camera, other+i, v)
				}
			}
		}
	}
	for kind, most := range map[string]float64{"ordinary": 0.001, "strong light": 0.1} {
		k := kinds[kind]
		t.Logf("%s: %d false alarms in %d pictures", kind, k.hits, k.of)
		if float64(k.hits) > most*float64(k.of) {
			t.Errorf("%s: %d false alarms in %d pictures, want at most %g of them", kind, k.hits, k.of, most)
		}
	}
	if k := kinds["ordinary"]; k.of < 3000 {
		t.Errorf("only %d pictures", k.of)
	}
}

// ordinary is a frame with the exposure, white balance, noise and mounting of another day: a fifth lighter or darker, each
// colour by 5 %, 2 of 255 of noise, and up to so many pixels to the side.
func ordinary(f *camera.Frame, aside int, r *rand.Rand) *camera.Frame {
	out := *f
	out.Pix = make([]byte, len(f.Pix))
	exposure := math.Exp(0.2 * (2*r.Float64() - 1))
	var gain [3]float64
	for c := range gain {
		gain[c] = exposure * (1 + 0.05*(2*r.Float64()-1))
	}
	dx, dy := r.IntN(2*aside+1)-aside, r.IntN(2*aside+1)-aside
	for y := range f.Height {
		for x := range f.Width {
			from := 3 * (min(max(y+dy, 0), f.Height-1)*f.Width + min(max(x+dx, 0), f.Width-1))
			for c := range 3 {
				v := gain[c]*float64(f.Pix[from+c]) + 2*r.NormFloat64()
				out.Pix[3*(y*f.Width+x)+c] = byte(math.Round(min(max(v, 0), 255)))
			}
		}
	}
	return &out
}

// turned is a square frame as a camera that lies so sends it, pixel by pixel.
func turned(f *camera.Frame, t Turn) *camera.Frame {
	// The rows of the matrix that says where the right picture has what belongs here, from the middle.
	m := map[Turn][4]int{
		Upright: {1, 0, 0, 1}, MirroredSideways: {-1, 0, 0, 1}, UpsideDownMirrored: {1, 0, 0, -1}, HalfTurn: {-1, 0, 0, -1},
		QuarterLeft: {0, -1, 1, 0}, QuarterRight: {0, 1, -1, 0}, Transposed: {0, 1, 1, 0}, TransposedOther: {0, -1, -1, 0},
	}[t]
	out, n := *f, f.Width
	out.Pix = make([]byte, 0, len(f.Pix))
	for y := range n {
		for x := range n {
			cx, cy := 2*x-n+1, 2*y-n+1
			at := 3 * ((m[2]*cx+m[3]*cy+n-1)/2*n + (m[0]*cx+m[1]*cy+n-1)/2)
			out.Pix = append(out.Pix, f.Pix[at:at+3]...)
		}
	}
	return &out
}

// swapped is a frame whose driver sends blue first.
func swapped(f *camera.Frame) *camera.Frame {
	out := *f
	out.Pix = slices.Clone(f.Pix)
	for i := 0; i < len(out.Pix); i += 3 {
		out.Pix[i], out.Pix[i+2] = f.Pix[i+2], f.Pix[i]
	}
	return &out
}

// TestTurnsAreNamedRight: a frame that is turned pixel by pixel is said to lie as it does.
func TestTurnsAreNamedRight(t *testing.T) {
	s := sheets(t)[0]
	r := s.reference(t)
	for turn := range turns {
		if v := r.Compare(viewOf(t, turned(s.frames[other], turn))); v.Turn != turn || v.Other {
			t.Errorf("%v: %v", turn, v)
		}
	}
	// A quarter to the left brings the upper right corner to the upper left.
	var p picture
	p[0][Side-1][0] = 1
	if q := p.turned(QuarterLeft); q[0][0][0] != 1 {
		t.Error("left is right")
	}
}

func TestOfRefuses(t *testing.T) {
	for name, f := range map[string]*camera.Frame{
		"nothing":     {},
		"huge":        {Width: 1 << 32, Height: 1 << 32},
		"one channel": {Width: 64, Height: 64, Pix: make([]byte, 64*64)},
		"negative":    {Width: -64, Height: -64, Pix: make([]byte, 3*64*64)},
	} {
		if _, err := Of(f); !errors.Is(err, ErrFrame) {
			t.Errorf("%s: %v", name, err)
		}
	}
	small := camera.Frame{Width: 2, Height: 1, Pix: []byte{1, 2, 3, 4, 5, 6}}
	if v, err := Of(&small); err != nil || v[Fine-1][Fine/2-1] != [3]float64{1, 2, 3} || v[0][Fine/2] != [3]float64{4, 5, 6} {
		t.Errorf("two pixels: %v, %v", v[0], err)
	}
}

// TestBlackPictures have nothing to recognise: they are another scene, and no number of theirs is NaN.
func TestBlackPictures(t *testing.T) {
	s := sheets(t)[0]
	if v := s.reference(t).Compare(&View{}); !v.Other || math.IsNaN(v.Fit) {
		t.Errorf("a black picture: %v", v)
	}
	var m Maker
	m.Add(&View{})
	r, err := m.Make("dark")
	if err != nil || r.Validate() != nil || r.Untold() == "" {
		t.Errorf("a reference of darkness: %v, %v, untold %q", err, r.Validate(), r.Untold())
	}
	if v := r.Compare(viewOf(t, s.frames[0])); !v.OK() {
		t.Errorf("a reference that tells nothing refused: %v", v)
	}
	if _, err := (&Maker{}).Make("none"); err == nil {
		t.Error("a reference was made of nothing")
	}
}

func BenchmarkCompare(b *testing.B) {
	s := sheets(b)[0]
	r := s.reference(b)
	for b.Loop() {
		if v := r.Compare(viewOf(b, s.frames[other])); !v.OK() {
			b.Fatal(v)
		}
	}
}

// TestFewPicturesTellNothing: what one or two episodes showed says nothing of how a scene varies.
func TestFewPicturesTellNothing(t *testing.T) {
	s := sheets(t)[0]
	for _, n := range []int{leastPictures - 1, leastPictures} {
		var m Maker
		for _, f := range s.frames[learnt : learnt+n] {
			m.Add(viewOf(t, f))
		}
		r, err := m.Make(s.camera)
		if err != nil {
			t.Fatal(err)
		}
		if v := r.Compare(viewOf(t, turned(s.frames[other], HalfTurn))); v.OK() != (n < leastPictures) {
			t.Errorf("of %d pictures: %v", n, v)
		}
	}
}
