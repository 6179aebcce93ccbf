package supervisor

import (
	"fmt"
	"math"
	"time"

	"sim2reald/robot"
)

// Track follows an arm's measurements, one after another. Times are on whatever clock the caller has for At.
type Track struct {
	newest  robot.State
	seen    bool
	at      time.Duration // of the newest
	changed time.Duration // at of the first measurement with the newest stamp
	heeded  time.Duration // at of the first measurement with the newest accepted command
	refused uint64        // count of refused commands then

	Broken bool   // the newest holds what is not finite
	Jumped bool   // it is further from the one before than the arm can go
	Passed bool   // a joint is beyond its limits
	Beyond Beyond // which, the last time
}

// Beyond is the last joint that was measured beyond its limits.
type Beyond struct {
	Joint    int     // counted from the base, from 0
	Position float64 // rad, and what it may be
	Min, Max float64
	Speed    float64 // rad/s, and what it may be either way
	SpeedMax float64
}

// String says where it was and where it may be.
func (b Beyond) String() string {
	return fmt.Sprintf("was measured at %.3f rad and %.3f rad/s; its limits are %.3f to %.3f rad and %.3f rad/s",
		b.Position, b.Speed, b.Min, b.Max, b.SpeedMax)
}

// TrackBounds are what measurements are judged by.
type TrackBounds struct {
	Limits    robot.Limits // of the arm that is there
	Joints    int
	Jump      float64 // rad beyond what the speed limit allows between two measurements
	Slack     float64 // rad that a joint may be measured beyond its end
	Overspeed float64 // of the speed limit, that may be measured
}

// TrackBoundsOf are those of an arm with n joints and the limits that hold for the arm itself, whatever a bundle is held
// to. A glitch of an encoder is larger than the jump; what a controller overshoots is smaller than slack and overspeed.
func TrackBoundsOf(limits robot.Limits, n int) TrackBounds {
	return TrackBounds{Limits: limits, Joints: n, Jump: 0.25, Slack: 0.05, Overspeed: 1.2}
}

// See takes a measurement made at a time; one that was seen already changes nothing.
func (t *Track) See(s *robot.State, at time.Duration, b *TrackBounds) {
	if t.seen && s.Seq == t.newest.Seq {
		return
	}
	t.Broken = !s.Q.Finite(b.Joints) || !s.DQ.Finite(b.Joints) || math.IsNaN(s.Gripper) || math.IsInf(s.Gripper, 0)
	t.Jumped = t.seen && sameMotion(&t.newest, s) && jumped(&t.newest.Q, &s.Q, at-t.at, b)
	joint := passed(s, b)
	if t.Passed = joint >= 0; t.Passed {
		t.Beyond = Beyond{joint, s.Q[joint], b.Limits.QMin[joint], b.Limits.QMax[joint], s.DQ[joint], b.Limits.DQMax[joint]}
	}
	if !t.seen || s.Stamp != t.newest.Stamp {
		t.changed = at
	}
	if !t.seen || s.Accepted != t.newest.Accepted || s.Episode.Waiting() {
		t.heeded, t.refused = at, s.Refused
	}
	t.newest, t.at, t.seen = *s, at, true
}

// Unchanged is how long the stamp has been the same at a time.
func (t *Track) Unchanged(now time.Duration) time.Duration { return now - t.changed }

// Unheeded is for how long of the measurements no further command was accepted.
func (t *Track) Unheeded() time.Duration { return t.at - t.heeded }

// Refused reports whether commands were refused since the last accepted one.
func (t *Track) Refused() bool { return t.newest.Refused > t.refused }

// sameMotion is false where a simulator puts the arm elsewhere: between episodes.
func sameMotion(before, s *robot.State) bool {
	return !before.Episode.Waiting() && !s.Episode.Waiting() && s.Step >= before.Step
}

func jumped(from, to *robot.Vector, dt time.Duration, b *TrackBounds) bool {
	for j := range b.Joints {
		if math.Abs(to[j]-from[j]) > b.Jump+b.Limits.DQMax[j]*max(0, dt.Seconds()) {
			return true
		}
	}
	return false
}

// passed is the first joint beyond its limits, -1 for none.
func passed(s *robot.State, b *TrackBounds) int {
	for j := range b.Joints {
		if s.Q[j] < b.Limits.QMin[j]-b.Slack || s.Q[j] > b.Limits.QMax[j]+b.Slack ||
			math.Abs(s.DQ[j]) > b.Overspeed*b.Limits.DQMax[j] {
			return j
		}
	}
	return -1
}
