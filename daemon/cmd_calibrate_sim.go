package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"

	"sim2reald/calibration"
)

// cmdCalibrateSim prints the simulated camera that belongs to a real one.
func cmdCalibrateSim(_ context.Context, args []string) error {
	fs := flag.NewFlagSet("calibrate sim", flag.ContinueOnError)
	intrinsics := fs.String("intrinsics", "", "`file` of calibrate intrinsics, ROS or OpenCV")
	handEye := fs.String("hand-eye", "", "`file` of calibrate hand-eye, easy_handeye2's .calib")
	name := fs.String("name", "real", "`name` of the camera in MuJoCo's file")
	if err := parseFlags(fs, args); err != nil {
		return err
	}
	if *intrinsics == "" || *handEye == "" {
		return fmt.Errorf("calibrate sim: -intrinsics or -hand-eye is missing; name both files")
	}
	if err := tellSim(*intrinsics, *handEye, *name, os.Stdout); err != nil {
		return fmt.Errorf("calibrate sim: %w", err)
	}
	return nil
}

func tellSim(intrinsics, handEye, name string, say io.Writer) error {
	lens, err := readLens(intrinsics)
	if err != nil {
		return err
	}
	file, err := readHandEye(handEye)
	if err != nil {
		return err
	}
	sim, err := calibration.SimulatedCamera(lens.Lens, file.TParentCamera)
	if err != nil {
		return err
	}
	k, err := sim.Intrinsics()
	if err != nil {
		return err
	}
	w, err := calibration.NewWarp(lens.Lens, k)
	if err != nil {
		return err
	}
	fmt.Fprintf(say, "in the body that is the arm's %s:\n  %s\n", file.Kind.Parent(), sim.MJCF(name))
	fmt.Fprintf(say, "its pictures differ from the real ones by distortion and a centre off by %.1f, %.1f px;\nwarped to it, the real camera misses %.1f %% of its picture\n",
		lens.Lens.Cx-k.Cx, lens.Lens.Cy-k.Cy, 100*w.Missing)
	return nil
}
