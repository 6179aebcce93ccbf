package calibration

import (
	"errors"
	"math"

	"gonum.org/v1/gonum/mat"
)

// StandardDeviations gives the standard deviation of each of a lens's parameters after a fit to views, from the
// curvature of the reprojection error and from the residuals themselves; the poses of the board, which were
// fitted along, are accounted for. (OpenCV 4.6 divides the squares of both coordinates by the number of points
// alone, so its own figures are too large by about the root of two.)
func StandardDeviations(l Lens, b Board, views []View, tCameraBoard []Transform) ([]float64, error) {
	n := len(l.Parameters())
	info, sum, rows := mat.NewSymDense(n, nil), 0.0, 0
	for i, v := range views {
		view, squares, ok := lensInformation(l, b.Points(), v, tCameraBoard[i])
		if !ok {
			return nil, ErrUndetermined
		}
		info.AddSym(info, view)
		sum += squares
		rows += 2 * len(v.Corners)
	}
	free := rows - n - 6*len(views)
	if free < 1 {
		return nil, errors.New("too few corners to tell how well the lens is known")
	}
	var chol mat.Cholesky
	var inv mat.SymDense
	if !chol.Factorize(info) || chol.InverseTo(&inv) != nil {
		return nil, errors.New("the views do not fix the lens: tilt the board, and show it all over the picture")
	}
	sd := make([]float64, n)
	for i := range sd {
		sd[i] = math.Sqrt(inv.At(i, i) * sum / float64(free))
	}
	return sd, nil
}

// lensInformation is what one view says of the lens with the pose of its board unknown, and its sum of squares.
func lensInformation(l Lens, points []Vec, v View, t Transform) (*mat.SymDense, float64, bool) {
	n := len(l.Parameters())
	j, pose, sum := mat.NewDense(2*len(v.Corners), n, nil), mat.NewDense(2*len(v.Corners), 6, nil), 0.0
	for i, c := range v.Corners {
		p := t.Apply(points[c.ID])
		u, w, ok := l.Project(p)
		du, dv, okG := l.gradient(p)
		if !ok || !okG {
			return nil, 0, false
		}
		sum += (c.U-u)*(c.U-u) + (c.V-w)*(c.V-w)
		a, b := byTwist(du, p), byTwist(dv, p)
		pose.SetRow(2*i, a[:])
		pose.SetRow(2*i+1, b[:])
		l.parameterRows(p, func(k int, du, dv float64) {
			j.Set(2*i, k, du)
			j.Set(2*i+1, k, dv)
		})
	}
	return withoutPose(j, pose), sum, true
}

// parameterRows gives how a point's pixel moves with each parameter.
func (l Lens) parameterRows(p Vec, set func(k int, du, dv float64)) {
	at := l.Parameters()
	for k, v := range at {
		h := 1e-6 * math.Max(1, math.Abs(v))
		at[k] = v + h
		ua, va, _ := l.with(at).Project(p)
		at[k] = v - h
		ub, vb, _ := l.with(at).Project(p)
		at[k] = v
		set(k, (ua-ub)/(2*h), (va-vb)/(2*h))
	}
}

// withoutPose gives jᵀj less what a motion of the board could explain as well.
func withoutPose(j, pose *mat.Dense) *mat.SymDense {
	_, n := j.Dims()
	var own, mixed, between, x, taken mat.Dense
	own.Mul(pose.T(), pose)
	mixed.Mul(pose.T(), j)
	between.Mul(j.T(), j)
	if err := x.Solve(&own, &mixed); err == nil {
		taken.Mul(mixed.T(), &x)
		between.Sub(&between, &taken)
	}
	out := mat.NewSymDense(n, nil)
	for a := range n {
		for b := a; b < n; b++ {
			out.SetSym(a, b, (between.At(a, b)+between.At(b, a))/2)
		}
	}
	return out
}
