// Package limit decides which command may go out. It is the last thing between a policy and an arm.
//
// What belongs here: pure functions of (wanted, previous, measured, dt, limits). What does not: clocks, I/O,
// logging, configuration. It imports only package robot, so that a safety review is this folder.
//
// The three verdicts differ: a clamp changes a magnitude (too fast, too near a joint's end), a rate limit
// changes a derivative (too sudden), a refusal sends nothing but a hold.
package limit

import (
	"math"
	"time"

	"sim2reald/robot"
)

// Verdict says what was done to a wanted command. Joint sets are bit masks, bit j for joint j.
type Verdict struct {
	Clamped     uint16 // joints slowed for their velocity or position limit
	RateLimited uint16 // joints slowed for their acceleration limit
	Refused     Reason // why nothing but a hold goes out
}

// Reason is why a command is refused.
type Reason uint8

const (
	// Accepted means not refused.
	Accepted Reason = iota
	// NotFinite means that the command or the measured state holds NaN or infinity.
	NotFinite
	// OutOfRange means a gripper outside [0, 1] or an absurd velocity: beyond absurdFactor times the limit a
	// number is a fault of the policy and not a wish to be clamped.
	OutOfRange
	// BadPeriod means that dt is not positive or so long that nothing can be promised.
	BadPeriod
)

// String names the reason as events and holds do.
func (r Reason) String() string {
	return [...]string{"accepted", "not_finite", "out_of_range", "bad_period"}[r]
}

const (
	// absurdFactor is far above what clamping a real policy ever needs and far below a garbage float.
	absurdFactor = 100
	// maxPeriod bounds dt: an acceleration limit over a longer step would allow any velocity.
	maxPeriod = 200 * time.Millisecond
)

// Apply returns the command that may go out for a wanted one. previous is the joint velocity last sent
// (rad/s), q the measured joint position (rad), dt the time until the next command. n is the number of
// joints. The result never exceeds DQMax, never differs from previous by more than DDQMax·dt per joint
// (as long as previous itself was inside DQMax), and approaches a joint's end no faster than it can stop
// before it. A refused command comes back as a hold, which the bridge shapes to rest.
func Apply(wanted robot.Command, previous, q *robot.Vector, n int, dt time.Duration, lim *robot.Limits) (robot.Command, Verdict) {
	if r := refuse(&wanted, previous, q, n, dt, lim); r != Accepted {
		return robot.Command{Mode: robot.Hold, Gripper: heldGripper(wanted.Gripper)}, Verdict{Refused: r}
	}
	var v Verdict
	allowed := robot.Command{Mode: wanted.Mode, Gripper: wanted.Gripper}
	if wanted.Mode == robot.Hold {
		return allowed, v
	}
	for j := range n {
		joint := window(previous[j], q[j], j, dt.Seconds(), lim)
		dq, clamped, rated := joint.bound(wanted.DQ[j])
		allowed.DQ[j] = dq
		v.Clamped |= bit(clamped, j)
		v.RateLimited |= bit(rated, j)
	}
	return allowed, v
}

func refuse(w *robot.Command, previous, q *robot.Vector, n int, dt time.Duration, lim *robot.Limits) Reason {
	if dt <= 0 || dt > maxPeriod {
		return BadPeriod
	}
	if !w.DQ.Finite(n) || !previous.Finite(n) || !q.Finite(n) || math.IsNaN(w.Gripper) || math.IsInf(w.Gripper, 0) {
		return NotFinite
	}
	if w.Gripper < 0 || w.Gripper > 1 {
		return OutOfRange
	}
	for j := range n {
		if math.Abs(w.DQ[j]) > absurdFactor*lim.DQMax[j] {
			return OutOfRange
		}
	}
	return Accepted
}

// heldGripper keeps the gripper inside its range when the command that carries it is refused.
func heldGripper(g float64) float64 {
	if math.IsNaN(g) {
		return 0
	}
	return min(max(g, 0), 1)
}

// interval is what one joint may do in the coming period: clamp is its velocity and position window, rate
// its acceleration window around the previous velocity.
type interval struct{ clampLo, clampHi, rateLo, rateHi float64 }

func window(previous, q float64, j int, dt float64, lim *robot.Limits) interval {
	a := lim.DDQMax[j]
	hi := min(lim.DQMax[j], stoppable(lim.QMax[j]-q, a, dt))
	lo := -min(lim.DQMax[j], stoppable(q-lim.QMin[j], a, dt))
	return interval{clampLo: lo, clampHi: hi, rateLo: previous - a*dt, rateHi: previous + a*dt}
}

// stoppable is the greatest speed from which a joint with room rad left stays inside it, when it keeps that
// speed for dt and then brakes at a: v·dt + v²/2a = room. Without room it is zero.
func stoppable(room, a, dt float64) float64 {
	if room <= 0 {
		return 0
	}
	return -a*dt + math.Sqrt(a*dt*a*dt+2*a*room)
}

// bound clamps first and limits the rate last, so that the acceleration limit always holds: a joint that
// enters its stopping distance too fast (a measured jump) brakes as hard as it may and no harder.
func (i interval) bound(wanted float64) (dq float64, clamped, rateLimited bool) {
	dq = min(max(wanted, i.clampLo), i.clampHi)
	clamped = dq != wanted
	rated := min(max(dq, i.rateLo), i.rateHi)
	return rated, clamped, rated != dq
}

func bit(set bool, j int) uint16 {
	if set {
		return 1 << j
	}
	return 0
}
