package main

import (
	"fmt"
	"strings"
	"time"

	"sim2reald/calibration"
	"sim2reald/daemon/config"
	"sim2reald/daemon/topic"
)

// calibrated refuses to arm with a calibration that cannot be read, is too old, or is of another camera, size or robot.
// It reads the files each time: a new calibration counts at the next request, an old one from the day that it is old.
func (w *workcell) calibrated() error {
	f, ok := w.link.Factsheet()
	if !ok {
		f = w.fact
	}
	return w.calibratedFor(f)
}

// calibratedFor is calibrated on the arm of a factsheet.
func (w *workcell) calibratedFor(f topic.Factsheet) error {
	if err := w.rigFits(robotOf(f)); err != nil {
		return fmt.Errorf("calibration.rig: %w", err)
	}
	for i, c := range w.cfg.Cameras {
		size := w.rigCamera(i, c, f)
		if err := w.lensFits(c, size.Width, size.Height); err != nil {
			return fmt.Errorf("cameras[%d].intrinsics: %w", i, err)
		}
		if err := w.handEyeFits(c, robotOf(f)); err != nil {
			return fmt.Errorf("cameras[%d].hand_eye: %w", i, err)
		}
	}
	return nil
}

// robotOf is how a calibration names the arm.
func robotOf(f topic.Factsheet) string { return f.Model + " " + f.Serial }

func (w *workcell) lensFits(c config.Camera, width, height int) error {
	if c.Intrinsics == "" {
		return nil
	}
	r, err := readLens(c.Intrinsics)
	if err != nil {
		return fmt.Errorf("%w; calibrate again", err)
	}
	// A warped picture has the simulated camera's size, and the warp takes none but the lens's.
	if !c.Warp.Asked() && (r.Lens.Width != width || r.Lens.Height != height) {
		return fmt.Errorf("%s is of pictures of %dx%d px, and camera %s sends %dx%d; calibrate the lens at the size that is used",
			c.Intrinsics, r.Lens.Width, r.Lens.Height, c.Name, width, height)
	}
	return w.fresh(r.Record, c.Intrinsics, c)
}

func (w *workcell) handEyeFits(c config.Camera, robot string) error {
	if c.HandEye == "" {
		return nil
	}
	f, err := readHandEye(c.HandEye)
	if err != nil {
		return fmt.Errorf("%w; calibrate again", err)
	}
	if err := f.Record.Of(c.HandEye, robot); err != nil {
		return err
	}
	return w.fresh(f.Record, c.HandEye, c)
}

func (w *workcell) fresh(r calibration.Record, path string, c config.Camera) error {
	return r.Fresh(path, time.Now(), w.cfg.Calibration.MaxAge(), c.Serial)
}

// tellCalibrated says once what is not known of the cameras, and what would not arm.
func (w *workcell) tellCalibrated() {
	for _, c := range w.cfg.Cameras {
		var without []string
		if c.Intrinsics == "" {
			without = append(without, "intrinsics")
		}
		if c.HandEye == "" {
			without = append(without, "hand_eye")
		}
		if _, ok := w.rig.Camera(c.Name); !ok {
			without = append(without, "latency")
		}
		if len(without) > 0 {
			w.log.Info("not calibrated: nothing here is checked before arming", "camera", c.Name, "without", strings.Join(without, ", "))
		}
	}
	if err := w.calibrated(); err != nil {
		w.log.Warn("would not arm", "because", err)
	}
}
