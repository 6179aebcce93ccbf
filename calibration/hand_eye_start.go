package calibration

import (
	"math"

	"gonum.org/v1/gonum/mat"
)

// motion is what arm and board did between two samples: parent P and camera Q with P·X = X·Q, X = T_parent_camera.
type motion struct{ p, q Transform }

func motions(k Kind, tBaseFlange, tCameraBoard []Transform) []motion {
	var out []motion
	for i := range tBaseFlange {
		for j := range i {
			out = append(out, motion{
				p: k.between(tBaseFlange[i]).Mul(k.between(tBaseFlange[j]).Inverse()),
				q: tCameraBoard[i].Mul(tCameraBoard[j].Inverse()),
			})
		}
	}
	return out
}

// alignAxes is a solver of hand-eye of its own: the rotation that lays the camera's axes of motion upon the arm's
// in the sense of least squares, then the translation. It gives T_parent_camera as Poses has it.
func alignAxes(k Kind, tBaseFlange, tCameraBoard []Transform) (Transform, bool) {
	all := motions(k, tBaseFlange, tCameraBoard)
	var m [9]float64
	for _, s := range all {
		a, b := Log(s.p.R), Log(s.q.R)
		// Near half a turn an axis may point either way.
		if norm(a) > 170*math.Pi/180 || norm(b) > 170*math.Pi/180 {
			continue
		}
		for i := range 9 {
			m[i] += a[i/3] * b[i%3]
		}
	}
	r, ok := nearestRotation(m[:])
	if !ok {
		return Transform{}, false
	}
	t, ok := alignPlaces(all, r)
	return Transform{R: r, T: t}, ok
}

// alignPlaces solves (R_P - 1)·t = R·t_Q - t_P over all motions.
func alignPlaces(all []motion, r Rotation) (Vec, bool) {
	a, b := mat.NewDense(3*len(all), 3, nil), mat.NewVecDense(3*len(all), nil)
	for n, s := range all {
		right := sub(r.Apply(s.q.T), s.p.T)
		for i := range 3 {
			for j := range 3 {
				a.Set(3*n+i, j, s.p.R[3*i+j])
			}
			a.Set(3*n+i, i, s.p.R[4*i]-1)
			b.SetVec(3*n+i, right[i])
		}
	}
	var x mat.VecDense
	if err := x.SolveVec(a, b); err != nil {
		return Vec{}, false
	}
	return Vec{x.AtVec(0), x.AtVec(1), x.AtVec(2)}, true
}

// otherPose gives T_other_board that goes with T_parent_camera: of what the samples say, the one nearest to all.
func otherPose(k Kind, tParentCamera Transform, tBaseFlange, tCameraBoard []Transform) Transform {
	said := make([]Transform, len(tBaseFlange))
	for i := range said {
		said[i] = k.between(tBaseFlange[i]).Inverse().Mul(tParentCamera).Mul(tCameraBoard[i])
	}
	best, least := 0, math.Inf(1)
	for i := range said {
		sum := 0.0
		for j := range said {
			// A turn of one rad weighs as a metre: at arm's length they move the board alike.
			sum += norm(sub(said[i].T, said[j].T)) + said[i].R.Transpose().Mul(said[j].R).Angle()
		}
		if sum < least {
			best, least = i, sum
		}
	}
	return said[best]
}

// unturn finds the views whose corners were numbered from the board's other end, gives T_camera_board of each
// with all numbered alike, and which ones were turned. A motion turns the arm and the camera's view by the same
// angle; numbered from the other end, it does not.
func unturn(b Board, tBaseFlange, tCameraBoard []Transform) (turned []bool) {
	turned = make([]bool, len(tCameraBoard))
	half := halfTurn(b)
	for i := 1; i < len(tCameraBoard); i++ {
		other := tCameraBoard[i].Mul(half)
		asIs, asTurned := 0.0, 0.0
		for j := range i {
			arm := tBaseFlange[i].R.Transpose().Mul(tBaseFlange[j].R).Angle()
			asIs += math.Abs(arm - tCameraBoard[i].R.Transpose().Mul(tCameraBoard[j].R).Angle())
			asTurned += math.Abs(arm - other.R.Transpose().Mul(tCameraBoard[j].R).Angle())
		}
		if asTurned < asIs {
			tCameraBoard[i], turned[i] = other, true
		}
	}
	return turned
}

// halfTurn is T_board_board' of a board whose corners are numbered from the other end.
func halfTurn(b Board) Transform {
	points := b.Points()
	return Transform{R: Rotation{-1, 0, 0, 0, -1, 0, 0, 0, 1}, T: points[len(points)-1]}
}

// symmetricValues are the eigenvalues of a symmetric matrix of 3x3, the smallest first.
func symmetricValues(m [9]float64) []float64 {
	var eig mat.EigenSym
	if !eig.Factorize(mat.NewSymDense(3, m[:]), false) {
		return []float64{0, 0, 0}
	}
	return eig.Values(nil)
}
