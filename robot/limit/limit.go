package limit

import (
	"time"

	"sim2reald/robot"
)

// Verdict says what was done to a wanted command. Joint sets are bit masks, bit j for joint j.
type Verdict struct {
	Clamped     uint16 // joints slowed for their velocity or position limit
	RateLimited uint16 // joints slowed for their acceleration limit
	JerkLimited uint16 // joints slowed for their jerk limit
	Refused     Reason // why nothing but a hold goes out
	Offending   uint16 // joints that it was refused for; none where it was for none in particular
}

// Sent is what went out last: what the next command must join. Its zero is an arm at rest.
type Sent struct {
	Mode robot.Mode
	Q    robot.Vector // rad, of Position alone
	DQ   robot.Vector // rad/s
	DDQ  robot.Vector // rad/s²
}

// Then is what was sent once c has followed s after dt. A hold is the bridge's to shape: after it the arm counts as
// at rest, and a position is taken from the measured one again.
func (s *Sent) Then(c *robot.Command, n int, dt time.Duration) Sent {
	if c.Mode == robot.Hold {
		return Sent{}
	}
	next := Sent{Mode: c.Mode, Q: c.Q, DQ: c.DQ}
	for j := range n {
		next.DDQ[j] = (c.DQ[j] - s.DQ[j]) / dt.Seconds()
	}
	return next
}
