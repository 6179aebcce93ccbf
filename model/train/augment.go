package train

import (
	"fmt"
	"math"
	"math/rand/v2"

	"sim2reald/camera"
)

// Augment says how training varies pictures, so that a policy does not hang on the exact place and light of
// the simulator's camera.
type Augment struct {
	// Fresh draws a new view of each frame in each epoch, where the network is trained end to end. What works on
	// cached features sees the same views in each.
	Fresh      bool
	Views      int     // varied views of each frame, beside the plain one
	ShiftPx    int     // shift in x and y, each uniform over ±ShiftPx source pixels, edges repeated
	Brightness float64 // factor uniform over 1±Brightness
	Contrast   float64 // the same, about the picture's mean
	Saturation float64 // the same, about each pixel's grey
	Noise      float64 // deviation of what is added to each number, of the range of pixels
	Seed       int64
}

// Validate wants counts and strengths that leave a picture.
func (a Augment) Validate() error {
	if a.Views < 0 || a.Views > 64 || a.ShiftPx < 0 || a.ShiftPx > 256 {
		return fmt.Errorf("%w: augmentation of %d views, shift %d px: want 0 to 64 and 0 to 256", ErrOptions, a.Views, a.ShiftPx)
	}
	for _, x := range []float64{a.Brightness, a.Contrast, a.Saturation, a.Noise} {
		if !(x >= 0 && x < 1) {
			return fmt.Errorf("%w: augmentation strength %g, want 0 to below 1", ErrOptions, x)
		}
	}
	return nil
}

// draw is one variation.
type draw struct {
	dx, dy                           int
	brightness, contrast, saturation float64
	noise                            float64 // deviation, 0 to 255
	seed                             uint64  // of the noise
}

// plainView and freshView are views that are no varied one of the cache: the picture as it is, and one that belongs to
// an epoch.
const (
	plainView = 0
	freshView = 1 << 10
)

// at draws the variation that belongs to a view of a frame: it depends on these numbers alone, so that the
// order of the work does not matter. The view of epoch e is freshView+e.
func (a Augment) at(episode int64, step, camera, view int) draw {
	if view == plainView {
		return draw{brightness: 1, contrast: 1, saturation: 1}
	}
	frame := uint64(episode)<<32 ^ uint64(step)<<12 ^ uint64(camera)<<8
	stream := frame ^ uint64(view)
	if view >= freshView {
		stream = frame + uint64(view)*0x9e3779b97f4a7c15 // an odd number: no two views of a frame share a stream
	}
	r := rand.New(rand.NewPCG(uint64(a.Seed), stream))
	shift := func() int { return r.IntN(2*a.ShiftPx+1) - a.ShiftPx }
	factor := func(strength float64) float64 { return 1 + strength*(2*r.Float64()-1) }
	d := draw{dx: shift(), dy: shift(), brightness: factor(a.Brightness), contrast: factor(a.Contrast), saturation: factor(a.Saturation)}
	if a.Noise > 0 {
		d.noise, d.seed = 255*a.Noise, r.Uint64()
	}
	return d
}

// render fills dst, of src's size, with the varied picture.
func (d draw) render(src, dst *camera.Frame) {
	pix := dst.Pix
	*dst = *src
	dst.Pix = append(pix[:0], src.Pix...)
	if d.dx != 0 || d.dy != 0 {
		d.shift(src, dst)
	}
	if d.brightness != 1 || d.contrast != 1 || d.saturation != 1 {
		d.colour(dst)
	}
	if d.noise > 0 {
		d.disturb(dst)
	}
}

// disturb adds Gaussian noise to every number.
func (d draw) disturb(f *camera.Frame) {
	r := rand.New(rand.NewPCG(d.seed, streamNoise))
	for i, p := range f.Pix {
		f.Pix[i] = uint8(math.Round(min(max(float64(p)+d.noise*r.NormFloat64(), 0), 255)))
	}
}

func (d draw) shift(src, dst *camera.Frame) {
	w, h := src.Width, src.Height
	for y := range h {
		from := min(max(y-d.dy, 0), h-1) * w
		for x := range w {
			s := 3 * (from + min(max(x-d.dx, 0), w-1))
			copy(dst.Pix[3*(y*w+x):3*(y*w+x)+3], src.Pix[s:s+3])
		}
	}
}

// colour applies saturation, then contrast, then brightness. Grey is the luma of ITU-R BT.601.
func (d draw) colour(f *camera.Frame) {
	n := len(f.Pix) / 3
	mean := 0.0
	for i := range n {
		mean += grey(f.Pix[3*i : 3*i+3])
	}
	mean /= float64(n)
	for i := range n {
		p := f.Pix[3*i : 3*i+3]
		g := grey(p)
		for c := range p {
			v := g + (float64(p[c])-g)*d.saturation
			v = (mean + (v-mean)*d.contrast) * d.brightness
			p[c] = uint8(math.Round(min(max(v, 0), 255)))
		}
	}
}

func grey(p []byte) float64 {
	return 0.299*float64(p[0]) + 0.587*float64(p[1]) + 0.114*float64(p[2])
}
