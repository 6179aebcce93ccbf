package calibration

import (
	"fmt"
	"math"
)

// Model names how a lens bends rays, in ROS's words. The coefficients are OpenCV's, in OpenCV's order.
type Model string

// The models, with the number of their coefficients.
const (
	PlumbBob    Model = "plumb_bob"           // k1 k2 p1 p2 k3
	Rational    Model = "rational_polynomial" // k1 k2 p1 p2 k3 k4 k5 k6
	Equidistant Model = "equidistant"         // k1 k2 k3 k4: a fisheye
)

// Coefficients names a model's coefficients in order; none for a model that is not known.
func (m Model) Coefficients() []string {
	switch m {
	case PlumbBob:
		return []string{"k1", "k2", "p1", "p2", "k3"}
	case Rational:
		return []string{"k1", "k2", "p1", "p2", "k3", "k4", "k5", "k6"}
	case Equidistant:
		return []string{"k1", "k2", "k3", "k4"}
	}
	return nil
}

// Lens maps a point in the optical frame (x right, y down, z forward, in m) to a pixel of a real camera: the
// pinhole's mapping behind a distortion. Pixel centres have whole-number coordinates, as in OpenCV.
type Lens struct {
	Intrinsics
	Model Model
	D     []float64 // as Model.Coefficients names them, without unit
}

// Check refuses a lens that cannot be one.
func (l Lens) Check() error {
	names := l.Model.Coefficients()
	if names == nil {
		return fmt.Errorf("distortion model %q is not known; want %s, %s or %s", l.Model, PlumbBob, Rational, Equidistant)
	}
	if len(l.D) != len(names) {
		return fmt.Errorf("distortion model %s has %d coefficients, got %d", l.Model, len(names), len(l.D))
	}
	if l.Width < 1 || l.Height < 1 || l.Width > 1<<16 || l.Height > 1<<16 {
		return fmt.Errorf("image size %dx%d px cannot be one; want 1 to 65536 on each side", l.Width, l.Height)
	}
	for i, v := range l.Parameters() {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Errorf("parameter %s is %g; want a number", l.Names()[i], v)
		}
	}
	if !(l.Fx > 0 && l.Fy > 0) {
		return fmt.Errorf("focal lengths %g and %g px; want both positive", l.Fx, l.Fy)
	}
	return nil
}

// Parameters lists fx, fy, cx, cy in px and the coefficients, as Names names them.
func (l Lens) Parameters() []float64 { return append([]float64{l.Fx, l.Fy, l.Cx, l.Cy}, l.D...) }

// Names names Parameters.
func (l Lens) Names() []string {
	return append([]string{"fx", "fy", "cx", "cy"}, l.Model.Coefficients()...)
}

// with gives the lens with other parameters.
func (l Lens) with(p []float64) Lens {
	l.Fx, l.Fy, l.Cx, l.Cy = p[0], p[1], p[2], p[3]
	l.D = append([]float64(nil), p[4:]...)
	return l
}

// Project gives the pixel of a point in the optical frame. ok is false for a point that is not in front, or whose
// pixel is no number. Far beyond the picture's edge a distortion may fold back: whether a pixel really shows the
// point is for Unproject to say.
func (l Lens) Project(p Vec) (u, v float64, ok bool) {
	if !(p[2] > 0) {
		return 0, 0, false
	}
	x, y := l.bend(p[0]/p[2], p[1]/p[2])
	u, v = l.Fx*x+l.Cx, l.Fy*y+l.Cy
	return u, v, !math.IsNaN(u+v) && !math.IsInf(u+v, 0)
}

// bend gives where the ray (x, y, 1) passes z = 1 after the distortion.
func (l Lens) bend(x, y float64) (float64, float64) {
	r2 := x*x + y*y
	if l.Model == Equidistant {
		return l.bendFisheye(x, y, math.Sqrt(r2))
	}
	d := l.D
	radial := 1 + r2*(d[0]+r2*(d[1]+r2*d[4]))
	if l.Model == Rational {
		radial /= 1 + r2*(d[5]+r2*(d[6]+r2*d[7]))
	}
	return x*radial + 2*d[2]*x*y + d[3]*(r2+2*x*x), y*radial + d[2]*(r2+2*y*y) + 2*d[3]*x*y
}

func (l Lens) bendFisheye(x, y, r float64) (float64, float64) {
	if r < 1e-12 {
		return x, y
	}
	s := l.bentAngle(math.Atan(r)) / r
	return s * x, s * y
}

// bentAngle is the distance from the centre at which a fisheye shows a ray at this angle in rad to its axis.
func (l Lens) bentAngle(a float64) float64 {
	a2 := a * a
	return a * (1 + a2*(l.D[0]+a2*(l.D[1]+a2*(l.D[2]+a2*l.D[3]))))
}

// Unproject gives the ray of a pixel as the point with z = 1 in the optical frame; ok is false where no ray in
// front of the camera leads to this pixel.
func (l Lens) Unproject(u, v float64) (p Vec, ok bool) {
	wantX, wantY := (u-l.Cx)/l.Fx, (v-l.Cy)/l.Fy
	x, y := wantX, wantY
	if l.Model == Equidistant {
		x, y = l.fisheyeStart(wantX, wantY)
	}
	const h = 1e-6
	for range 30 {
		bx, by := l.bend(x, y)
		ex, ey := bx-wantX, by-wantY
		if math.Abs(ex)+math.Abs(ey) < 1e-12 {
			break
		}
		ax, ay := l.bend(x+h, y)
		cx, cy := l.bend(x, y+h)
		a, b, c, d := (ax-bx)/h, (cx-bx)/h, (ay-by)/h, (cy-by)/h
		det := a*d - b*c
		if !(math.Abs(det) > 1e-9) {
			return Vec{}, false
		}
		x, y = x-(d*ex-b*ey)/det, y-(a*ey-c*ex)/det
	}
	bx, by := l.bend(x, y)
	return Vec{x, y, 1}, math.Abs(bx-wantX)+math.Abs(by-wantY) < 1e-9
}

// fisheyeStart is the ray of a fisheye without coefficients, because the pixel's own distance means an angle.
func (l Lens) fisheyeStart(x, y float64) (float64, float64) {
	r := math.Hypot(x, y)
	if r < 1e-12 {
		return x, y
	}
	s := math.Tan(min(r, 1.5)) / r
	return s * x, s * y
}
