package space

import (
	"fmt"
	"math"

	"sim2reald/robot/kinematics"
)

// Capsule is what a link, or a part of one, is taken for: all within Radius of the segment from A to B.
type Capsule struct {
	Link   string           // name, for people
	Joint  int              // that it moves with, counted from 1 at the base; 0 for the base itself
	A, B   kinematics.Point // m, in the coordinate frame of that joint, or of the base
	Radius float64          // m
}

// Shape is an arm as capsules.
type Shape struct {
	Capsules []Capsule
	// Apart are pairs of links that are kept from each other. Left out are neighbours, which touch by their make, and pairs
	// that no joint positions within the limits bring together.
	Apart [][2]string
}

// Box is the room that the arm may be in, in its base's coordinate frame, m. An infinite side is none.
type Box struct{ Min, Max kinematics.Point }

// Everywhere is a box without sides.
func Everywhere() Box {
	inf := math.Inf(1)
	return Box{Min: kinematics.Point{-inf, -inf, -inf}, Max: kinematics.Point{inf, inf, inf}}
}

// Within is the part of the box that is also in other.
func (b Box) Within(other Box) Box {
	for i := range b.Min {
		b.Min[i], b.Max[i] = max(b.Min[i], other.Min[i]), min(b.Max[i], other.Max[i])
	}
	return b
}

// Check wants sides that are numbers and have something between them.
func (b Box) Check() error {
	for i, axis := range []string{"x", "y", "z"} {
		if !(b.Min[i] < b.Max[i]) { // NaN as well
			return fmt.Errorf("the workspace ends at %s from %g to %g m; its first must be below its second", axis, b.Min[i], b.Max[i])
		}
	}
	return nil
}

// side names a side of the box as messages do: 0 to 5, x_min, x_max, y_min and so on.
func side(i int) string {
	return [...]string{"x_min", "x_max", "y_min", "y_max", "z_min", "z_max"}[i]
}

// nearest gives where two segments are nearest to each other, a point on each.
func nearest(a, b, c, d kinematics.Point) (onFirst, onSecond kinematics.Point) {
	first, second, from := b.Minus(a), d.Minus(c), a.Minus(c)
	l, m, f := first.Dot(first), second.Dot(second), second.Dot(from)
	e, g := first.Dot(from), first.Dot(second)
	var s, t float64
	if square := l*m - g*g; square > 1e-12*l*m {
		s = unit((g*f - e*m) / square)
	}
	if m > 0 {
		t = unit((g*s + f) / m)
	}
	if l > 0 {
		s = unit((g*t - e) / l)
	}
	return a.Plus(first.Times(s)), c.Plus(second.Times(t))
}

// unit is x within 0 and 1.
func unit(x float64) float64 { return min(max(x, 0), 1) }
