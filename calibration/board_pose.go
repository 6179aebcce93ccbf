package calibration

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"
)

// BoardPose gives T_camera_board of a view: from the homography between board and picture, refined by minimising
// the reprojection error. It wants four corners that are not on a line.
func BoardPose(l Lens, b Board, v View) (Transform, error) {
	start, err := homographyPose(l, b.Points(), v)
	if err != nil {
		return Transform{}, fmt.Errorf("%s: %w", v.Name, err)
	}
	t, err := refineBoardPose(l, b.Points(), v, nil, start)
	if err != nil {
		return Transform{}, fmt.Errorf("%s: %w", v.Name, err)
	}
	return t, nil
}

// refineBoardPose is Levenberg and Marquardt's method on the six numbers of a pose.
func refineBoardPose(l Lens, points []Vec, v View, weights []float64, t Transform) (Transform, error) {
	e, ok := gather(l, t, points, v, weights)
	if !ok {
		return t, ErrUndetermined
	}
	damping := 1e-6
	for range 60 {
		damped := e
		for i := range 6 {
			damped.h[7*i] *= 1 + damping
		}
		step, _, err := damped.best()
		if err != nil {
			return t, err
		}
		moved := t.twisted(step)
		next, ok := gather(l, moved, points, v, weights)
		if !ok || !(next.sum <= e.sum) {
			if damping *= 10; damping > 1e6 {
				return t, nil
			}
			continue
		}
		small := e.sum-next.sum <= 1e-14*(e.sum+1e-12)
		t, e, damping = moved, next, math.Max(damping/10, 1e-12)
		if small {
			return t, nil
		}
	}
	return t, nil
}

// homographyPose takes the pose out of the mapping from the board's plane to the rays.
func homographyPose(l Lens, points []Vec, v View) (Transform, error) {
	if len(v.Corners) < 4 {
		return Transform{}, fmt.Errorf("%d corners, want at least 4: %w", len(v.Corners), ErrUndetermined)
	}
	centre, size := middle(points)
	ata := mat.NewSymDense(9, nil)
	for _, c := range v.Corners {
		ray, ok := l.Unproject(c.U, c.V)
		if !ok {
			return Transform{}, fmt.Errorf("corner %d at %.1f, %.1f px lies where this lens shows nothing", c.ID, c.U, c.V)
		}
		p := scale(sub(points[c.ID], centre), 1/size)
		x, y := ray[0], ray[1]
		ata.SymRankOne(ata, 1, mat.NewVecDense(9, []float64{p[0], p[1], 1, 0, 0, 0, -x * p[0], -x * p[1], -x}))
		ata.SymRankOne(ata, 1, mat.NewVecDense(9, []float64{0, 0, 0, p[0], p[1], 1, -y * p[0], -y * p[1], -y}))
	}
	var eig mat.EigenSym
	if !eig.Factorize(ata, true) {
		return Transform{}, ErrUndetermined
	}
	values := eig.Values(nil)
	if !(values[1] > 1e-9*values[8]) {
		return Transform{}, ErrUndetermined
	}
	var vectors mat.Dense
	eig.VectorsTo(&vectors)
	return poseOfHomography(mat.Col(nil, 0, &vectors), centre, size)
}

// poseOfHomography: h maps (x, y, 1) of the board, moved by centre and divided by size, to rays.
func poseOfHomography(h []float64, centre Vec, size float64) (Transform, error) {
	a, b, t := Vec{h[0], h[3], h[6]}, Vec{h[1], h[4], h[7]}, Vec{h[2], h[5], h[8]}
	if t[2] < 0 {
		a, b, t = scale(a, -1), scale(b, -1), scale(t, -1)
	}
	s := 2 / (norm(a) + norm(b))
	a, b = scale(a, s), scale(b, s)
	n := cross(a, b)
	r, ok := nearestRotation([]float64{a[0], b[0], n[0], a[1], b[1], n[1], a[2], b[2], n[2]})
	if !ok {
		return Transform{}, ErrUndetermined
	}
	at := scale(t, s*size) // of the centre
	return Transform{R: r, T: sub(at, r.Apply(centre))}, nil
}

// nearestRotation gives the rotation nearest to a matrix of 3x3, row-major, in the sum of squares.
func nearestRotation(m []float64) (Rotation, bool) {
	var svd mat.SVD
	if !svd.Factorize(mat.NewDense(3, 3, m), mat.SVDFull) || !(svd.Values(nil)[1] > 1e-9) {
		return Rotation{}, false
	}
	var u, v, r mat.Dense
	svd.UTo(&u)
	svd.VTo(&v)
	if mat.Det(&u)*mat.Det(&v) < 0 {
		for i := range 3 {
			u.Set(i, 2, -u.At(i, 2))
		}
	}
	r.Mul(&u, v.T())
	return Rotation(r.RawMatrix().Data), true
}

// middle gives the mean of points and their mean distance from it, in m.
func middle(points []Vec) (centre Vec, size float64) {
	for _, p := range points {
		centre = add(centre, scale(p, 1/float64(len(points))))
	}
	for _, p := range points {
		size += norm(sub(p, centre)) / float64(len(points))
	}
	return centre, size
}
