package camera

import "hash/maphash"

// Flaw is why a picture shows nothing that could be acted on.
type Flaw uint8

// The flaws.
const (
	NoFlaw  Flaw = iota
	Dark         // next to nothing but black: a cap, no light, a sensor that gives nothing
	Bright       // next to nothing but white: overexposed
	Blurred      // nothing in it is smaller than a tenth of it: far out of focus, fogged, or of one colour
)

// String names the flaw.
func (f Flaw) String() string {
	return [...]string{"none", "dark", "bright", "blurred"}[f]
}

// Sight is what the newest pictures of a camera are worth.
type Sight struct {
	Flaw   Flaw   // of the newest
	Flawed int    // pictures in a row with some flaw
	Alike  int    // pictures in a row with the newest one's content, itself included
	Since  uint64 // seq of the first of those
}

// next follows s with a picture of that seq: alike says that its content is that of the one before.
func (s Sight) next(seq uint64, flaw Flaw, alike bool) Sight {
	n := Sight{Flaw: flaw, Alike: 1, Since: seq}
	if flaw != NoFlaw {
		n.Flawed = s.Flawed + 1
	}
	if alike {
		n.Alike, n.Since = s.Alike+1, s.Since
	}
	return n
}

const (
	grid      = 64   // samples a side
	black     = 16   // luma of 0 to 255 that is no more than noise on black
	white     = 250  // luma that has reached the sensor's end
	reach     = 32   // part of the picture over which edges are looked for
	edge      = 32   // Laplacian of luma at that reach that noise and gradients do not pass
	plain     = 0.98 // share of samples that is next to all
	edgeShare = 0.01
)

// FlawOf judges a picture by a grid over it. It allocates nothing. Whether there are as many pixels as the size says is
// not its to judge.
func FlawOf(f *Frame) Flaw {
	if len(f.Pix) < f.Width*f.Height*3 {
		return NoFlaw
	}
	var samples, dark, bright, edges int
	near := max(1, min(f.Width, f.Height)/reach)
	stride := f.Width * 3
	for y := near; y < f.Height-near; y += max(1, f.Height/grid) {
		for x := near; x < f.Width-near; x += max(1, f.Width/grid) {
			at := y*stride + x*3
			here := luma(f.Pix[at:])
			bend := 4*here - luma(f.Pix[at-3*near:]) - luma(f.Pix[at+3*near:]) - luma(f.Pix[at-near*stride:]) - luma(f.Pix[at+near*stride:])
			samples++
			dark += one(here < black)
			bright += one(here >= white)
			edges += one(bend > edge || bend < -edge)
		}
	}
	return flawOf(samples, dark, bright, edges)
}

func flawOf(samples, dark, bright, edges int) Flaw {
	switch enough := plain * float64(samples); {
	case samples == 0: // too small to tell
		return NoFlaw
	case float64(dark) >= enough:
		return Dark
	case float64(bright) >= enough:
		return Bright
	case float64(edges) < edgeShare*float64(samples):
		return Blurred
	}
	return NoFlaw
}

// luma is a pixel's brightness, 0 to 255.
func luma(rgb []byte) int { return (int(rgb[0]) + 2*int(rgb[1]) + int(rgb[2])) / 4 }

func one(when bool) int {
	if when {
		return 1
	}
	return 0
}

// content tells pictures apart. Different ones have the same once in 2^64.
func content(seed maphash.Seed, f *Frame) uint64 { return maphash.Bytes(seed, f.Pix) }
