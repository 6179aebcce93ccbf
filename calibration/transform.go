package calibration

import (
	"fmt"
	"math"
)

// Vec is a point or a direction in some coordinate frame; points are in m.
type Vec [3]float64

// Rotation is a 3x3 rotation matrix, row-major.
type Rotation [9]float64

// Quat is a unit quaternion, w first here and in the files of this project.
type Quat struct{ W, X, Y, Z float64 }

// Transform is where the coordinate frame b is in the coordinate frame a: p_a = T_a_b·p_b, with p_a = R·p_b + T.
// A variable of this type names both frames: tBaseCamera is the camera's pose in the base.
type Transform struct {
	R Rotation
	T Vec // m
}

// Identity leaves every point where it is.
func Identity() Transform { return Transform{R: Rotation{1, 0, 0, 0, 1, 0, 0, 0, 1}} }

// Mul gives T_a_c from T_a_b and T_b_c.
func (t Transform) Mul(u Transform) Transform { return Transform{R: t.R.Mul(u.R), T: t.Apply(u.T)} }

// Inverse gives T_b_a from T_a_b.
func (t Transform) Inverse() Transform {
	r := t.R.Transpose()
	p := r.Apply(t.T)
	return Transform{R: r, T: Vec{-p[0], -p[1], -p[2]}}
}

// Apply gives p_a of p_b.
func (t Transform) Apply(p Vec) Vec { return add(t.R.Apply(p), t.T) }

// Moved gives T_a_b after a small motion in b's own frame: first three a rotation vector in rad, then three m.
func (t Transform) Moved(d [6]float64) Transform {
	return t.Mul(Transform{R: Exp(Vec{d[0], d[1], d[2]}), T: Vec{d[3], d[4], d[5]}})
}

// Finite reports whether every number is one.
func (t Transform) Finite() bool {
	sum := 0.0
	for _, v := range t.R {
		sum += v * 0
	}
	for _, v := range t.T {
		sum += v * 0
	}
	return sum == 0
}

// Mul gives the rotation that does s first and then r.
func (r Rotation) Mul(s Rotation) Rotation {
	var out Rotation
	for i := range 3 {
		for j := range 3 {
			out[3*i+j] = r[3*i]*s[j] + r[3*i+1]*s[3+j] + r[3*i+2]*s[6+j]
		}
	}
	return out
}

// Transpose gives the opposite rotation.
func (r Rotation) Transpose() Rotation {
	return Rotation{r[0], r[3], r[6], r[1], r[4], r[7], r[2], r[5], r[8]}
}

// Apply turns a vector.
func (r Rotation) Apply(p Vec) Vec {
	return Vec{
		r[0]*p[0] + r[1]*p[1] + r[2]*p[2],
		r[3]*p[0] + r[4]*p[1] + r[5]*p[2],
		r[6]*p[0] + r[7]*p[1] + r[8]*p[2],
	}
}

// Exp gives the rotation about v's direction by v's length in rad.
func Exp(v Vec) Rotation {
	a := norm(v)
	s := 0.5
	if a > 1e-12 {
		s = math.Sin(a/2) / a
	}
	return Quat{math.Cos(a / 2), s * v[0], s * v[1], s * v[2]}.Rotation()
}

// Log gives the rotation vector of a rotation, in rad, at most pi long.
func Log(r Rotation) Vec {
	q := r.Quat()
	if q.W < 0 {
		q = Quat{-q.W, -q.X, -q.Y, -q.Z}
	}
	v := Vec{q.X, q.Y, q.Z}
	n := norm(v)
	if n < 1e-12 {
		return scale(v, 2)
	}
	return scale(v, 2*math.Atan2(n, q.W)/n)
}

// Angle is by how much a rotation turns, in rad.
func (r Rotation) Angle() float64 { return norm(Log(r)) }

// Rotation gives the matrix of a unit quaternion.
func (q Quat) Rotation() Rotation {
	w, x, y, z := q.W, q.X, q.Y, q.Z
	return Rotation{
		1 - 2*(y*y+z*z), 2 * (x*y - w*z), 2 * (x*z + w*y),
		2 * (x*y + w*z), 1 - 2*(x*x+z*z), 2 * (y*z - w*x),
		2 * (x*z - w*y), 2 * (y*z + w*x), 1 - 2*(x*x+y*y),
	}
}

// Quat gives the unit quaternion of a rotation, computed from its largest part so that nothing is divided by
// nearly zero.
func (r Rotation) Quat() Quat {
	trace := r[0] + r[4] + r[8]
	switch {
	case trace > 0:
		s := 2 * math.Sqrt(1+trace)
		return Quat{s / 4, (r[7] - r[5]) / s, (r[2] - r[6]) / s, (r[3] - r[1]) / s}.unit()
	case r[0] >= r[4] && r[0] >= r[8]:
		s := 2 * math.Sqrt(1+r[0]-r[4]-r[8])
		return Quat{(r[7] - r[5]) / s, s / 4, (r[1] + r[3]) / s, (r[2] + r[6]) / s}.unit()
	case r[4] >= r[8]:
		s := 2 * math.Sqrt(1+r[4]-r[0]-r[8])
		return Quat{(r[2] - r[6]) / s, (r[1] + r[3]) / s, s / 4, (r[5] + r[7]) / s}.unit()
	}
	s := 2 * math.Sqrt(1+r[8]-r[0]-r[4])
	return Quat{(r[3] - r[1]) / s, (r[2] + r[6]) / s, (r[5] + r[7]) / s, s / 4}.unit()
}

// Checked gives the quaternion with length one. One that is not finite, or whose length is more than 1 % away
// from one, is an error: it was damaged, or its numbers are something else.
func (q Quat) Checked() (Quat, error) {
	n := q.length()
	if !(n > 0.99 && n < 1.01) {
		return Quat{}, fmt.Errorf("quaternion w %g, x %g, y %g, z %g has length %g; want 1, and w first", q.W, q.X, q.Y, q.Z, n)
	}
	return q.unit(), nil
}

func (q Quat) length() float64 { return math.Sqrt(q.W*q.W + q.X*q.X + q.Y*q.Y + q.Z*q.Z) }

func (q Quat) unit() Quat {
	n := q.length()
	return Quat{q.W / n, q.X / n, q.Y / n, q.Z / n}
}

func add(a, b Vec) Vec           { return Vec{a[0] + b[0], a[1] + b[1], a[2] + b[2]} }
func sub(a, b Vec) Vec           { return Vec{a[0] - b[0], a[1] - b[1], a[2] - b[2]} }
func scale(a Vec, s float64) Vec { return Vec{s * a[0], s * a[1], s * a[2]} }
func dot(a, b Vec) float64       { return a[0]*b[0] + a[1]*b[1] + a[2]*b[2] }
func norm(a Vec) float64         { return math.Sqrt(dot(a, a)) }
func cross(a, b Vec) Vec {
	return Vec{a[1]*b[2] - a[2]*b[1], a[2]*b[0] - a[0]*b[2], a[0]*b[1] - a[1]*b[0]}
}
