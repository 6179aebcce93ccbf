package live

import (
	"math"

	"sim2reald/calibration"
)

// face is where a board is before the camera, as far as is known while the lens is not.
type face struct {
	u, v     float64               // of its middle, as parts of the picture's width
	t        calibration.Transform // T_camera_board
	distance float64               // m, of its middle
	tilt     float64               // rad, of its normal from the line of sight
}

// How much of each must differ for a view to add something: parts of the width, of the distance, and rad.
const (
	otherPlace    = 0.1
	otherDistance = 0.15
	otherTilt     = 10 * math.Pi / 180
)

// What differs enough for hand-eye: rad and m of the flange.
const (
	otherTurn  = 5 * math.Pi / 180
	otherShift = 0.06
)

// guess is a lens before anything is known of it: one of 60 degrees, or a fisheye that sees 160 from corner to corner. It
// has a ray for every pixel.
func guess(m calibration.Model, width, height int) calibration.Lens {
	f := float64(width) / 2 / math.Tan(math.Pi/6)
	if m == calibration.Equidistant {
		f = math.Hypot(float64(width), float64(height)) / (160 * math.Pi / 180)
	}
	return calibration.Lens{
		Intrinsics: calibration.Intrinsics{Width: width, Height: height, Fx: f, Fy: f, Cx: float64(width-1) / 2, Cy: float64(height-1) / 2},
		Model:      m, D: make([]float64, len(m.Coefficients())),
	}
}

// faceOf sees a view through the lens as far as it is known. A fit to few views may bend the picture's edge so much that
// no ray leads there: such a view, which tells most, is then seen through the guess.
func (s *Session) faceOf(v calibration.View) (face, error) {
	f, err := faceOf(s.lens, s.cfg.Board, v)
	if err != nil && s.cfg.Kind == "" {
		f, err = faceOf(guess(s.cfg.Model, s.width, s.height), s.cfg.Board, v)
	}
	return f, err
}

// faceOf needs corners that are not on a line.
func faceOf(l calibration.Lens, b calibration.Board, v calibration.View) (face, error) {
	t, err := calibration.BoardPose(l, b, v)
	if err != nil {
		return face{}, err
	}
	var f face
	for _, c := range v.Corners {
		f.u += c.U / float64(l.Width) / float64(len(v.Corners))
		f.v += c.V / float64(l.Width) / float64(len(v.Corners))
	}
	f.t = t
	middle := t.Apply(middleOf(b))
	f.distance = math.Hypot(middle[0], math.Hypot(middle[1], middle[2]))
	normal := calibration.Vec{t.R[2], t.R[5], t.R[8]}
	along := math.Abs(normal[0]*middle[0]+normal[1]*middle[1]+normal[2]*middle[2]) / f.distance
	f.tilt = math.Acos(min(1, along))
	return f, nil
}

// differs is 1 where just enough does.
func (f face) differs(o face, b calibration.Board) float64 {
	place := math.Hypot(f.u-o.u, f.v-o.v) / otherPlace
	distance := math.Abs(math.Log(f.distance/o.distance)) / otherDistance
	return max(place, distance, turn(f.t.R, o.t.R, b)/otherTilt)
}

// turn is the angle between two views of a board, rad; of one that may be numbered from either end, the smaller one.
func turn(a, c calibration.Rotation, b calibration.Board) float64 {
	angle := a.Transpose().Mul(c).Angle()
	if b.Turnable() {
		half := calibration.Exp(calibration.Vec{0, 0, math.Pi})
		angle = min(angle, a.Transpose().Mul(c).Mul(half).Angle())
	}
	return angle
}

func armDiffers(a, b calibration.Transform) float64 {
	d := a.Inverse().Mul(b)
	return max(d.R.Angle()/otherTurn, math.Hypot(d.T[0], math.Hypot(d.T[1], d.T[2]))/otherShift)
}

// middleOf is the mean of a board's points, m.
func middleOf(b calibration.Board) (m calibration.Vec) {
	points := b.Points()
	for _, p := range points {
		for i := range m {
			m[i] += p[i] / float64(len(points))
		}
	}
	return m
}
