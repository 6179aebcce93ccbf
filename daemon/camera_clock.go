package main

import (
	"fmt"
	"time"
)

// clockDoubt says once what is wrong with the clock that a camera tells.
type clockDoubt struct {
	camera, key string
	bound       time.Duration // older pictures hold
	row         int           // of pictures that cannot be
	said        bool
}

// doubtful pictures in a row are no hiccup.
const doubtful = 10

// aheadAtMost is what two clocks that are set over a network may be apart, and a camera's exposure.
const aheadAtMost = 100 * time.Millisecond

// of is a line about a picture that is so old by both wall clocks when it comes; empty when there is nothing to say, or
// when it was said.
func (d *clockDoubt) of(age time.Duration) string {
	const remedy = "let NTP set the camera's clock and this host's, or set %s.clock to arrival"
	if d.row++; age >= -aheadAtMost && age <= d.bound {
		d.row = 0
	}
	switch {
	case d.said || d.row < doubtful:
		return ""
	case age < -aheadAtMost:
		d.said = true
		return fmt.Sprintf("camera %s: its clock is %v ahead of this host's, so that its pictures age from their arrival; "+remedy, d.camera, -age.Round(time.Millisecond), d.key)
	}
	d.said = true
	return fmt.Sprintf("camera %s: by its own clock its pictures are %v old when they come, more than ages.frame_ms, and the arm holds; "+remedy, d.camera, age.Round(time.Millisecond), d.key)
}

// warnOnce logs what there is to say.
func (w *workcell) warnOnce(line string) {
	if line != "" {
		w.log.Warn(line)
	}
}
