package out

import (
	"fmt"
	"image"
	"image/color"

	"gocv.io/x/gocv"

	"sim2reald/camera"
)

const (
	legible = 448 // px: a narrower picture is enlarged before it is written on
	line    = 16  // px between lines
	scale   = 1.0 // of the font, whose letters are some 10 px high
)

// Annotated is a copy of a picture with words on it, each line within its width where it is short enough.
func Annotated(f *camera.Frame, words []string) (*camera.Frame, error) {
	rgb, err := gocv.NewMatFromBytes(f.Height, f.Width, gocv.MatTypeCV8UC3, f.Pix)
	if err != nil {
		return nil, fmt.Errorf("writing on a picture of camera %s: %w", f.Camera, err)
	}
	defer rgb.Close()
	by := (legible + f.Width - 1) / f.Width
	if by > 1 {
		gocv.Resize(rgb, &rgb, image.Point{}, float64(by), float64(by), gocv.InterpolationNearestNeighbor)
	}
	for i, w := range words {
		at := image.Pt(4, line*(i+1))
		gocv.PutText(&rgb, w, at, gocv.FontHersheyPlain, scale, color.RGBA{A: 255}, 3) // an edge, for bright pictures
		gocv.PutText(&rgb, w, at, gocv.FontHersheyPlain, scale, color.RGBA{R: 255, G: 255, B: 255, A: 255}, 1)
	}
	out := *f
	out.Width, out.Height, out.Pix = rgb.Cols(), rgb.Rows(), rgb.ToBytes()
	return &out, nil
}
