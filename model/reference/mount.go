package reference

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"
)

// What decides about a mount was chosen on simulated cameras' starts of episodes and on a real camera's film;
// TestMovedMount and TestRealCamera give the figures.
const (
	leastMove  = 0.015 // of the picture: the least displacement that is told
	overDemos  = 1.5   // of the largest that the demonstrations had among themselves, which is told
	leastGain  = 1.5   // changed light displaces as well, and explains a picture at most 1.4 times as well
	sureGain   = 2     // for one that is far away: of nine places one may look a little alike
	mostZoom   = 0.1   // a camera that settles does not come much nearer, and changed light seems to
	leastKept  = 0.75  // of the contrast, and 1/leastKept at most: other shadows look like another place
	mostDemos  = 0.1   // of the picture: demonstrations that are farther apart say nothing of where the camera stood
	leastStart = 20    // episodes: fewer do not say how a scene varies from start to start
)

// Mount is how far a camera's picture lies from that of the demonstrations, as what stands still in it tells.
type Mount struct {
	Right, Down float64 // the scene's way, in widths and heights of the picture
	Turn        float64 // of the scene about the picture's middle, clockwise, rad
	Zoom        float64 // how much larger the scene is, 0 for as large
	Gain        float64 // how much better the picture is explained so than by a camera that stands where it stood
	Contrast    float64 // of the picture so, as part of the scene's: another where the light is another
}

// Far is the displacement half way between the picture's middle and its corners, in widths. A camera that has moved
// towards the scene is not told by it: changed light does the same to a small picture.
func (m *Mount) Far() float64 { return math.Hypot(m.Right, m.Down) + math.Abs(m.Turn)/2 }

// tellsMount is whether the demonstrations told where the camera stood.
func (r *Reference) tellsMount() bool {
	return r.enough() && r.Episodes >= leastStart && r.Moves > 0 && r.Moves <= mostDemos
}

// moved is whether the camera stands elsewhere than in any demonstration.
func (r *Reference) moved(m *Mount) bool {
	return r.tellsMount() && m.sure() && m.Far() > max(leastMove, overDemos*r.Moves)
}

// sure is whether a camera that moved explains the picture, and no other light.
func (m *Mount) sure() bool {
	return m.Gain >= leastGain && math.Abs(m.Zoom) <= mostZoom && m.Contrast >= leastKept && m.Contrast <= 1/leastKept
}

const (
	cells   = Side * Side
	rounds  = 8
	settled = 1e-4 // of the picture: a round that changes less is the last
	reach   = 0.2  // of the picture: as far as that its middle is looked for
	unlike  = 0.05 // of light: where less is unexplained, the camera stands about where it stood
	stride  = 0.06 // of the picture, at most in one round: slopes tell no more
	firm    = 0.05 // deviation of a cell's light beyond which it moves with the arm, or with the scene
	outlier = 2    // deviations: what lies beyond is somebody in the picture
	least   = 1e-3 // of light: what quantisation leaves
	noise   = 3e-3 // of light: a picture explained better than so is explained
)

// scene is what a mount is found by: the logarithm of each cell's light, and how still the cell is.
type scene struct{ light, still [cells]float64 }

func sceneOf(mean, deviation *picture) *scene {
	s := &scene{}
	for i := range cells {
		y, x := i/Side, i%Side
		s.light[i] = light(&mean[y][x])
		d := deviation[y][x][0] / firm
		s.still[i] = 1 / (1 + d*d)
	}
	return s
}

// mount is found from the middle, or else, where the picture is unlike the scene, from farther away.
func (s *scene) mount(live *View) Mount {
	grey := greyOf(live)
	best := s.from(grey, Mount{})
	stood, _ := s.unexplained(first(grey.seen(&Mount{})), &s.still)
	if best.sure() || stood < unlike {
		return best
	}
	for _, right := range []float64{-reach, 0, reach} {
		for _, down := range []float64{-reach, 0, reach} {
			if m := s.from(grey, Mount{Right: right, Down: down}); m.sure() && m.Gain > max(best.Gain, sureGain) {
				best = m
			}
		}
	}
	return best
}

func first(lights, _ *[cells]float64) *[cells]float64 { return lights }

// from moves the live picture, round by round, to where it is the scene's but for a gain and an offset of light: Gauss and
// Newton's way, with what does not fit counting little.
func (s *scene) from(grey *greys, m Mount) Mount {
	for range rounds {
		lights, inside := grey.seen(&m)
		x, _ := robust(slopeRows(lights, &s.light), 6, lights, times(&s.still, inside))
		size := 0.0
		for i, p := range []*float64{&m.Right, &m.Down, &m.Turn, &m.Zoom} {
			step := min(max(x[i], -stride), stride)
			if math.IsNaN(step) { // and no place in a picture
				return Mount{}
			}
			*p, size = *p+step, size+math.Abs(step)
		}
		if size < settled {
			break
		}
	}
	moved, inside := grey.seen(&m)
	stood, _ := grey.seen(&Mount{})
	weights := times(&s.still, inside)
	if sum(weights) < sum(&s.still)/2 { // too little of the scene is left to be recognised
		return Mount{}
	}
	before, _ := s.unexplained(stood, weights)
	after, contrast := s.unexplained(moved, weights)
	m.Gain, m.Contrast = before/(after+noise), contrast
	return m
}

// unexplained is the mean difference of light that a contrast, which it tells, and an offset leave.
func (s *scene) unexplained(lights, weights *[cells]float64) (mean, contrast float64) {
	rows := make([]row, cells)
	for i := range rows {
		rows[i] = row{-1, -s.light[i]}
	}
	x, rest := robust(rows, 2, lights, weights)
	total := 0.0
	for i, r := range rest {
		total += weights[i] * min(math.Abs(r), 0.5)
	}
	if of := sum(weights); of > 0 {
		return total / of, x[1]
	}
	return 0, 0
}

func sum(of *[cells]float64) (total float64) {
	for _, x := range of {
		total += x
	}
	return total
}

func times(a, b *[cells]float64) *[cells]float64 {
	var out [cells]float64
	for i := range out {
		out[i] = a[i] * b[i]
	}
	return &out
}

// greys is a view's light.
type greys [Fine][Fine]float64

func greyOf(v *View) *greys {
	var g greys
	for y := range Fine {
		for x := range Fine {
			g[y][x] = (v[y][x][0] + v[y][x][1] + v[y][x][2]) / 3
		}
	}
	return &g
}

// seen is the light of each coarse cell where m says that it lies, and 1 for each that lies within the picture.
func (g *greys) seen(m *Mount) (lights, inside *[cells]float64) {
	lights, inside = &[cells]float64{}, &[cells]float64{}
	for i := range cells {
		sum, within := 0.0, true
		for k := range 4 {
			v, u := centred(2*(i/Side)+k/2, Fine), centred(2*(i%Side)+k%2, Fine)
			at, down := u+m.Right+m.Zoom*u-m.Turn*v, v+m.Down+m.Zoom*v+m.Turn*u
			within = within && math.Abs(at) < 0.5 && math.Abs(down) < 0.5
			sum += g.at(down*Fine+(Fine-1)/2.0, at*Fine+(Fine-1)/2.0) / 4
		}
		lights[i] = math.Log(sum + dark)
		if within {
			inside[i] = 1
		}
	}
	return lights, inside
}

// centred is where the middle of cell i of n lies, from the picture's middle, in its sides.
func centred(i, n int) float64 { return (float64(i) - float64(n-1)/2) / float64(n) }

// at is between four cells, or at the edge.
func (g *greys) at(y, x float64) float64 {
	y, x = min(max(y, 0), Fine-1), min(max(x, 0), Fine-1)
	top, left := min(int(y), Fine-2), min(int(x), Fine-2)
	b, a := y-float64(top), x-float64(left)
	return (1-b)*((1-a)*g[top][left]+a*g[top][left+1]) + b*((1-a)*g[top+1][left]+a*g[top+1][left+1])
}

// row is how one cell's light changes with each of the numbers that are sought.
type row [6]float64

// slopeRows are of a mount's four numbers, in the sides of the picture and rad, and of an offset and a gain of the scene's.
func slopeRows(lights, scene *[cells]float64) []row {
	rows := make([]row, cells)
	for i := range rows {
		y, x := i/Side, i%Side
		right, down := slope(lights, y, x, 0, 1), slope(lights, y, x, 1, 0)
		u, v := centred(x, Side), centred(y, Side)
		rows[i] = row{right, down, u*down - v*right, u*right + v*down, -1, -scene[i]}
	}
	return rows
}

// slope is over both neighbours, or one at an edge.
func slope(lights *[cells]float64, y, x, dy, dx int) float64 {
	y0, x0, y1, x1 := max(y-dy, 0), max(x-dx, 0), min(y+dy, Side-1), min(x+dx, Side-1)
	return Side * (lights[y1*Side+x1] - lights[y0*Side+x0]) / float64(y1-y0+x1-x0)
}

// robust solves rows · x = -y in least squares, weighted, for the first n numbers of each row, thrice: what stands out counts
// less the next time. rest is y + rows · x. Rows that tell too little give 0.
func robust(rows []row, n int, y, weights *[cells]float64) (x row, rest *[cells]float64) {
	rest = &[cells]float64{}
	trust := *weights
	for range 3 {
		x = solved(rows, n, y, &trust)
		for i := range rows {
			rest[i] = y[i]
			for k := range n {
				rest[i] += rows[i][k] * x[k]
			}
		}
		far := outlier * deviation(rest, weights)
		for i, r := range rest {
			trust[i] = weights[i] / (1 + r*r/(far*far))
		}
	}
	return x, rest
}

func solved(rows []row, n int, y, weights *[cells]float64) (x row) {
	var normal [len(x)]row
	var right row
	for i := range rows {
		for k := range n {
			q := weights[i] * rows[i][k]
			right[k] -= q * y[i]
			for l := range n {
				normal[k][l] += q * rows[i][l]
			}
		}
	}
	a := mat.NewSymDense(n, nil)
	for k := range n {
		for l := k; l < n; l++ {
			a.SetSym(k, l, normal[k][l])
		}
		a.SetSym(k, k, normal[k][k]+1e-9)
	}
	var factor mat.Cholesky
	if factor.Factorize(a) {
		// An ill-conditioned system is solved as far as it goes; Gain says what that was worth.
		_ = factor.SolveVecTo(mat.NewVecDense(n, x[:n]), mat.NewVecDense(n, right[:n]))
	}
	return x
}

// deviation is that of a normal distribution with the median of what counts, and least at least.
func deviation(rest, weights *[cells]float64) float64 {
	sizes := make([]float64, 0, cells)
	for i, r := range rest {
		if weights[i] > 0 {
			sizes = append(sizes, math.Abs(r))
		}
	}
	if len(sizes) == 0 {
		return least
	}
	slices.Sort(sizes)
	return 1.4826*sizes[len(sizes)/2] + least
}
