// Package reference says whether a camera shows what it showed when a bundle was trained: the same scene, the right way
// up, its colours in the right order.
//
// What belongs here: the small picture that a bundle keeps of each camera, and its comparison with a live frame, which
// is a pure function. What does not: what a policy sees (model/preprocess), how old a frame may be (daemon/control),
// and where exactly a camera stands (calibration): here it is only told that it does not stand where it stood, if it
// stands farther from there than the demonstrations' scenes lay from each other.
package reference

import (
	"errors"
	"fmt"

	"sim2reald/camera"
)

// Side is how many cells a reference has across and down, whatever the frame's shape, and Fine how many a view has: a
// view is compared at places half a cell apart, so that a mount that has settled is no other scene.
const (
	Side = 16
	Fine = 2 * Side
)

// ErrFrame is wrapped when no view can be made of a frame.
var ErrFrame = errors.New("frame for a reference picture")

// View is a frame in Fine x Fine cells: each cell's mean red, green and blue, 0 to 255, row by row from the top.
type View [Fine][Fine][3]float64

// Of makes the view of an RGB frame. One of fewer pixels than cells has cells of the same pixel.
func Of(f *camera.Frame) (View, error) {
	var v View
	if f.Width < 1 || f.Height < 1 || f.Width > maxSide || f.Height > maxSide || len(f.Pix) != 3*f.Width*f.Height {
		return v, fmt.Errorf("%w: camera %s: %dx%d with %d bytes, want RGB of 1x1 to %dx%d", ErrFrame, f.Camera, f.Width, f.Height, len(f.Pix), maxSide, maxSide)
	}
	for y := range Fine {
		for x := range Fine {
			v[y][x] = cell(f, y, x)
		}
	}
	return v, nil
}

// maxSide bounds a frame, in pixels, so that no product overflows.
const maxSide = 1 << 15

// cell is the mean of the pixels of a cell.
func cell(f *camera.Frame, y, x int) [3]float64 {
	var sum [3]int
	top, left := y*f.Height/Fine, x*f.Width/Fine
	bottom, right := max((y+1)*f.Height/Fine, top+1), max((x+1)*f.Width/Fine, left+1)
	for row := top; row < bottom; row++ {
		line := f.Pix[3*(row*f.Width+left) : 3*(row*f.Width+right)]
		for i := 0; i+3 <= len(line); i += 3 {
			sum[0] += int(line[i])
			sum[1] += int(line[i+1])
			sum[2] += int(line[i+2])
		}
	}
	n := float64((bottom - top) * (right - left))
	return [3]float64{float64(sum[0]) / n, float64(sum[1]) / n, float64(sum[2]) / n}
}

// picture is what references are made of: Side x Side cells.
type picture [Side][Side][3]float64

// at is the view in coarse cells, looked at so many fine cells further down and to the right. What lies beyond its edge
// looks like the edge.
func (v *View) at(down, right int) *picture {
	var p picture
	within := func(i int) int { return min(max(i, 0), Fine-1) }
	for y := range Fine {
		for x := range Fine {
			for c, value := range v[within(y+down)][within(x+right)] {
				p[y/2][x/2][c] += value / 4
			}
		}
	}
	return &p
}
