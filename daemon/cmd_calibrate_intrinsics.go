package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"sim2reald/calibration"
	"sim2reald/calibration/opencv"
)

type intrinsicsFlags struct {
	boardFlags
	model, out, format, serial, name string
}

func (f *intrinsicsFlags) set(fs *flag.FlagSet) {
	f.boardFlags.set(fs)
	fs.StringVar(&f.model, "model", "plumb_bob", "`distortion`: plumb_bob, rational_polynomial, or equidistant for a fisheye")
	fs.StringVar(&f.out, "out", "", "`file` to write")
	fs.StringVar(&f.format, "format", "ros", "`format` of the file: ros (camera_info YAML) or opencv (FileStorage YAML)")
	fs.StringVar(&f.serial, "serial", "", "`serial` number of the camera, by which another one is told from it later")
	fs.StringVar(&f.name, "name", "camera", "`name` of the camera")
}

// cmdCalibrateIntrinsics fits a lens to pictures of a board.
func cmdCalibrateIntrinsics(_ context.Context, args []string) error {
	var f intrinsicsFlags
	fs := flag.NewFlagSet("calibrate intrinsics", flag.ContinueOnError)
	f.set(fs)
	if err := parseBefore(fs, args, "-board 7x5 -square 0.03 -serial SERIAL -out FILE PICTURES"); err != nil {
		return err
	}
	r, err := f.run(fs.Args(), time.Now(), os.Stdout)
	if err != nil {
		return fmt.Errorf("calibrate intrinsics: %w", err)
	}
	if err := f.write(r); err != nil {
		return fmt.Errorf("calibrate intrinsics: %w", err)
	}
	fmt.Println("wrote", f.out)
	return nil
}

func (f intrinsicsFlags) check(pictures []string) (calibration.Board, error) {
	b, err := f.board()
	if err != nil {
		return b, err
	}
	if err := f.checkOut(); err != nil {
		return b, err
	}
	if len(pictures) == 0 {
		return b, fmt.Errorf("no pictures; name them behind the flags")
	}
	return b, nil
}

// checkOut is about what is found and where it is written.
func (f intrinsicsFlags) checkOut() error {
	switch {
	case f.out == "":
		return fmt.Errorf("-out is missing; name the file to write")
	case f.format != "ros" && f.format != "opencv":
		return fmt.Errorf("-format %q; want ros or opencv", f.format)
	case calibration.Model(f.model).Coefficients() == nil:
		return fmt.Errorf("-model %q; want plumb_bob, rational_polynomial or equidistant", f.model)
	}
	return nil
}

// run calibrates, and tells a person what was seen, left out and found.
func (f intrinsicsFlags) run(pictures []string, now time.Time, say io.Writer) (calibration.LensResult, error) {
	b, err := f.check(pictures)
	if err != nil {
		return calibration.LensResult{}, err
	}
	views, width, height, err := lookAtAll(pictures, b, say)
	if err != nil {
		return calibration.LensResult{}, err
	}
	found, used, out, err := calibration.FitLens(opencv.Solver{}, b, views, width, height, calibration.Model(f.model), calibration.DefaultCriteria())
	for _, o := range out {
		fmt.Fprintf(say, "left out %s: %s\n", o.Name, o.Reason)
	}
	if err != nil {
		return calibration.LensResult{}, err
	}
	r := calibration.LensResult{
		Record: calibration.Record{Date: now, Serial: f.serial, Samples: len(used), RMS: found.RMS},
		Name:   f.name, Lens: found.Lens, SD: found.SD,
	}
	tellLens(r, calibration.Covered(width, height, used, found.TCameraBoard), say)
	return r, nil
}

// lookAtAll finds the board in every picture; those that cannot be used are said with the reason.
func lookAtAll(pictures []string, b calibration.Board, say io.Writer) (views []calibration.View, width, height int, err error) {
	for _, path := range pictures {
		p, err := readPicture(path)
		if err != nil {
			return nil, 0, 0, err
		}
		if width == 0 {
			width, height = p.Width, p.Height
		}
		if p.Width != width || p.Height != height {
			return nil, 0, 0, fmt.Errorf("%s is %dx%d px, %s %dx%d; a lens is of one picture size", path, p.Width, p.Height, pictures[0], width, height)
		}
		v, reason, err := look(p, path, b)
		if err != nil {
			return nil, 0, 0, err
		}
		if reason != "" {
			fmt.Fprintf(say, "left out %s: %s\n", path, reason)
			continue
		}
		views = append(views, v)
	}
	return views, width, height, nil
}

func tellLens(r calibration.LensResult, c calibration.Coverage, say io.Writer) {
	fmt.Fprintf(say, "%d views, reprojection error %.3f px, %.0f %% of the picture covered, tilt up to %.0f degrees\n",
		r.Samples, r.RMS, 100*c.Seen, c.MaxTilt*degreesPerRad)
	p := r.Lens.Parameters()
	for i, name := range r.Lens.Names() {
		fmt.Fprintf(say, "  %-3s %12.6g  standard deviation %.2g\n", name, p[i], r.SD[i])
	}
	for _, a := range c.Advice() {
		fmt.Fprintln(say, "warning:", a)
	}
	if r.Serial == "" {
		fmt.Fprintln(say, "warning: without -serial nothing can tell this camera from another later")
	}
}

func (f intrinsicsFlags) write(r calibration.LensResult) error {
	write := calibration.CameraInfo
	if f.format == "opencv" {
		write = calibration.FileStorage
	}
	data, err := write(r)
	if err != nil {
		return err
	}
	return os.WriteFile(f.out, data, 0o644)
}
