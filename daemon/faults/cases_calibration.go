package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"sim2reald/calibration"
)

// calibrated are the two files of a camera's calibration.
type calibrated struct{ lens, hand string }

// staleCalibration asks to arm with calibrations that are not this rig's, or no longer: each is refused, and the right
// one arms before and after.
func staleCalibration(ctx context.Context, b *bench) outcome {
	dir, err := os.MkdirTemp(b.dir, "calibration")
	if err != nil {
		return broken(err)
	}
	files := calibrated{filepath.Join(dir, "lens.yaml"), filepath.Join(dir, "hand.calib")}
	good := calibration.Record{Date: time.Now(), Serial: "A1", Robot: "panda simulated", Samples: 20, RMS: 0.1}
	config := fmt.Sprintf("cameras: [{name: default, source: bridge, serial: A1, intrinsics: %q, hand_eye: %q}]\n", files.lens, files.hand)
	return b.atRest(ctx, rigOptions{config: config}, func(r *rig) outcome {
		from := now()
		if _, err := r.begin(ctx); err != nil {
			return broken(err)
		}
		if err := r.armsWith(ctx, files, good); err != nil {
			return broken(err)
		}
		wrong := wrongCalibrations(good)
		for _, w := range wrong {
			if err := files.write(w.record); err != nil {
				return broken(err)
			}
			if err := r.ask(ctx, "arm", 0); err == nil || !strings.Contains(err.Error(), w.says) {
				return measured(false, "%q expected, got %v", w.says, err)
			}
		}
		if err := os.WriteFile(files.lens, []byte("no: [calibration"), 0o600); err != nil {
			return broken(err)
		}
		if err := r.ask(ctx, "arm", 0); err == nil || !strings.Contains(err.Error(), "calibrate again") {
			return measured(false, "an unreadable one: %v", err)
		}
		if err := errors.Join(r.armsWith(ctx, files, good), r.armStood(from)); err != nil {
			return broken(err)
		}
		return measured(true, "%d of %d refused, each for its reason; the right one armed before and after", len(wrong)+1, len(wrong)+1)
	})
}

// wrongCalibrations are those that must not arm, and what the refusal says.
func wrongCalibrations(good calibration.Record) []struct {
	says   string
	record calibration.Record
} {
	old, other, robot, unproven := good, good, good, good
	old.Date = good.Date.AddDate(0, 0, -31)
	other.Serial, robot.Robot, unproven.Samples = "B2", "panda 2", 0
	return []struct {
		says   string
		record calibration.Record
	}{{"31.0 days old", old}, {`of camera "B2"`, other}, {`of robot "panda 2"`, robot}, {"0 samples", unproven}}
}

// armsWith arms with a calibration, and disarms again.
func (r *rig) armsWith(ctx context.Context, files calibrated, record calibration.Record) error {
	if err := files.write(record); err != nil {
		return err
	}
	var refusal error
	err := eventually(ctx, 20*time.Second, "arm to be granted", func() bool {
		refusal = r.ask(ctx, "arm", 0)
		return refusal == nil
	})
	if err != nil {
		return fmt.Errorf("with the right calibration: %w", errors.Join(err, refusal))
	}
	return r.ask(ctx, "stop", 0)
}

func (c calibrated) write(record calibration.Record) error {
	lens := calibration.Lens{
		Intrinsics: calibration.Intrinsics{Width: pictureSize, Height: pictureSize, Fx: 30, Fy: 30, Cx: 15.5, Cy: 15.5},
		Model:      calibration.PlumbBob, D: make([]float64, 5),
	}
	info, err := calibration.CameraInfo(calibration.LensResult{Record: record, Name: "default", Lens: lens, SD: make([]float64, 9)})
	if err != nil {
		return err
	}
	hand, err := calibration.Calib(calibration.CalibFile{Name: "default", Kind: calibration.EyeInHand, TParentCamera: calibration.Identity(), Record: record})
	if err != nil {
		return err
	}
	return errors.Join(os.WriteFile(c.lens, info, 0o600), os.WriteFile(c.hand, hand, 0o600))
}
