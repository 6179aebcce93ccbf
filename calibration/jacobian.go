package calibration

import "math"

// twist is a small motion of a board seen by a camera, in the optical frame: a rotation vector in rad about the
// camera, then m. A point p moves by ω×p + t.
type twist [6]float64

// gradient gives how the pixel of a point in the optical frame moves with the point, in px/m.
func (l Lens) gradient(p Vec) (du, dv Vec, ok bool) {
	h := 1e-6 * math.Max(p[2], 1e-3)
	for i := range 3 {
		a, b := p, p
		a[i] += h
		b[i] -= h
		ua, va, okA := l.Project(a)
		ub, vb, okB := l.Project(b)
		if !okA || !okB {
			return du, dv, false
		}
		du[i], dv[i] = (ua-ub)/(2*h), (va-vb)/(2*h)
	}
	return du, dv, true
}

// byTwist gives how one coordinate of a pixel moves with a twist, from how it moves with the point p.
func byTwist(d, p Vec) twist {
	w := cross(p, d)
	return twist{w[0], w[1], w[2], d[0], d[1], d[2]}
}

// twisted applies a twist to T_camera_board.
func (t Transform) twisted(d twist) Transform {
	step := Transform{R: Exp(Vec{d[0], d[1], d[2]}), T: Vec{d[3], d[4], d[5]}}
	return step.Mul(t)
}

// matrix6 is (6, 6), row-major.
type matrix6 [36]float64

// adjoint turns a motion in b's own frame (as of Moved) into the twist of it in frame a, for t = T_a_b.
func adjoint(t Transform) matrix6 {
	var m matrix6
	for i := range 3 {
		for j := range 3 {
			m[6*i+j] = t.R[3*i+j]
			m[6*(i+3)+j+3] = t.R[3*i+j]
		}
		column := cross(t.T, Vec{t.R[i], t.R[3+i], t.R[6+i]})
		for j := range 3 {
			m[6*(j+3)+i] = column[j]
		}
	}
	return m
}
