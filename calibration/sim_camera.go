package calibration

import (
	"fmt"
	"math"
)

// SimCamera is a camera as MuJoCo states it: x right, y up, looking along -z, square pixels, the centre in the
// middle of the picture, no distortion.
type SimCamera struct {
	Width, Height int
	FovyDegrees   float64 // vertical field of view, in degrees as in MJCF
	Pos           Vec     // m, in the parent body's frame
	Quat          Quat    // of the camera in the parent body's frame
}

// SimulatedCamera gives the simulator's camera that sees from where the real one does, upright in its frame, with a
// field of view as tall as the real one's. tParentCamera is T_flange_camera or T_base_camera; the simulated
// camera belongs into that body. What it cannot have (distortion, a centre that is not in the middle, pixels that
// are not square) is what Warp takes out of the real picture.
func SimulatedCamera(l Lens, tParentCamera Transform) (SimCamera, error) {
	if err := l.Check(); err != nil {
		return SimCamera{}, err
	}
	if !tParentCamera.Finite() {
		return SimCamera{}, fmt.Errorf("the camera's pose is not finite")
	}
	// Optical axes: x right, y down, z forward.
	turned := tParentCamera.R.Mul(Rotation{1, 0, 0, 0, -1, 0, 0, 0, -1})
	return SimCamera{
		Width: l.Width, Height: l.Height,
		FovyDegrees: degrees(2 * math.Atan(float64(l.Height)/2/l.Fy)),
		Pos:         tParentCamera.T, Quat: turned.Quat(),
	}, nil
}

// Intrinsics are those of the simulated camera at its size.
func (c SimCamera) Intrinsics() (Intrinsics, error) {
	return Pinhole(c.Width, c.Height, c.FovyDegrees*math.Pi/180)
}

// MJCF is the camera as an element of MuJoCo's file.
func (c SimCamera) MJCF(name string) string {
	return fmt.Sprintf(`<camera name=%q fovy="%.6g" pos="%.6g %.6g %.6g" quat="%.8g %.8g %.8g %.8g" resolution="%d %d"/>`,
		name, c.FovyDegrees, c.Pos[0], c.Pos[1], c.Pos[2], c.Quat.W, c.Quat.X, c.Quat.Y, c.Quat.Z, c.Width, c.Height)
}
