package kinematics

import "math"

// square is a (6, 6) matrix.
type square [6][6]float64

// maxSweeps is far more than Jacobi's method takes for six rows: about 6.
const maxSweeps = 30

// eigen diagonalises a symmetric matrix by Jacobi's method: a = Σ values[k] · vectors[k] · vectors[k]ᵀ. It works
// in place and without allocating, on numbers that are finite.
func (a *square) eigen() (values [6]float64, vectors square) {
	for k := range vectors {
		vectors[k][k] = 1
	}
	for range maxSweeps {
		if !a.sweep(&vectors) {
			break
		}
	}
	for k := range values {
		values[k] = a[k][k]
	}
	return values, vectors
}

// sweep turns every pair of rows once and reports whether any was not yet diagonal to rounding.
func (a *square) sweep(vectors *square) (turned bool) {
	for p := range 5 {
		for q := p + 1; q < 6; q++ {
			if math.Abs(a[p][q]) <= 1e-17*(math.Abs(a[p][p])+math.Abs(a[q][q])) {
				continue
			}
			turned = true
			a.turn(p, q, vectors)
		}
	}
	return turned
}

// turn makes a[p][q] zero by a rotation in the plane of p and q, the smaller of the two that do.
func (a *square) turn(p, q int, vectors *square) {
	theta := (a[q][q] - a[p][p]) / (2 * a[p][q])
	t := 1 / (math.Abs(theta) + math.Sqrt(theta*theta+1))
	if theta < 0 {
		t = -t
	}
	c := 1 / math.Sqrt(t*t+1)
	s := t * c
	for k := range 6 {
		a[k][p], a[k][q] = c*a[k][p]-s*a[k][q], s*a[k][p]+c*a[k][q]
	}
	for k := range 6 {
		a[p][k], a[q][k] = c*a[p][k]-s*a[q][k], s*a[p][k]+c*a[q][k]
		vectors[p][k], vectors[q][k] = c*vectors[p][k]-s*vectors[q][k], s*vectors[p][k]+c*vectors[q][k]
	}
	a[p][q], a[q][p] = 0, 0
}
