package calibration

import (
	"errors"
	"math"

	"gonum.org/v1/gonum/mat"
)

// evidence is what one view says of where its board is, around a guess of T_camera_board: to second order, the
// weighted sum of squared residuals is sum - 2 twist·g + twistᵀ H twist, in px².
type evidence struct {
	h    matrix6 // symmetric
	g    twist
	sum  float64 // weighted
	rows int     // residuals, two for each corner
}

// gather linearises a view. weights are of each corner, all one if nil. ok is false if a corner cannot be seen
// from there.
func gather(l Lens, tCameraBoard Transform, points []Vec, v View, weights []float64) (e evidence, ok bool) {
	for i, c := range v.Corners {
		p := tCameraBoard.Apply(points[c.ID])
		u, w, okP := l.Project(p)
		du, dv, okG := l.gradient(p)
		if !okP || !okG {
			return e, false
		}
		weight := 1.0
		if weights != nil {
			weight = weights[i]
		}
		e.add(byTwist(du, p), c.U-u, weight)
		e.add(byTwist(dv, p), c.V-w, weight)
	}
	return e, true
}

func (e *evidence) add(j twist, r, weight float64) {
	for a := range 6 {
		for b := range 6 {
			e.h[6*a+b] += weight * j[a] * j[b]
		}
		e.g[a] += weight * j[a] * r
	}
	e.sum += weight * r * r
	e.rows++
}

// best gives the twist that this view alone would choose, and the sum of squares that would be left, px².
func (e evidence) best() (d twist, left float64, err error) {
	var chol mat.Cholesky
	if !chol.Factorize(mat.NewSymDense(6, append([]float64(nil), e.h[:]...))) {
		return d, 0, ErrUndetermined
	}
	var x mat.VecDense
	if err := chol.SolveVecTo(&x, mat.NewVecDense(6, append([]float64(nil), e.g[:]...))); err != nil {
		return d, 0, ErrUndetermined
	}
	left = e.sum
	for i := range 6 {
		d[i] = x.AtVec(i)
		left -= d[i] * e.g[i]
	}
	return d, math.Max(left, 0), nil
}

// ErrUndetermined says that the corners leave the pose of the board open.
var ErrUndetermined = errors.New("the corners do not fix the pose of the board")

// cornerWeights are Huber's, for the distances of the corners from where the board's best pose has them: a corner
// beyond three times the typical distance counts less, so that a wrongly found one does not turn the board.
func cornerWeights(l Lens, tCameraBoard Transform, points []Vec, v View) []float64 {
	distances := make([]float64, len(v.Corners))
	for i, c := range v.Corners {
		u, w, _ := l.Project(tCameraBoard.Apply(points[c.ID]))
		distances[i] = math.Hypot(c.U-u, c.V-w)
	}
	// The median of the length of a vector of two normal numbers is 1.18 of their standard deviation.
	limit := 3.5 * median(distances) / 1.18
	for i, d := range distances {
		distances[i] = 1
		if d > limit && limit > 0 {
			distances[i] = limit / d
		}
	}
	return distances
}
