// Package calibrationtest makes what calibration's tests look at: views and pictures whose truth is known.
//
// What belongs here: boards seen by cameras that are known, and arms that hold them. What does not: anything
// that a running daemon needs.
package calibrationtest

import (
	"math"
	"math/rand/v2"

	"sim2reald/calibration"
)

// Truth is a simulated workcell.
type Truth struct {
	Kind    calibration.Kind
	Lens    calibration.Lens
	Board   calibration.Board
	Poses   calibration.Poses
	Pixel   float64 // px, standard deviation of a corner's coordinate
	Noise   calibration.ArmNoise
	Near    float64 // m, the least distance of the board
	Far     float64 // m
	MaxTilt float64 // rad, of the board's normal from the line of sight
	MaxSpin float64 // rad, about the normal, to either side
}

// Default is a camera of 640x480 px with 600 px focal length, a chessboard of 7x5 corners and 30 mm squares at 0.5
// to 0.8 m, and 0.1 px of noise.
func Default(k calibration.Kind) Truth {
	t := Truth{
		Kind: k,
		Lens: calibration.Lens{
			Intrinsics: calibration.Intrinsics{Width: 640, Height: 480, Fx: 600, Fy: 600, Cx: 319.5, Cy: 239.5},
			Model:      calibration.PlumbBob, D: []float64{-0.1, 0.05, 0.001, -0.0005, 0},
		},
		Board: calibration.Board{Pattern: calibration.Chessboard, Cols: 7, Rows: 5, Square: 0.03},
		Poses: calibration.Poses{
			TParentCamera: transform(0.2, -0.1, 1.5, 0.05, -0.03, 0.08),
			TOtherBoard:   transform(0.1, 0.05, -0.4, 0.6, 0.1, 0.02),
		},
		Pixel: 0.1, Near: 0.5, Far: 0.8, MaxTilt: 35 * math.Pi / 180, MaxSpin: math.Pi / 2,
	}
	if k == calibration.EyeToHand {
		t.Poses = calibration.Poses{
			TParentCamera: transform(2, 0.3, 0.2, 1.1, 0.2, 0.6),
			TOtherBoard:   transform(0.1, 0.2, 0.5, -0.1, -0.06, 0.05),
		}
	}
	return t
}

func transform(rx, ry, rz, x, y, z float64) calibration.Transform {
	return calibration.Transform{R: calibration.Exp(calibration.Vec{rx, ry, rz}), T: calibration.Vec{x, y, z}}
}

// BoardSeen draws where the camera sees the board, T_camera_board: somewhere in the picture, whole.
func (t Truth) BoardSeen(r *rand.Rand) calibration.Transform {
	points := t.Board.Points()
	middle := calibration.Transform{R: calibration.Identity().R, T: half(points[len(points)-1], -1)}
	for {
		z := t.Near + (t.Far-t.Near)*r.Float64()
		x, y := (r.Float64()-0.5)*z*0.8, (r.Float64()-0.5)*z*0.6
		about, tilt := 2*math.Pi*r.Float64(), t.MaxTilt*r.Float64()
		turn := calibration.Exp(calibration.Vec{tilt * math.Cos(about), tilt * math.Sin(about), 0})
		spin := calibration.Exp(calibration.Vec{0, 0, (2*r.Float64() - 1) * t.MaxSpin})
		seen := calibration.Transform{R: turn.Mul(spin), T: calibration.Vec{x, y, z}}.Mul(middle)
		if _, ok := t.View("", seen, nil); ok {
			return seen
		}
	}
}

func half(p calibration.Vec, sign float64) calibration.Vec {
	return calibration.Vec{sign * p[0] / 2, sign * p[1] / 2, sign * p[2] / 2}
}

// View gives the board's corners with noise, none if r is nil; ok is false if not all are well within the picture.
func (t Truth) View(name string, tCameraBoard calibration.Transform, r *rand.Rand) (calibration.View, bool) {
	v := calibration.View{Name: name}
	for id, p := range t.Board.Points() {
		x, y, ok := t.Lens.Project(tCameraBoard.Apply(p))
		if !ok || x < 5 || y < 5 || x > float64(t.Lens.Width-6) || y > float64(t.Lens.Height-6) {
			return v, false
		}
		if r != nil {
			x, y = x+t.Pixel*r.NormFloat64(), y+t.Pixel*r.NormFloat64()
		}
		v.Corners = append(v.Corners, calibration.Corner{ID: id, U: x, V: y})
	}
	return v, true
}

// Samples draws poses of the arm, and what the camera sees from them.
func (t Truth) Samples(n int, r *rand.Rand) []calibration.Sample {
	out := make([]calibration.Sample, n)
	for i := range out {
		seen := t.BoardSeen(r)
		v, _ := t.View(name(i), seen, r)
		// T_parent_other, then as the arm reports it.
		between := t.Poses.TParentCamera.Mul(seen).Mul(t.Poses.TOtherBoard.Inverse())
		if t.Kind == calibration.EyeInHand {
			between = between.Inverse()
		}
		out[i] = calibration.Sample{TBaseFlange: between.Moved(t.wrong(r)), View: v}
	}
	return out
}

func (t Truth) wrong(r *rand.Rand) (d [6]float64) {
	for i := range 3 {
		d[i], d[i+3] = t.Noise.Turn*r.NormFloat64(), t.Noise.Shift*r.NormFloat64()
	}
	return d
}

func name(i int) string { return "pose " + string(rune('0'+i/10)) + string(rune('0'+i%10)) }
