// Package calibration holds what is measured once per rig: where a camera is and how it sees.
//
// What belongs here: the geometry of lenses, boards and arms, its solvers and their uncertainty, and the files of
// results. What does not: finding boards in pictures, and other people's solvers (calibration/opencv), frames and
// their sources (camera), and what a policy makes of a picture (model/preprocess).
//
// Transforms name both coordinate frames: p_a = T_a_b · p_b, so T_base_camera is the camera's pose in the base.
// Some texts call the inverse "extrinsic". The camera's frame is the optical one: x right, y down, z forward.
// Lengths are in m, angles in rad, pixels in px with whole numbers at pixel centres.
package calibration

import (
	"fmt"
	"math"
)

// Intrinsics map a point in the optical frame (x right, y down, z forward, in m) to a pixel, for a camera
// without distortion: u = Fx·x/z + Cx, v = Fy·y/z + Cy. They are valid for one image size.
type Intrinsics struct {
	Width, Height  int     // px
	Fx, Fy, Cx, Cy float64 // px
}

// Pinhole gives the intrinsics of an ideal camera with square pixels from its image size and its vertical
// field of view in rad, as simulators state it. The centre lies between the two middle pixels, whose own
// centres have whole-number coordinates.
func Pinhole(width, height int, fovy float64) (Intrinsics, error) {
	if width < 1 || height < 1 || !(fovy > 0 && fovy < math.Pi) {
		return Intrinsics{}, fmt.Errorf("a pinhole camera of %dx%d px and %g rad: want a size, and a field of view between 0 and pi", width, height, fovy)
	}
	f := float64(height) / 2 / math.Tan(fovy/2)
	return Intrinsics{
		Width: width, Height: height, Fx: f, Fy: f, Cx: float64(width-1) / 2, Cy: float64(height-1) / 2,
	}, nil
}

// Project gives the pixel of a point in the optical frame; ok is false for a point not in front.
func (k Intrinsics) Project(x, y, z float64) (u, v float64, ok bool) {
	if !(z > 0) {
		return 0, 0, false
	}
	return k.Fx*x/z + k.Cx, k.Fy*y/z + k.Cy, true
}
