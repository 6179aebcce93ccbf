// Package camera holds a picture and where it comes from.
//
// What belongs here: the Frame, the one-slot Latest with its age, and, in folders, the drivers of sources.
// What does not: what a policy makes of a picture (model/preprocess) and what a camera's geometry is
// (calibration).
package camera

import "time"

// Frame is one picture. Its pixels are valid until the owner of the buffer reuses it.
type Frame struct {
	Camera  string
	Seq     uint64        // as the source counts; of the joint_states it shows, for a bridge's frames
	Stamp   time.Duration // the source's clock
	Arrival time.Duration // receiver's monotonic clock since process start, when it came
	Taken   time.Duration // the same clock, when it was taken as far as anybody tells, never after Arrival: ages are measured from here
	Sent    time.Duration // the sender's wall clock since 1970, where it tells (RTCP); 0: not told
	Width   int           // pixels
	Height  int           // pixels
	Pix     []byte        // (Height, Width, 3) row-major, RGB, 8 bit
}
