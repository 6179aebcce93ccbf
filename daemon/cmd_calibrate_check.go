package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"time"

	"sim2reald/calibration"
)

// cmdCalibrateCheck refuses files of calibration that are old, or of another camera.
func cmdCalibrateCheck(_ context.Context, args []string) error {
	fs := flag.NewFlagSet("calibrate check", flag.ContinueOnError)
	serial := fs.String("serial", "", "`serial` number of the camera that is used")
	robot := fs.String("robot", "", "`model and serial` of the arm that is used, for hand-eye; empty: not looked at")
	days := fs.Float64("days", 30, "how many `days` old a calibration may be")
	if err := parseBefore(fs, args, "-serial SERIAL [-days 30] FILES"); err != nil {
		return err
	}
	if !(*days > 0 && *days < 36500) || fs.NArg() == 0 {
		return fmt.Errorf("calibrate check: give -days between 0 and 36500, and files behind the flags")
	}
	maxAge := time.Duration(*days * float64(24*time.Hour))
	for _, path := range fs.Args() {
		record, handEye, err := readRecord(path)
		if err != nil {
			return fmt.Errorf("calibrate check: %w", err)
		}
		if err := record.Fresh(path, time.Now(), maxAge, *serial); err != nil {
			return fmt.Errorf("calibrate check: %w", err)
		}
		if *robot != "" && handEye {
			if err := record.Of(path, *robot); err != nil {
				return fmt.Errorf("calibrate check: %w", err)
			}
		}
		fmt.Printf("%s: %d samples, %.3f px, of %s\n", path, record.Samples, record.RMS, record.Date.Format(time.DateOnly))
	}
	return nil
}

// readRecord reads what a file of a lens or of hand-eye says about how it came about.
func readRecord(path string) (r calibration.Record, handEye bool, err error) {
	data, err := readSmall(path)
	if err != nil {
		return r, false, err
	}
	if bytes.Contains(data, []byte("calibration_type:")) {
		c, err := readHandEye(path)
		return c.Record, true, err
	}
	lens, err := readLens(path)
	return lens.Record, false, err
}
