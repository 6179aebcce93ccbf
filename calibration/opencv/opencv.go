// Package opencv asks OpenCV for what calibration needs of it: boards in pictures, intrinsics, and its five
// solvers of hand-eye.
//
// What belongs here: the calls, over plain numbers. What does not: what is made of the answers (package
// calibration, which knows no OpenCV). GoCV v0.31, which the cameras use, lacks these functions, so a small
// file of C++ lies beside.
package opencv

/*
#cgo pkg-config: opencv4
#cgo CXXFLAGS: -std=c++11
#include <stdlib.h>
#include "shim.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"unsafe"

	"sim2reald/calibration"
)

// errText is room for what OpenCV says when it refuses.
type errText [512]C.char

func (e *errText) args() (*C.char, C.int) { return &e[0], C.int(len(e)) }

// error gives the first line of it.
func (e *errText) error(act string) error {
	text, _, _ := strings.Cut(C.GoString(&e[0]), "\n")
	return fmt.Errorf("%s: OpenCV: %s", act, text)
}

// dictionaries are OpenCV's names of ArUco's, in the order of its numbers.
func dictionaries() []string {
	return []string{
		"4X4_50", "4X4_100", "4X4_250", "4X4_1000", "5X5_50", "5X5_100", "5X5_250", "5X5_1000",
		"6X6_50", "6X6_100", "6X6_250", "6X6_1000", "7X7_50", "7X7_100", "7X7_250", "7X7_1000",
		"ARUCO_ORIGINAL", "APRILTAG_16h5", "APRILTAG_25h9", "APRILTAG_36h10", "APRILTAG_36h11",
	}
}

// Check refuses a board that cannot be found in a picture.
func Check(b calibration.Board) error {
	if err := b.Check(); err != nil {
		return err
	}
	if b.Pattern == calibration.Charuco && !slices.Contains(dictionaries(), b.Dictionary) {
		return fmt.Errorf("dictionary %q is not known; want one of %s", b.Dictionary, strings.Join(dictionaries(), ", "))
	}
	return nil
}

func patternNumber(p calibration.Pattern) C.int {
	all := []calibration.Pattern{calibration.Chessboard, calibration.Charuco, calibration.Circles, calibration.Asymmetric}
	return C.int(slices.Index(all, p))
}

// Find gives the board's corners in a picture, px; none where it is not seen. A ChArUco board may be seen in
// part, the others whole or not at all. It takes what it takes, a quarter of a second and more.
func Find(p calibration.Picture, b calibration.Board) ([]calibration.Corner, error) {
	return find(p, b, 0)
}

// FindQuickly is Find for pictures that follow each other: where it finds a board, the corners are as good, and it
// misses some in poor light.
func FindQuickly(p calibration.Picture, b calibration.Board) ([]calibration.Corner, error) {
	return find(p, b, 1)
}

func find(p calibration.Picture, b calibration.Board, quick C.int) ([]calibration.Corner, error) {
	if err := Check(b); err != nil {
		return nil, err
	}
	if p.Width < 1 || p.Height < 1 || len(p.Grey) != p.Width*p.Height {
		return nil, fmt.Errorf("picture of %dx%d px with %d bytes", p.Width, p.Height, len(p.Grey))
	}
	room := len(b.Points())
	ids, uv := make([]C.int, room), make([]C.double, 2*room)
	var text errText
	err, size := text.args()
	n := C.calib_find((*C.uchar)(unsafe.Pointer(&p.Grey[0])), C.int(p.Width), C.int(p.Height), patternNumber(b.Pattern),
		C.int(b.Cols), C.int(b.Rows), C.double(b.Square), C.double(b.Marker), C.int(slices.Index(dictionaries(), b.Dictionary)),
		quick, &ids[0], &uv[0], C.int(room), err, size)
	if n < 0 {
		return nil, text.error("looking for the board")
	}
	corners := make([]calibration.Corner, n)
	for i := range corners {
		corners[i] = calibration.Corner{ID: int(ids[i]), U: float64(uv[2*i]), V: float64(uv[2*i+1])}
	}
	return corners, nil
}

func modelNumber(m calibration.Model) (C.int, error) {
	i := slices.Index([]calibration.Model{calibration.PlumbBob, calibration.Rational, calibration.Equidistant}, m)
	if i < 0 {
		return 0, fmt.Errorf("distortion model %q is not known", m)
	}
	return C.int(i), nil
}

// Solver finds intrinsics by OpenCV's calibrateCamera, or fisheye::calibrate.
type Solver struct{}

// Solve gives the lens that sees these views with the smallest reprojection error, the standard deviation of
// each of its parameters, and T_camera_board of each view.
func (s Solver) Solve(b calibration.Board, views []calibration.View, width, height int, m calibration.Model) (calibration.Solution, error) {
	out, _, err := s.solve(b, views, width, height, m)
	return out, err
}

// solve gives OpenCV's own standard deviations as well, zeros for a fisheye. They are not used: see
// calibration.StandardDeviations.
func (s Solver) solve(b calibration.Board, views []calibration.View, width, height int, m calibration.Model) (calibration.Solution, []float64, error) {
	model, err := modelNumber(m)
	if err != nil {
		return calibration.Solution{}, nil, err
	}
	if len(views) == 0 {
		return calibration.Solution{}, nil, errors.New("calibrating a camera: no views")
	}
	xyz, uv, counts := flat(b, views)
	var k [4]C.double
	var d [8]C.double
	var sd [12]C.double
	var rms C.double
	poses := make([]C.double, 6*len(views))
	var text errText
	where, size := text.args()
	if C.calib_camera(&xyz[0], &uv[0], &counts[0], C.int(len(views)), C.int(width), C.int(height), model,
		&k[0], &d[0], &sd[0], &poses[0], &rms, where, size) < 0 {
		return calibration.Solution{}, nil, text.error("calibrating a camera")
	}
	n := len(m.Coefficients())
	out := calibration.Solution{
		Lens: calibration.Lens{
			Intrinsics: calibration.Intrinsics{
				Width: width, Height: height, Fx: float64(k[0]), Fy: float64(k[1]), Cx: float64(k[2]), Cy: float64(k[3]),
			},
			Model: m, D: floats(d[:n]),
		},
		RMS: float64(rms), TCameraBoard: transforms(poses),
	}
	for i, t := range out.TCameraBoard {
		out.TCameraBoard[i] = before(t)
	}
	out.SD, err = calibration.StandardDeviations(out.Lens, b, views, out.TCameraBoard)
	return out, floats(sd[:4+n]), err
}

// before gives T_camera_board of a board that stands before the camera. OpenCV's fisheye looks backwards as well as forwards,
// and may find the board behind, all of its points times -1, where it is seen alike.
func before(t calibration.Transform) calibration.Transform {
	if t.T[2] >= 0 {
		return t
	}
	half := calibration.Exp(calibration.Vec{0, 0, math.Pi})
	return calibration.Transform{R: t.R.Mul(half), T: calibration.Vec{-t.T[0], -t.T[1], -t.T[2]}}
}

func flat(b calibration.Board, views []calibration.View) (xyz, uv []C.double, counts []C.int) {
	points := b.Points()
	for _, v := range views {
		for _, c := range v.Corners {
			p := points[c.ID]
			xyz = append(xyz, C.double(p[0]), C.double(p[1]), C.double(p[2]))
			uv = append(uv, C.double(c.U), C.double(c.V))
		}
		counts = append(counts, C.int(len(v.Corners)))
	}
	return xyz, uv, counts
}

func floats(c []C.double) []float64 {
	out := make([]float64, len(c))
	for i, v := range c {
		out[i] = float64(v)
	}
	return out
}

func transforms(poses []C.double) []calibration.Transform {
	var out []calibration.Transform
	for p := range slices.Chunk(floats(poses), 6) {
		out = append(out, calibration.Transform{R: calibration.Exp(calibration.Vec(p[:3])), T: calibration.Vec(p[3:])})
	}
	return out
}
