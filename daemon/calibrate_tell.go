package main

import (
	"fmt"
	"io"

	"sim2reald/calibration"
)

func tellLeftOut(r calibration.HandEyeResult, say io.Writer) {
	for _, name := range r.Turned {
		fmt.Fprintf(say, "%s: its corners were numbered from the board's other end; turned\n", name)
	}
	for _, o := range r.Outliers {
		fmt.Fprintf(say, "left out %s: %s\n", o.Name, o.Reason)
	}
}

// tellHandEye shows a person the result, in mm and degrees.
func tellHandEye(r calibration.HandEyeResult, say io.Writer) {
	fmt.Fprintf(say, "T_%s_camera of %d poses, reprojection error %.3f px\n", r.Kind.Parent(), r.Samples, r.RMS)
	turn := calibration.Log(r.TParentCamera.R)
	for i, axis := range []string{"x", "y", "z"} {
		fmt.Fprintf(say, "  %s %10.3f mm ± %.3f   turn %8.3f degrees ± %.4f\n", axis,
			1e3*r.TParentCamera.T[i], 1e3*r.Half95[i], turn[i]*degreesPerRad, r.Half95[i+3]*degreesPerRad)
	}
	fmt.Fprintf(say, "  (± is half a 95 %% interval, along and about the %s's axes; the lens is taken as known)\n", r.Kind.Parent())
	if r.Noise != (calibration.ArmNoise{}) {
		fmt.Fprintf(say, "the views contradict each other by more than the corners' noise: the arm seems off by %.2f mm and %.3f degrees\n",
			1e3*r.Noise.Shift, r.Noise.Turn*degreesPerRad)
	}
	for _, s := range r.Solvers {
		fmt.Fprintf(say, "  solver %-10s reprojection error %8.3f px, %8.3f mm and %7.3f degrees from the refined\n",
			s.Solver, s.RMS, 1e3*s.Shift, s.Turn*degreesPerRad)
	}
	fmt.Fprintln(say, "each pose against all others (leave-one-out):")
	for _, s := range r.Residuals {
		fmt.Fprintf(say, "  %-20s %8.3f mm %8.4f degrees\n", s.Name, 1e3*s.Shift, s.Turn*degreesPerRad)
	}
	if r.Serial == "" {
		fmt.Fprintln(say, "warning: the intrinsics name no camera serial, so nothing can tell this camera from another later")
	}
	if r.Robot == "" {
		fmt.Fprintln(say, "warning: without -robot nothing can tell this arm from another later, and no arm takes it")
	}
}
