package opencv

/*
#include <stdlib.h>
#include "shim.h"
*/
import "C"

import (
	"fmt"
	"slices"
	"unsafe"

	"sim2reald/calibration"
)

// HandEye asks OpenCV's five solvers. The arm's poses are T_base_flange and the board's T_camera_board, one of
// each for each sample; the answers are T_flange_camera for a camera in the hand, T_base_camera for one beside
// the arm. A solver that throws, or gives no numbers, is left out and named in refused. Those that answer may be
// wrong: of exact samples of eye to hand between which the hand turned by up to half a turn, Tsai's was 17 cm off
// in OpenCV 4.6, and Daniilidis' gave no numbers. So they are starts to be judged by what they predict.
func HandEye(kind calibration.Kind, tBaseFlange, tCameraBoard []calibration.Transform) (found []calibration.Start, refused []string) {
	arm := tBaseFlange
	if kind == calibration.EyeToHand {
		// OpenCV's way to write eye to hand: the base takes the flange's part.
		arm = make([]calibration.Transform, len(tBaseFlange))
		for i, t := range tBaseFlange {
			arm[i] = t.Inverse()
		}
	}
	for method, name := range []string{"Tsai", "Park", "Horaud", "Andreff", "Daniilidis"} {
		t, err := handEye(arm, tCameraBoard, method)
		if err != nil {
			refused = append(refused, fmt.Sprintf("%s: %v", name, err))
			continue
		}
		found = append(found, calibration.Start{Solver: name, T: t})
	}
	return found, refused
}

func handEye(arm, board []calibration.Transform, method int) (calibration.Transform, error) {
	if len(arm) < 3 || len(arm) != len(board) {
		return calibration.Transform{}, fmt.Errorf("%d poses of the arm and %d of the board; want as many of each, and at least 3", len(arm), len(board))
	}
	a, b := numbers(arm), numbers(board)
	var out [12]C.double
	var text errText
	where, size := text.args()
	if C.calib_hand_eye(&a[0], &b[0], C.int(len(arm)), C.int(method), &out[0], where, size) < 0 {
		return calibration.Transform{}, text.error("solving hand-eye")
	}
	n := floats(out[:])
	t := calibration.Transform{R: calibration.Rotation(n[:9]), T: calibration.Vec(n[9:])}
	if !t.Finite() {
		return t, fmt.Errorf("gave no numbers")
	}
	t.R = t.R.Quat().Rotation()
	return t, nil
}

func numbers(ts []calibration.Transform) []C.double {
	out := make([]C.double, 0, 12*len(ts))
	for _, t := range ts {
		for _, v := range slices.Concat(t.R[:], t.T[:]) {
			out = append(out, C.double(v))
		}
	}
	return out
}

// Project gives the pixels of points in the optical frame, u and v by turns, by OpenCV's own models.
func Project(l calibration.Lens, points []calibration.Vec) ([]float64, error) {
	model, err := modelNumber(l.Model)
	if err != nil || len(points) == 0 {
		return nil, err
	}
	var xyz []C.double
	for _, p := range points {
		xyz = append(xyz, C.double(p[0]), C.double(p[1]), C.double(p[2]))
	}
	k := [4]C.double{C.double(l.Fx), C.double(l.Fy), C.double(l.Cx), C.double(l.Cy)}
	d := make([]C.double, len(l.D))
	for i, v := range l.D {
		d[i] = C.double(v)
	}
	uv := make([]C.double, 2*len(points))
	var text errText
	where, size := text.args()
	if C.calib_project(&xyz[0], C.int(len(points)), model, &k[0], &d[0], &uv[0], where, size) < 0 {
		return nil, text.error("projecting")
	}
	return floats(uv), nil
}

// Draw gives a ChArUco board as OpenCV prints it, without margin.
func Draw(b calibration.Board, width, height int) (calibration.Picture, error) {
	if err := Check(b); err != nil {
		return calibration.Picture{}, err
	}
	out := calibration.Picture{Width: width, Height: height, Grey: make([]byte, width*height)}
	var text errText
	where, size := text.args()
	if C.calib_draw(C.int(b.Cols), C.int(b.Rows), C.double(b.Square), C.double(b.Marker), C.int(slices.Index(dictionaries(), b.Dictionary)),
		C.int(width), C.int(height), (*C.uchar)(unsafe.Pointer(&out.Grey[0])), where, size) < 0 {
		return calibration.Picture{}, text.error("drawing the board")
	}
	return out, nil
}

// ReadMatrix gives the values of a matrix in a FileStorage file, row-major, by OpenCV's own reader.
func ReadMatrix(path, key string) ([]float64, error) {
	p, k := C.CString(path), C.CString(key)
	defer C.free(unsafe.Pointer(p))
	defer C.free(unsafe.Pointer(k))
	var out [64]C.double
	var text errText
	where, size := text.args()
	n := C.calib_read_matrix(p, k, &out[0], C.int(len(out)), where, size)
	if n < 0 {
		return nil, text.error("reading " + path)
	}
	return floats(out[:n]), nil
}
