package calibration

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"
)

// leaveOneOut predicts the board in each view from all the others. What one view adds is taken out of the normal
// equations, which is exact to first order, and the steps are far below a millimetre unless a view is an outlier.
func (h *handEyeProblem) leaveOneOut(p Poses, at normal) ([]Residual, error) {
	centre, _ := middle(h.points)
	out := make([]Residual, len(h.samples))
	for i, s := range h.samples {
		step, z, ok := at.without(at.terms[i])
		if !ok {
			return nil, fmt.Errorf("without %s the others do not fix the camera: add poses that turn the hand about other axes", s.View.Name)
		}
		said := p.moved(step).tCameraBoard(h.kind, s.TBaseFlange)
		out[i] = Residual{
			Name: s.View.Name, Z: z,
			Shift: norm(sub(said.Apply(centre), h.board[i].Apply(centre))),
			Turn:  said.R.Transpose().Mul(h.board[i].R).Angle(),
		}
	}
	return out, nil
}

// without gives the small motions that the other views alone ask for, and by how much this one then differs, in
// units of the standard deviation of the difference.
func (n normal) without(t term) (step []float64, z float64, ok bool) {
	var rest mat.Dense
	rest.Sub(n.n, t.n)
	others, b := mat.NewSymDense(12, nil), mat.NewVecDense(12, nil)
	addSym(others, &rest)
	b.SubVec(n.b, t.b)
	var chol mat.Cholesky
	var x, predicted, d mat.VecDense
	var cov, spread, m, own mat.Dense
	if !chol.Factorize(others) || chol.SolveVecTo(&x, b) != nil || chol.SolveTo(&m, t.m.T()) != nil || own.Inverse(t.w) != nil {
		return nil, 0, false
	}
	spread.Mul(t.m, &m)
	cov.Add(&spread, &own)
	predicted.MulVec(t.m, &x)
	d.SubVec(t.d, &predicted)
	var y mat.VecDense
	if y.SolveVec(&cov, &d) != nil {
		return nil, 0, false
	}
	return x.RawVector().Data, math.Sqrt(max(0, mat.Dot(&d, &y))), true
}

// outlier gives the sample that stands out most from the others, and the reason; -1 if none does. An outlier
// swells the arm's noise and so makes all others look small: what tells is the ratio to the median. The length of
// a vector of six normal numbers is beyond three times its median less than once in ten million.
func outlier(r []Residual) (int, string) {
	zs := make([]float64, len(r))
	for i, s := range r {
		zs[i] = s.Z
	}
	typical, worst := median(zs), 0
	for i, z := range zs {
		if z > zs[worst] {
			worst = i
		}
	}
	if !(zs[worst] > 3*typical) {
		return -1, ""
	}
	return worst, fmt.Sprintf("outlier: %.2f mm and %.3f degrees from what the others say, %.1f standard deviations; the median is %.1f",
		1e3*r[worst].Shift, degrees(r[worst].Turn), zs[worst], typical)
}

// remove leaves a sample out for good.
func (h *handEyeProblem) remove(i int) {
	h.samples = slices.Delete(slices.Clone(h.samples), i, i+1)
	h.weights = slices.Delete(slices.Clone(h.weights), i, i+1)
	h.board = slices.Delete(slices.Clone(h.board), i, i+1)
}

// perView are the reprojection errors of each view at the poses, px.
func (h *handEyeProblem) perView(p Poses) []float64 {
	out := make([]float64, len(h.samples))
	for i, s := range h.samples {
		sum := 0.0
		t := p.tCameraBoard(h.kind, s.TBaseFlange)
		for _, c := range s.View.Corners {
			u, w, ok := h.lens.Project(t.Apply(h.points[c.ID]))
			if !ok {
				sum = math.Inf(1)
			}
			sum += (u-c.U)*(u-c.U) + (w-c.V)*(w-c.V)
		}
		out[i] = math.Sqrt(sum / float64(len(s.View.Corners)))
	}
	return out
}

// rms is over all corners, px.
func (h *handEyeProblem) rms(p Poses) float64 {
	sum, n := 0.0, 0
	for i, e := range h.perView(p) {
		k := len(h.samples[i].View.Corners)
		sum += e * e * float64(k)
		n += k
	}
	return math.Sqrt(sum / float64(n))
}

// medianRMS does not mind a few samples that are wrong.
func (h *handEyeProblem) medianRMS(p Poses) float64 { return median(h.perView(p)) }

func (h *handEyeProblem) compare(s Start, refined Transform) Compared {
	p := Poses{s.T, otherPose(h.kind, s.T, armPoses(h.samples), h.board)}
	off := refined.Inverse().Mul(s.T)
	return Compared{Solver: s.Solver, RMS: h.rms(p), Shift: norm(off.T), Turn: off.R.Angle()}
}
