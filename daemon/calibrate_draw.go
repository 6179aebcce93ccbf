package main

import (
	"sim2reald/calibration"
	"sim2reald/camera"
)

// greyOf makes a grey picture of a frame, reusing into's memory.
func greyOf(f *camera.Frame, into []byte) calibration.Picture {
	n := f.Width * f.Height
	if cap(into) < n {
		into = make([]byte, n)
	}
	into = into[:n]
	for i := range into {
		r, g, b := uint(f.Pix[3*i]), uint(f.Pix[3*i+1]), uint(f.Pix[3*i+2])
		into[i] = byte((299*r + 587*g + 114*b + 500) / 1000)
	}
	return calibration.Picture{Width: f.Width, Height: f.Height, Grey: into}
}

type colour [3]byte

// The colours of corners: of a view that counts, and of one that does not; the first corner's tells how they are
// numbered.
func green() colour  { return colour{0x2b, 0xd9, 0x6a} }
func orange() colour { return colour{0xff, 0xa0, 0x2b} }
func blue() colour   { return colour{0x2b, 0x8c, 0xff} }

// mark draws a ring around each corner.
func mark(f *camera.Frame, corners []calibration.Corner, good bool) {
	c := orange()
	if good {
		c = green()
	}
	radius := max(3, f.Width/120)
	for _, corner := range corners {
		if corner.ID == 0 {
			ring(f, corner, radius+3, blue())
		}
		ring(f, corner, radius, c)
	}
}

// ring is two pixels wide.
func ring(f *camera.Frame, at calibration.Corner, radius int, c colour) {
	u, v := int(at.U+0.5), int(at.V+0.5)
	for y := -radius - 1; y <= radius+1; y++ {
		for x := -radius - 1; x <= radius+1; x++ {
			away := x*x + y*y
			if away < (radius-1)*(radius-1) || away > (radius+1)*(radius+1) {
				continue
			}
			if px, py := u+x, v+y; px >= 0 && py >= 0 && px < f.Width && py < f.Height {
				copy(f.Pix[3*(py*f.Width+px):], c[:])
			}
		}
	}
}
