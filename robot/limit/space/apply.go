package space

import (
	"math"
	"time"

	"sim2reald/robot"
	"sim2reald/robot/limit"
)

// halvings bring the command within a thirtieth of the way from a stop to what was allowed.
const halvings = 5

// Verdict says what was done to a command that each joint's limits had let out.
type Verdict struct {
	Restrained bool    // it was slowed or stopped
	Share      float64 // of the way from a stop to it that goes out; 1 unless restrained
	Box, Self  Room    // where the arm is
}

// Pushes reports whether hardly anything of a command went out: the arm stands against something, and is told to go on.
func (v *Verdict) Pushes() bool { return v.Restrained && v.Share < 0.1 }

// Apply gives the command nearest to allowed, between the stop and it, after which the arm stays clear; see the package's
// doc. allowed is what limit.Apply let out for the same sent, q, dt and lim. Where nothing stays clear, which takes an arm
// that did not do as it was told, the stop goes out, and a hold where the positions are no numbers. Joint positions, which
// the daemon does not send, are not known here: they are held as well.
func (s *Space) Apply(allowed robot.Command, sent *limit.Sent, q *robot.Vector, dt time.Duration, lim *robot.Limits) (robot.Command, Verdict) {
	v := Verdict{Share: 1}
	v.Box, v.Self = s.Look(q)
	if allowed.Mode == robot.Hold {
		return allowed, v
	}
	if math.IsNaN(v.Box.M) || allowed.Mode != robot.Velocity {
		return robot.Command{Mode: robot.Hold, Gripper: allowed.Gripper}, Verdict{Restrained: true, Box: v.Box, Self: v.Self}
	}
	if s.clears(&allowed.DQ, sent, q, dt, lim) {
		return allowed, v
	}
	stop := s.stop(allowed, sent, q, dt, lim)
	good, bad := 0.0, 1.0
	for range halvings {
		middle := (good + bad) / 2
		between := s.between(&stop, &allowed, middle)
		if s.clears(&between.DQ, sent, q, dt, lim) {
			good = middle
		} else {
			bad = middle
		}
	}
	v.Restrained, v.Share = true, good
	return s.between(&stop, &allowed, good), v
}

// clears asks for the way after velocities dq, rad/s.
func (s *Space) clears(dq *robot.Vector, sent *limit.Sent, q *robot.Vector, dt time.Duration, lim *robot.Limits) bool {
	w := s.after(q, dq, sent, dt.Seconds(), lim)
	return s.clear(&w)
}

// stop brakes all joints alike, so that the arm keeps its direction: as hard as the one allows that takes the longest.
func (s *Space) stop(allowed robot.Command, sent *limit.Sent, q *robot.Vector, dt time.Duration, lim *robot.Limits) robot.Command {
	n, longest := s.cfg.Chain.N(), 0.0
	for j := range n {
		longest = max(longest, math.Abs(sent.DQ[j])/lim.DDQMax[j])
	}
	wanted := robot.Command{Mode: robot.Velocity, Gripper: allowed.Gripper}
	for j := range n {
		wanted.DQ[j] = sent.DQ[j] * max(0, 1-dt.Seconds()/max(longest, dt.Seconds()))
	}
	stop, verdict := limit.Apply(wanted, sent, q, n, dt, lim)
	if verdict.Refused != limit.Accepted { // what allowed came from was not
		return robot.Command{Mode: robot.Hold, Gripper: allowed.Gripper}
	}
	return stop
}

// between is a command a share of the way from one to another. Both are within the limits of every joint, and so is what
// lies between them.
func (s *Space) between(stop, allowed *robot.Command, share float64) robot.Command {
	c := *allowed
	for j := range s.cfg.Chain.N() {
		c.DQ[j] = stop.DQ[j] + share*(allowed.DQ[j]-stop.DQ[j])
	}
	return c
}
