package limit

import (
	"math"
	"time"

	"sim2reald/robot"
)

// Reason is why a command is refused.
type Reason uint8

const (
	// Accepted means not refused.
	Accepted Reason = iota
	// NotFinite means that the command, what was sent before or the measured state holds NaN or infinity.
	NotFinite
	// OutOfRange means a gripper outside [0, 1] or an absurd velocity: beyond absurdFactor times the limit a
	// number is a fault of the policy and not a wish to be clamped.
	OutOfRange
	// BadPeriod means that dt is not positive, so long that nothing can be promised, or so short that full
	// acceleration would take more than finest periods to let go of.
	BadPeriod
	// BadLimits means limits that are not finite, or that allow nothing.
	BadLimits
	// BadSent means that what was sent before was itself outside the limits: whoever keeps it made a mistake, and
	// nothing that joins it can be inside.
	BadSent
	// FarFromArm means a first position more than FirstWithin from the measured one, or an arm that LookAhead at
	// full speed would not bring where it was sent.
	FarFromArm
	// Jump means a position that LookAhead at full speed would not reach from the one sent before.
	Jump
)

// String names the reason as events and holds do.
func (r Reason) String() string {
	return [...]string{
		"accepted", "not_finite", "out_of_range", "bad_period", "bad_limits", "bad_sent", "far_from_arm", "jump",
	}[r]
}

const (
	// FirstWithin is how far from the measured position the first wanted one may be, rad.
	FirstWithin = 0.02
	// LookAhead is how long, at full speed, the way from the measured position to the one sent may take: no more
	// than that is left to travel for an arm that goes on to its last target when its daemon is dead.
	LookAhead = 200 * time.Millisecond

	// absurdFactor is far above what clamping a real policy ever needs and far below a garbage float.
	absurdFactor = 100
	// maxPeriod bounds dt: an acceleration limit over a longer step would allow any velocity.
	maxPeriod = 200 * time.Millisecond
	// rounding is by what part of a limit what was sent before may be outside it: Then divides what was multiplied.
	rounding = 1e-9
)

// refuse asks everything in an order in which no comparison meets NaN.
func refuse(w *robot.Command, sent *Sent, q *robot.Vector, n int, dt time.Duration, lim *robot.Limits) Verdict {
	if dt <= 0 || dt > maxPeriod {
		return Verdict{Refused: BadPeriod}
	}
	if !finite(w.Gripper) {
		return Verdict{Refused: NotFinite}
	}
	if w.Gripper < 0 || w.Gripper > 1 {
		return Verdict{Refused: OutOfRange}
	}
	var v Verdict
	for j := range n {
		if r := refuseJoint(w, sent, q, j, dt.Seconds(), lim); r != Accepted && (v.Refused == Accepted || v.Refused == r) {
			v.Refused, v.Offending = r, v.Offending|bit(true, j)
		}
	}
	return v
}

func refuseJoint(w *robot.Command, sent *Sent, q *robot.Vector, j int, h float64, lim *robot.Limits) Reason {
	switch {
	case !usable(lim, j):
		return BadLimits
	case lim.DDDQMax[j] > 0 && lim.DDDQMax[j]*h*finest < lim.DDQMax[j]:
		return BadPeriod
	case !finite(w.Q[j], w.DQ[j], q[j], sent.Q[j], sent.DQ[j], sent.DDQ[j]):
		return NotFinite
	case math.Abs(w.DQ[j]) > absurdFactor*lim.DQMax[j]:
		return OutOfRange
	case beyond(sent.DQ[j], lim.DQMax[j]) || beyond(sent.DDQ[j], lim.DDQMax[j]):
		return BadSent
	case w.Mode == robot.Position:
		return refusePosition(w.Q[j], sent, q, j, lim)
	}
	return Accepted
}

// refusePosition wants the first position near the arm, and later ones near the one before; and an arm that follows.
func refusePosition(wanted float64, sent *Sent, q *robot.Vector, j int, lim *robot.Limits) Reason {
	if sent.Mode != robot.Position {
		if math.Abs(wanted-q[j]) > FirstWithin {
			return FarFromArm
		}
		return Accepted
	}
	reach := lim.DQMax[j] * LookAhead.Seconds()
	switch {
	case math.Abs(sent.Q[j]-q[j]) > reach:
		return FarFromArm
	case math.Abs(wanted-sent.Q[j]) > reach:
		return Jump
	}
	return Accepted
}

// usable reports whether joint j's limits are finite and leave it something to do.
func usable(lim *robot.Limits, j int) bool {
	return finite(lim.QMin[j], lim.QMax[j], lim.DQMax[j], lim.DDQMax[j], lim.DDDQMax[j], lim.Taper.Offset[j], lim.Taper.Decel[j]) &&
		lim.QMin[j] < lim.QMax[j] && lim.DQMax[j] > 0 && lim.DDQMax[j] > 0 &&
		lim.DDDQMax[j] >= 0 && lim.Taper.Offset[j] >= 0 && lim.Taper.Decel[j] >= 0
}

func beyond(x, limit float64) bool { return math.Abs(x) > limit*(1+rounding)+slack }

func finite(numbers ...float64) bool {
	for _, x := range numbers {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return false
		}
	}
	return true
}

// heldGripper keeps the gripper inside its range when the command that carries it is refused.
func heldGripper(g float64) float64 {
	if math.IsNaN(g) {
		return 0
	}
	return min(max(g, 0), 1)
}
