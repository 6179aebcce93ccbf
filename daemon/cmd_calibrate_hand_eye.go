package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"time"

	"sim2reald/calibration"
	"sim2reald/calibration/opencv"
)

const degreesPerRad = 180 / math.Pi

type handEyeFlags struct {
	boardFlags
	kind, intrinsics, out, name, robot string
	frames                             calibration.FrameNames
}

func (f *handEyeFlags) set(fs *flag.FlagSet) {
	f.boardFlags.set(fs)
	fs.StringVar(&f.kind, "kind", "", "eye_in_hand: the camera is on the flange and the board stands still; eye_to_hand: the other way round")
	fs.StringVar(&f.intrinsics, "intrinsics", "", "`file` of calibrate intrinsics, ROS or OpenCV")
	fs.StringVar(&f.out, "out", "", "`file` to write, easy_handeye2's .calib")
	fs.StringVar(&f.robot, "robot", "", "`model and serial` of the arm as its factsheet has them, such as \"panda 295341\", by which another one is told from it later")
	fs.StringVar(&f.name, "name", "hand_eye", "`name` of the calibration")
	fs.StringVar(&f.frames.Base, "base-frame", "base", "ROS `frame` of the arm's base")
	fs.StringVar(&f.frames.Flange, "flange-frame", "flange", "ROS `frame` of the flange")
	fs.StringVar(&f.frames.Camera, "camera-frame", "camera_optical_frame", "ROS `frame` of the camera: x right, y down, z forward")
	fs.StringVar(&f.frames.Board, "board-frame", "board", "ROS `frame` of the board")
}

// cmdCalibrateHandEye finds where a camera is.
func cmdCalibrateHandEye(_ context.Context, args []string) error {
	var f handEyeFlags
	fs := flag.NewFlagSet("calibrate hand-eye", flag.ContinueOnError)
	f.set(fs)
	usage := `-kind KIND -intrinsics FILE -board 7x5 -square 0.03 -out FILE.calib SAMPLES
SAMPLES has one JSON object a line: {"base_flange": {"translation": [x, y, z], "rotation": [w, x, y, z]}, "picture": "01.png"},
m and a unit quaternion, p_base = T_base_flange * p_flange; instead of a picture, "corners": [[id, u, v], ...] in px.`
	if err := parseBefore(fs, args, usage); err != nil {
		return err
	}
	if err := f.run(fs.Args(), time.Now(), os.Stdout); err != nil {
		return fmt.Errorf("calibrate hand-eye: %w", err)
	}
	return nil
}

func (f handEyeFlags) run(files []string, now time.Time, say io.Writer) error {
	b, err := f.board()
	switch {
	case err != nil:
		return err
	case f.intrinsics == "" || f.out == "":
		return fmt.Errorf("-intrinsics or -out is missing; name both files")
	case len(files) != 1:
		return fmt.Errorf("%d files of samples behind the flags; name one", len(files))
	}
	if err := calibration.Kind(f.kind).Check(); err != nil {
		return fmt.Errorf("-kind: %w", err)
	}
	lens, err := readLens(f.intrinsics)
	if err != nil {
		return err
	}
	samples, err := readSamples(files[0], b, lens.Lens, say)
	if err != nil {
		return err
	}
	r, err := calibration.FitHandEye(calibration.Kind(f.kind), lens.Lens, b, samples, solvers(say))
	tellLeftOut(r, say)
	if err != nil {
		return err
	}
	r.Date, r.Serial, r.Robot = now, lens.Serial, f.robot
	tellHandEye(r, say)
	return f.write(r, say)
}

// solvers asks OpenCV's, and says which of them refuse.
func solvers(say io.Writer) func(calibration.Kind, []calibration.Transform, []calibration.Transform) []calibration.Start {
	return func(k calibration.Kind, arm, board []calibration.Transform) []calibration.Start {
		found, refused := opencv.HandEye(k, arm, board)
		for _, r := range refused {
			fmt.Fprintln(say, "solver left out:", r)
		}
		return found
	}
}

func readLens(path string) (calibration.LensResult, error) {
	data, err := readSmall(path)
	if err != nil {
		return calibration.LensResult{}, err
	}
	r, err := calibration.ParseLens(data)
	if err != nil {
		return r, fmt.Errorf("%s: %w", path, err)
	}
	return r, nil
}

func readHandEye(path string) (calibration.CalibFile, error) {
	data, err := readSmall(path)
	if err != nil {
		return calibration.CalibFile{}, err
	}
	f, err := calibration.ParseCalib(data)
	if err != nil {
		return f, fmt.Errorf("%s: %w", path, err)
	}
	return f, nil
}

// readSmall reads a file that a person could look through.
func readSmall(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	const most = 16 << 20
	data, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && len(data) > most {
		return nil, fmt.Errorf("%s is larger than 16 MiB; that is no file of calibration", path)
	}
	return data, err
}

// readSamples reads the file and looks for the board in its pictures; samples without it are said and left out.
func readSamples(path string, b calibration.Board, l calibration.Lens, say io.Writer) ([]calibration.Sample, error) {
	data, err := readSmall(path)
	if err != nil {
		return nil, err
	}
	samples, pictures, err := calibration.ParseSamples(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	var out []calibration.Sample
	for i, s := range samples {
		if pictures[i] != "" {
			v, reason, err := lookWith(l, filepath.Join(filepath.Dir(path), pictures[i]), s.View.Name, b)
			if err != nil {
				return nil, err
			}
			if reason != "" {
				fmt.Fprintf(say, "left out %s: %s\n", s.View.Name, reason)
				continue
			}
			s.View = v
		}
		out = append(out, s)
	}
	return out, nil
}

// lookWith finds the board in a picture of a lens's size.
func lookWith(l calibration.Lens, path, name string, b calibration.Board) (calibration.View, string, error) {
	p, err := readPicture(path)
	if err != nil {
		return calibration.View{}, "", err
	}
	if p.Width != l.Width || p.Height != l.Height {
		return calibration.View{}, "", fmt.Errorf("%s is %dx%d px and the intrinsics are of %dx%d; calibrate the lens at the size that is used", path, p.Width, p.Height, l.Width, l.Height)
	}
	return look(p, name, b)
}

func (f handEyeFlags) write(r calibration.HandEyeResult, say io.Writer) error {
	data, err := calibration.Calib(calibration.CalibFile{
		Name: f.name, Kind: r.Kind, Frames: f.frames, TParentCamera: r.TParentCamera, Record: r.Record, Half95: r.Half95,
	})
	if err != nil {
		return err
	}
	if err := os.WriteFile(f.out, data, 0o644); err != nil {
		return err
	}
	fmt.Fprintln(say, "wrote", f.out)
	return nil
}
