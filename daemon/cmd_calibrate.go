package main

import (
	"context"
	"flag"
	"fmt"
	"image"
	_ "image/jpeg" // the kinds of pictures that can be read
	_ "image/png"
	"os"

	"sim2reald/calibration"
	"sim2reald/calibration/opencv"
)

// cmdCalibrate measures a rig.
func cmdCalibrate(ctx context.Context, args []string) error {
	return choose(ctx, "sim2reald calibrate", "measures a rig", []command{
		{"intrinsics", "a camera's lens, from pictures of a board", cmdCalibrateIntrinsics},
		{"hand-eye", "where a camera is, from poses of the arm and pictures of a board", cmdCalibrateHandEye},
		{"live", "the same before a camera, on a page: what is kept, what is missing, the result", cmdCalibrateLive},
		{"latency", "how long pictures and commands are on their way", cmdCalibrateLatency},
		{"sim", "what the simulator's camera must be to see what the real one sees", cmdCalibrateSim},
		{"check", "whether files of calibration are of this camera, and recent enough", cmdCalibrateCheck},
	}, args)
}

// boardFlags say what board was shown.
type boardFlags struct {
	pattern, size, dictionary string
	square, marker            float64
}

func (f *boardFlags) set(fs *flag.FlagSet) {
	fs.StringVar(&f.pattern, "pattern", "chessboard", "`kind` of board: chessboard, charuco, circles, acircles")
	fs.StringVar(&f.size, "board", "", "`COLSxROWS`: inner corners of a chessboard, squares of a charuco, circles")
	fs.Float64Var(&f.square, "square", 0, "side of a square in `m`; of circles, the distance between rows")
	fs.Float64Var(&f.marker, "marker", 0, "side of a marker in `m`, of a charuco")
	fs.StringVar(&f.dictionary, "dictionary", "4X4_50", "OpenCV's `name` of the markers' dictionary, of a charuco")
}

func (f boardFlags) board() (calibration.Board, error) {
	b := calibration.Board{Pattern: calibration.Pattern(f.pattern), Square: f.square, Marker: f.marker, Dictionary: f.dictionary}
	var rest string
	if n, _ := fmt.Sscanf(f.size+" ", "%dx%d%s", &b.Cols, &b.Rows, &rest); n != 2 {
		return b, fmt.Errorf("-board %q; want columns and rows, such as -board 7x5", f.size)
	}
	if err := opencv.Check(b); err != nil {
		return b, fmt.Errorf("%w (-pattern, -board, -square, -marker, -dictionary)", err)
	}
	return b, nil
}

// maxPixels is far more than any camera has; a small file can claim to be huge.
const maxPixels = 1 << 27

func readPicture(path string) (calibration.Picture, error) {
	f, err := os.Open(path)
	if err != nil {
		return calibration.Picture{}, err
	}
	defer f.Close()
	head, _, err := image.DecodeConfig(f)
	if err != nil {
		return calibration.Picture{}, fmt.Errorf("reading picture %s: %w; want PNG or JPEG", path, err)
	}
	if head.Width < 1 || head.Height < 1 || head.Width > maxPixels/head.Height {
		return calibration.Picture{}, fmt.Errorf("reading picture %s: %dx%d px", path, head.Width, head.Height)
	}
	if _, err := f.Seek(0, 0); err != nil {
		return calibration.Picture{}, err
	}
	img, _, err := image.Decode(f)
	if err != nil {
		return calibration.Picture{}, fmt.Errorf("reading picture %s: %w", path, err)
	}
	return calibration.Grey(img), nil
}

// look finds the board in a picture, and says why the view cannot be used, or "".
func look(p calibration.Picture, name string, b calibration.Board) (calibration.View, string, error) {
	corners, err := opencv.Find(p, b)
	if err != nil {
		return calibration.View{}, "", fmt.Errorf("%s: %w", name, err)
	}
	v := calibration.View{Name: name, Corners: corners}
	return v, calibration.DefaultCriteria().Usable(v, calibration.EdgeWidth(p, v)), nil
}
