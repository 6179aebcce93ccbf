package calibration

import (
	"gonum.org/v1/gonum/mat"
)

// ArmNoise is by how much the arm's pose differs from what it reports, one standard deviation of each axis.
type ArmNoise struct {
	Turn  float64 // rad
	Shift float64 // m
}

// handEyeProblem is all that a fit does not change.
type handEyeProblem struct {
	kind    Kind
	lens    Lens
	points  []Vec
	samples []Sample
	board   []Transform // T_camera_board as each view alone has it
	weights [][]float64 // of each corner of each view
	pixel   float64     // px, standard deviation of a corner's coordinate
	noise   ArmNoise
}

// sight is one view, linearised at some poses.
type sight struct {
	evidence
	d             twist   // where the view by itself would have its board
	left          float64 // px², squares that no place of the board explains
	tCameraBoard  Transform
	tCameraFlange Transform
}

// sights linearises all views; ok is false where a corner cannot be seen from there.
func (h *handEyeProblem) sights(p Poses) ([]sight, bool) {
	out := make([]sight, len(h.samples))
	for i, s := range h.samples {
		c := p.tCameraBoard(h.kind, s.TBaseFlange)
		e, ok := gather(h.lens, c, h.points, s.View, h.weights[i])
		if !ok {
			return nil, false
		}
		d, left, err := e.best()
		if err != nil {
			return nil, false
		}
		out[i] = sight{e, d, left, c, p.tCameraFlange(h.kind, s.TBaseFlange)}
	}
	return out, true
}

// term is one view's part of the normal equations for the 12 small motions: of the camera in its own frame, of the
// board in its own frame.
type term struct {
	m *mat.Dense    // (6, 12): twist of the view by the small motions
	w *mat.Dense    // (6, 6): inverse covariance of d
	d *mat.VecDense // (6): what the view asks for
	n *mat.Dense    // (12, 12): mᵀ·w·m
	b *mat.VecDense // (12): mᵀ·w·d
}

func (h *handEyeProblem) term(s sight) term {
	info := mat.NewDense(6, 6, append([]float64(nil), s.h[:]...))
	info.Scale(1/(h.pixel*h.pixel), info)
	h.blur(info, s.tCameraFlange)
	t := term{m: byMotions(s.tCameraBoard), w: info, d: mat.NewVecDense(6, append([]float64(nil), s.d[:]...))}
	var mw mat.Dense
	mw.Mul(t.m.T(), t.w)
	t.n, t.b = mat.NewDense(12, 12, nil), mat.NewVecDense(12, nil)
	t.n.Mul(&mw, t.m)
	t.b.MulVec(&mw, t.d)
	return t
}

// blur takes from a view's information what the arm's own noise makes of it.
func (h *handEyeProblem) blur(info *mat.Dense, tCameraFlange Transform) {
	if h.noise == (ArmNoise{}) {
		return
	}
	ad := adjoint(tCameraFlange)
	g := mat.NewDense(6, 6, ad[:])
	variance := mat.NewDiagDense(6, nil)
	for i := range 3 {
		variance.SetDiag(i, h.noise.Turn*h.noise.Turn)
		variance.SetDiag(i+3, h.noise.Shift*h.noise.Shift)
	}
	var gv, cov, inv mat.Dense
	gv.Mul(g, variance)
	cov.Mul(&gv, g.T())
	if inv.Inverse(info) != nil {
		return
	}
	cov.Add(&cov, &inv)
	if inv.Inverse(&cov) == nil {
		info.Copy(&inv)
	}
}

// tCameraFlange is where the camera sees the flange.
func (p Poses) tCameraFlange(k Kind, tBaseFlange Transform) Transform {
	t := p.TParentCamera.Inverse()
	if k == EyeToHand {
		t = t.Mul(tBaseFlange)
	}
	return t
}

// byMotions: a motion of the camera moves what it sees the other way; one of the board as its adjoint says.
func byMotions(tCameraBoard Transform) *mat.Dense {
	m := mat.NewDense(6, 12, nil)
	ad := adjoint(tCameraBoard)
	for i := range 6 {
		m.Set(i, i, -1)
		for j := range 6 {
			m.Set(i, j+6, ad[6*i+j])
		}
	}
	return m
}

// normal are the normal equations at some poses.
type normal struct {
	n    *mat.SymDense // (12, 12)
	b    *mat.VecDense
	cost float64 // squares in units of their standard deviations
	// between is the part of cost by which the views contradict each other, left the rest in px².
	between, left float64
	rows          int
	terms         []term // of each view
}

func (h *handEyeProblem) normal(p Poses) (normal, bool) {
	seen, ok := h.sights(p)
	if !ok {
		return normal{}, false
	}
	return h.assemble(seen), true
}

// assemble adds up the views.
func (h *handEyeProblem) assemble(seen []sight) normal {
	out := normal{n: mat.NewSymDense(12, nil), b: mat.NewVecDense(12, nil)}
	for _, s := range seen {
		t := h.term(s)
		addSym(out.n, t.n)
		out.b.AddVec(out.b, t.b)
		out.between += mat.Inner(t.d, t.w, t.d)
		out.left += s.left
		out.rows += s.rows
		out.terms = append(out.terms, t)
	}
	out.cost = out.between + out.left/(h.pixel*h.pixel)
	return out
}

func addSym(to *mat.SymDense, m *mat.Dense) {
	for i := range 12 {
		for j := i; j < 12; j++ {
			to.SetSym(i, j, to.At(i, j)+(m.At(i, j)+m.At(j, i))/2)
		}
	}
}

// solve refines poses by Levenberg and Marquardt's method on the reprojection error, each view weighed by what
// its corners and the arm are worth.
func (h *handEyeProblem) solve(p Poses) (Poses, normal, error) {
	at, ok := h.normal(p)
	if !ok {
		return p, at, ErrUndetermined
	}
	damping := 1e-9
	for range 100 {
		step, ok := at.step(damping)
		if !ok {
			return p, at, ErrUndetermined
		}
		moved := p.moved(step)
		next, ok := h.normal(moved)
		if !ok || !(next.cost <= at.cost*(1+1e-13)) {
			if damping = max(damping*10, 1e-6); damping > 1e8 {
				return p, at, nil
			}
			continue
		}
		small := at.cost-next.cost <= 1e-9*(1+at.cost)
		p, at, damping = moved, next, damping/10
		if small {
			return p, at, nil
		}
	}
	return p, at, nil
}

func (n normal) step(damping float64) ([]float64, bool) {
	damped := mat.NewSymDense(12, nil)
	damped.CopySym(n.n)
	for i := range 12 {
		damped.SetSym(i, i, damped.At(i, i)*(1+damping))
	}
	var chol mat.Cholesky
	var x mat.VecDense
	if !chol.Factorize(damped) || chol.SolveVecTo(&x, n.b) != nil {
		return nil, false
	}
	return x.RawVector().Data, true
}

// moved applies the 12 small motions.
func (p Poses) moved(d []float64) Poses {
	return Poses{p.TParentCamera.Moved([6]float64(d[:6])), p.TOtherBoard.Moved([6]float64(d[6:12]))}
}
