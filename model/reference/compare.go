package reference

import (
	"fmt"
	"math"
	"strings"
)

// What decides was chosen on simulated cameras of three workcells; TestDetects and TestFalseAlarms hold it to pictures of
// the same cameras at other tasks, which had no part in the choice. Agreement is 1 for the same picture and about 0 for any other.
const (
	leastFit  = 0.28  // another scene agrees by less, the same one by more
	leastLead = -0.05 // of the upright reference above a turned one; negative: a doubt is no alarm
	leastHue  = -0.15 // changed light left 0.25, red and blue swapped turn the sign

	toldLead = 0.25 // what demonstrations must have agreed by for a difference to be told at all
	toldHue  = 0.25
	toldFit  = 0.45

	// leastPictures must stand behind a reference before anything is told: those of one or two episodes do not say how
	// much a scene varies from one to the next.
	leastPictures = 24
)

// Verdict is how a live picture compares. Its zero value is that of the right one.
type Verdict struct {
	Other   bool // another scene, or one that cannot be recognised
	Turn    Turn // how the picture lies
	Swapped bool // red and blue are in each other's place
	Moved   bool // the camera does not stand where it stood: by Mount
	Fit     float64
	Mount   Mount // where the scene is the same
}

// OK is whether the camera shows what it should, as far as that can be told.
func (v Verdict) OK() bool { return v.recognised() && !v.Moved }

// recognised is whether it shows the scene, upright and in its colours.
func (v Verdict) recognised() bool { return !v.Other && v.Turn == Upright && !v.Swapped }

// String says what is wrong, in words.
func (v Verdict) String() string {
	switch {
	case v.Turn != Upright:
		return "the picture " + v.Turn.String()
	case v.Other:
		return fmt.Sprintf("another scene (agreement %.2f, want %.2f)", v.Fit, leastFit)
	case v.Swapped:
		return "red and blue in each other's place"
	case v.Moved:
		return fmt.Sprintf("the scene %.1f %% of the picture further right, %.1f %% further down, turned by %.1f° clockwise: the camera has moved",
			100*v.Mount.Right, 100*v.Mount.Down, v.Mount.Turn*180/math.Pi)
	}
	return fmt.Sprintf("the same scene (agreement %.2f)", v.Fit)
}

// Compare compares a live view. r must be valid.
func (r *Reference) Compare(live *View) Verdict {
	c, err := r.comparer()
	if err != nil {
		return Verdict{Other: true}
	}
	fits, hue := c.compare(live)
	v := Verdict{Fit: fits[Upright]}
	best := fits[Upright] - leastLead
	for t := Upright + 1; t < turns; t++ {
		if r.tells(t) && fits[t] > best && fits[t] >= leastFit {
			v.Turn, best = t, fits[t]
		}
	}
	v.Other = v.Turn == Upright && r.tellsScene() && v.Fit < leastFit
	v.Swapped = v.Turn == Upright && !v.Other && r.tellsColours() && hue < leastHue
	if v.recognised() && r.tellsMount() {
		v.Mount = c.scene.mount(live)
		v.Moved = r.moved(&v.Mount)
	}
	return v
}

// tells is whether the demonstrations told a turned picture from one that lies right.
func (r *Reference) tells(t Turn) bool { return r.enough() && r.Leads[t-1] >= toldLead }

func (r *Reference) tellsScene() bool   { return r.enough() && r.Fit >= toldFit }
func (r *Reference) tellsColours() bool { return r.enough() && r.Hue >= toldHue }
func (r *Reference) enough() bool       { return r.Pictures >= leastPictures }

// Untold lists what nobody would notice on this camera: its scene looks the same so, or varied too much.
func (r *Reference) Untold() string {
	var out []string
	for t := Upright + 1; t < turns; t++ {
		if !r.tells(t) {
			out = append(out, "the picture "+t.String())
		}
	}
	if !r.tellsColours() {
		out = append(out, "red and blue in each other's place")
	}
	if !r.tellsScene() {
		out = append(out, "another scene")
	}
	if !r.tellsMount() {
		out = append(out, "a camera that has moved a little")
	}
	return strings.Join(out, ", ")
}

// slopes are the directions in which a picture grows lighter, cell by cell. A lamp that is brighter, or of another
// colour, changes them little, because they are of the logarithm and of bounded length.
type slopes [2][Side - 1][Side - 1]float64

const (
	dark = 16.0 // of 255: noise far below it counts for little
	flat = 0.1  // so does a slope much smaller than this
	busy = 0.2  // and a cell whose light deviated by more than this
)

// light is the logarithm of a cell's light. The mean of the three colours is the same with two of them swapped.
func light(c *[3]float64) float64 { return math.Log((c[0]+c[1]+c[2])/3 + dark) }

func slopesOf(p *picture) *slopes {
	var lights [Side][Side]float64
	for y := range Side {
		for x := range Side {
			lights[y][x] = light(&p[y][x])
		}
	}
	var out slopes
	for y := range Side - 1 {
		for x := range Side - 1 {
			across, down := lights[y][x+1]-lights[y][x], lights[y+1][x]-lights[y][x]
			size := math.Hypot(across, down) + flat
			out[0][y][x], out[1][y][x] = across/size, down/size
		}
	}
	return &out
}

// weights say how much each slope counts: less where the demonstrations' arm moved.
type weights [Side - 1][Side - 1]float64

// comparer holds a reference in each Turn.
type comparer struct {
	picture *picture
	scene   *scene
	slopes  [turns]*slopes
	weights [turns]weights
}

func (r *Reference) comparer() (*comparer, error) {
	if len(r.RGB) != 3*Side*Side || len(r.Deviation) != Side*Side {
		return nil, fmt.Errorf("reference of %d and %d bytes, want %d and %d", len(r.RGB), len(r.Deviation), 3*Side*Side, Side*Side)
	}
	var mean, deviation picture
	for i := range Side * Side {
		y, x := i/Side, i%Side
		for c := range 3 {
			mean[y][x][c] = float64(r.RGB[3*i+c])
		}
		deviation[y][x][0] = float64(r.Deviation[i]) / 255
	}
	c := &comparer{picture: &mean, scene: sceneOf(&mean, &deviation)}
	for t := range turns {
		c.slopes[t] = slopesOf(mean.turned(t))
		c.weights[t] = weightsOf(deviation.turned(t))
	}
	return c, nil
}

// weightsOf takes the deviations as the first colour of a picture.
func weightsOf(deviation *picture) (w weights) {
	for y := range w {
		for x := range w[y] {
			d := max(deviation[y][x][0], deviation[y+1][x][0], deviation[y][x+1][0]) / busy
			w[y][x] = 1 / (1 + d*d)
		}
	}
	return w
}

// compare gives the agreement in each Turn, the best of all places half a cell around, and that of the colours.
func (c *comparer) compare(live *View) (fits [turns]float64, hue float64) {
	for t := range fits {
		fits[t] = -1
	}
	for down := -1; down <= 1; down++ {
		for right := -1; right <= 1; right++ {
			s := slopesOf(live.at(down, right))
			for t := range turns {
				fits[t] = max(fits[t], s.agree(c.slopes[t], &c.weights[t]))
			}
		}
	}
	return fits, hues(live.at(0, 0), c.picture)
}

// agree is the cosine between two pictures' slopes, 0 for a picture that has none.
func (s *slopes) agree(o *slopes, w *weights) float64 {
	var ab, aa, bb float64
	for i := range s {
		for y := range s[i] {
			for x, a := range s[i][y] {
				b := o[i][y][x]
				ab, aa, bb = ab+w[y][x]*a*b, aa+w[y][x]*a*a, bb+w[y][x]*b*b
			}
		}
	}
	if aa == 0 || bb == 0 {
		return 0
	}
	return ab / math.Sqrt(aa*bb)
}

// hue is how the share of red less that of blue varies over a picture, its mean taken away: a lamp's tint leaves it as
// it is, and red and blue in each other's place turn its sign.
func hue(p *picture) (h [Side * Side]float64, length float64) {
	var mean [3]float64
	for i := range Side * Side {
		for c, v := range p[i/Side][i%Side] {
			mean[c] += v / (Side * Side)
		}
	}
	sum := 0.0
	for i := range h {
		c := &p[i/Side][i%Side]
		h[i] = c[0]/(mean[0]+1) - c[2]/(mean[2]+1)
		sum += h[i] / (Side * Side)
	}
	for i := range h {
		h[i] -= sum
		length += h[i] * h[i]
	}
	return h, math.Sqrt(length)
}

// hues is the correlation of two pictures' hues, 0 where one has none.
func hues(a, b *picture) float64 {
	x, lx := hue(a)
	y, ly := hue(b)
	if lx == 0 || ly == 0 {
		return 0
	}
	sum := 0.0
	for i := range x {
		sum += x[i] * y[i]
	}
	return sum / (lx * ly)
}
