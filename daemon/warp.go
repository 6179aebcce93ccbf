package main

import (
	"fmt"
	"math"

	"sim2reald/calibration"
	"sim2reald/camera"
)

// warper makes of a camera's pictures what the simulated one of its warp would see from there: the step of preprocessing
// that comes before the bundle's own. The frame that it gives is used again for the next. It is nil for a camera
// without one.
func (w *workcell) warper(i int) (func(*camera.Frame) (*camera.Frame, error), error) {
	c := w.cfg.Cameras[i]
	if !c.Warp.Asked() {
		return nil, nil
	}
	lens, err := readLens(c.Intrinsics)
	if err != nil {
		return nil, fmt.Errorf("cameras[%d].intrinsics: %w", i, err)
	}
	sim, err := calibration.Pinhole(c.Warp.Width, c.Warp.Height, c.Warp.FovyRad)
	if err != nil {
		return nil, fmt.Errorf("cameras[%d].warp: %w", i, err)
	}
	warp, err := calibration.NewWarp(lens.Lens, sim)
	if err != nil {
		return nil, fmt.Errorf("cameras[%d].warp: %w", i, err)
	}
	w.log.Info("camera warped to the simulated one's view", "camera", c.Name, "from", fmt.Sprintf("%dx%d", warp.FromWidth, warp.FromHeight),
		"to", fmt.Sprintf("%dx%d", warp.Width, warp.Height), "unseen_percent", math.Round(1000*warp.Missing)/10)
	out := &camera.Frame{Pix: make([]byte, 3*warp.Width*warp.Height)}
	return func(f *camera.Frame) (*camera.Frame, error) {
		pix := out.Pix
		*out = *f
		out.Pix, out.Width, out.Height = pix, warp.Width, warp.Height
		if f.Width != warp.FromWidth || f.Height != warp.FromHeight {
			return nil, fmt.Errorf("cameras[%d]: pictures of %dx%d px, and %s is of %dx%d; calibrate the lens at the size that is used",
				i, f.Width, f.Height, c.Intrinsics, warp.FromWidth, warp.FromHeight)
		}
		return out, warp.Apply(out.Pix, f.Pix)
	}, nil
}
