package kinematics

import (
	"fmt"
	"math"
)

// Point is a position or a direction, x, y, z.
type Point [3]float64

// Rotation is a rotation matrix, (3, 3) row-major: its columns are the axes of the inner coordinate frame.
type Rotation [9]float64

// Pose is where one coordinate frame is in another: p_outer = R·p_inner + P.
type Pose struct {
	R Rotation
	P Point // m
}

// Twist is how the tool moves, in the axes of the base: its point's velocity in m/s, then its angular velocity
// in rad/s.
type Twist [6]float64

// unturned is no rotation.
func unturned() Rotation { return Rotation{1, 0, 0, 0, 1, 0, 0, 0, 1} }

// aboutX turns by angle, rad, about x.
func aboutX(angle float64) Rotation {
	s, c := math.Sincos(angle)
	return Rotation{1, 0, 0, 0, c, -s, 0, s, c}
}

func aboutY(angle float64) Rotation {
	s, c := math.Sincos(angle)
	return Rotation{c, 0, s, 0, 1, 0, -s, 0, c}
}

func aboutZ(angle float64) Rotation {
	s, c := math.Sincos(angle)
	return Rotation{c, -s, 0, s, c, 0, 0, 0, 1}
}

// times gives R_a_c of R_a_b and R_b_c.
func (r *Rotation) times(s *Rotation) Rotation {
	var out Rotation
	for i := 0; i < 9; i += 3 {
		for k := range 3 {
			out[i+k] = r[i]*s[k] + r[i+1]*s[3+k] + r[i+2]*s[6+k]
		}
	}
	return out
}

// turn turns the inner coordinate frame by angle, rad, about its own z.
func (r *Rotation) turn(angle float64) {
	s, c := math.Sincos(angle)
	for i := 0; i < 9; i += 3 {
		r[i], r[i+1] = c*r[i]+s*r[i+1], c*r[i+1]-s*r[i]
	}
}

// transposed is the inverse.
func (r *Rotation) transposed() Rotation {
	return Rotation{r[0], r[3], r[6], r[1], r[4], r[7], r[2], r[5], r[8]}
}

// check wants orthonormal rows and a right-handed turn, to a part in a million.
func (r *Rotation) check() error {
	back := r.transposed()
	one := r.times(&back)
	for i, x := range unturned() {
		if off := one[i] - x; !(off*off < 1e-12) {
			return fmt.Errorf("%w: the target's rotation is none: R·Rᵀ[%d] is %g, want %g", ErrChain, i, one[i], x)
		}
	}
	x, y, z := Point{r[0], r[1], r[2]}, Point{r[3], r[4], r[5]}, Point{r[6], r[7], r[8]}
	if x.Cross(y).Minus(z).Length() > 1e-3 {
		return fmt.Errorf("%w: the target's rotation is a reflection; its rows are left-handed", ErrChain)
	}
	return nil
}

// apply turns a direction.
func (r *Rotation) apply(p Point) Point {
	return Point{
		r[0]*p[0] + r[1]*p[1] + r[2]*p[2], r[3]*p[0] + r[4]*p[1] + r[5]*p[2], r[6]*p[0] + r[7]*p[1] + r[8]*p[2],
	}
}

// vector is the rotation's axis, times its angle in 0 to pi. About half a turn, the axis comes from the
// symmetric part: the other is all rounding there.
func (r *Rotation) vector() Point {
	v := Point{(r[7] - r[5]) / 2, (r[2] - r[6]) / 2, (r[3] - r[1]) / 2} // axis times sine
	sine, cosine := v.Length(), (r[0]+r[4]+r[8]-1)/2
	angle := math.Atan2(sine, cosine)
	if sine > 1e-6 || cosine > 0 {
		scale := 1.0
		if sine > 0 {
			scale = angle / sine
		}
		return Point{scale * v[0], scale * v[1], scale * v[2]}
	}
	return r.halfTurn(angle)
}

// halfTurn is vector for an angle so near pi that the axis's sign does not matter: R + 1 is twice the axis's
// square there, of which the longest column is the best known.
func (r *Rotation) halfTurn(angle float64) Point {
	var best Point
	for k := range 3 {
		column := Point{r[k], r[3+k], r[6+k]}
		column[k]++
		if column.Length() > best.Length() {
			best = column
		}
	}
	scale := angle / best.Length()
	return Point{scale * best[0], scale * best[1], scale * best[2]}
}

// times gives T_a_c of T_a_b and T_b_c.
func (t *Pose) times(u *Pose) Pose {
	return Pose{R: t.R.times(&u.R), P: t.Apply(u.P)}
}

// Apply gives where a point of the inner coordinate frame is in the outer, m.
func (t *Pose) Apply(p Point) Point { return t.R.apply(p).Plus(t.P) }

// Plus is the sum.
func (p Point) Plus(q Point) Point { return Point{p[0] + q[0], p[1] + q[1], p[2] + q[2]} }

// Minus is the difference.
func (p Point) Minus(q Point) Point { return Point{p[0] - q[0], p[1] - q[1], p[2] - q[2]} }

// Length is the distance from the origin.
func (p Point) Length() float64 { return math.Sqrt(p[0]*p[0] + p[1]*p[1] + p[2]*p[2]) }

// Times is the point scaled.
func (p Point) Times(x float64) Point { return Point{x * p[0], x * p[1], x * p[2]} }

// Dot is the scalar product.
func (p Point) Dot(q Point) float64 { return p[0]*q[0] + p[1]*q[1] + p[2]*q[2] }

// Cross is the velocity of a point at q from an axis through the origin that turns with p.
func (p Point) Cross(q Point) Point {
	return Point{p[1]*q[2] - p[2]*q[1], p[2]*q[0] - p[0]*q[2], p[0]*q[1] - p[1]*q[0]}
}
