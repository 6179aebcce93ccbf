package out

import (
	"fmt"
	"image"
	"image/color"
	"strings"

	"gocv.io/x/gocv"

	"sim2reald/camera"
)

const (
	legible = 448 // px: a narrower picture is enlarged before it is written on
	margin  = 4   // px beside them
	line    = 16  // px between lines
	scale   = 1.0 // of the font, whose letters are some 10 px high
)

// Annotated is a copy of a picture with words on it. What is too long for a line goes on in the next.
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
	var lines []string
	for _, w := range words {
		lines = append(lines, wrapped(w, rgb.Cols()-2*margin)...)
	}
	for i, w := range lines {
		at := image.Pt(margin, line*(i+1))
		gocv.PutText(&rgb, w, at, gocv.FontHersheyPlain, scale, color.RGBA{A: 255}, 3) // an edge, for bright pictures
		gocv.PutText(&rgb, w, at, gocv.FontHersheyPlain, scale, color.RGBA{R: 255, G: 255, B: 255, A: 255}, 1)
	}
	out := *f
	out.Width, out.Height, out.Pix = rgb.Cols(), rgb.Rows(), rgb.ToBytes()
	return &out, nil
}

// wrapped breaks a line at spaces, so that each is at most so many px wide; a word is not broken.
func wrapped(text string, width int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		longer := strings.TrimSpace(line + " " + word)
		if line != "" && gocv.GetTextSize(longer, gocv.FontHersheyPlain, scale, 1).X > width {
			lines, longer = append(lines, line), word
		}
		line = longer
	}
	return append(lines, line)
}
