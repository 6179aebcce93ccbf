package calibration

import (
	"fmt"
	"math"
	"strings"
)

// Coverage tells how much of what a lens can see the views have shown of it.
type Coverage struct {
	Cells   [4][4]int // corners in each sixteenth of the picture, rows from the top
	Seen    float64   // part of the sixteenths with corners in them, 0 to 1
	MaxTilt float64   // rad, of the board's normal from the line of sight, the largest
	// Near and Far are the least and the greatest distance of the board's first point, m; zeros while none is known.
	Near, Far float64
}

// Covered counts where the corners of the views lay. tCameraBoard may be nil while no lens is known.
func Covered(width, height int, views []View, tCameraBoard []Transform) Coverage {
	var c Coverage
	for _, v := range views {
		for _, p := range v.Corners {
			row, col := int(4*p.V/float64(height)), int(4*p.U/float64(width))
			c.Cells[min(max(row, 0), 3)][min(max(col, 0), 3)]++
		}
	}
	for _, row := range c.Cells {
		for _, n := range row {
			if n > 0 {
				c.Seen += 1.0 / 16
			}
		}
	}
	for i, t := range tCameraBoard {
		away := norm(t.T)
		if c.Far = max(c.Far, away); i == 0 || away < c.Near {
			c.Near = away
		}
		normal := Vec{t.R[2], t.R[5], t.R[8]}
		c.MaxTilt = max(c.MaxTilt, math.Acos(min(1, math.Abs(dot(normal, t.T))/norm(t.T))))
	}
	return c
}

// Advice says what is missing yet, one line each; none if the coverage is good.
func (c Coverage) Advice() []string {
	var out []string
	var empty []string
	for _, corner := range []struct {
		row, col int
		name     string
	}{{0, 0, "upper left"}, {0, 3, "upper right"}, {3, 0, "lower left"}, {3, 3, "lower right"}} {
		if c.Cells[corner.row][corner.col] == 0 {
			empty = append(empty, corner.name)
		}
	}
	if len(empty) > 0 {
		out = append(out, "nothing was seen in the "+strings.Join(empty, ", ")+" of the picture: distortion there is a guess; hold the board there")
	}
	if c.MaxTilt < 25*math.Pi/180 {
		out = append(out, fmt.Sprintf("the board was tilted by %.0f degrees at most: the focal length is hardly fixed; tilt it by 30 to 45", c.MaxTilt*180/math.Pi))
	}
	return out
}
