package live

import (
	"fmt"
	"math"
	"time"

	"sim2reald/calibration"
)

// Reason is why a view was not kept.
type Reason uint8

// The reasons, in the order in which they are looked for.
const (
	Kept    Reason = iota
	NoBoard        // it was not found, or too little of it
	Blurred
	BoardMoves
	ArmMoves
	Settling // not still for long enough yet
	NoArm    // its pose is not known
	Alike    // it adds nothing
	reasons
)

// String names the reason for a person.
func (r Reason) String() string {
	return [...]string{"kept", "no board", "blurred", "board moving", "arm moving", "not yet at rest", "no arm", "like another view"}[r]
}

// Why is a reason with its figures.
type Why struct {
	Reason Reason
	Text   string // one line for a person
}

const (
	// RestFor is for how long board and arm must not have moved: longer than any camera's latency, so that the arm
	// stood where it is measured when the picture was taken.
	RestFor = 400 * time.Millisecond
	// restPixels is by how much the board's corners may move meanwhile, px, their mean. Noise of corners is far below,
	// and half a pixel of motion during an exposure is not seen.
	restPixels = 0.6
	// restShift and restTurn are for the flange, m and rad: a tenth of what hand-eye is wanted to.
	restShift, restTurn = 2e-4, 5e-4
	// RestGap is how long nothing may be seen until what was before counts no more.
	RestGap = time.Second
)

// rest follows since when board and arm have not moved.
type rest struct {
	since, last time.Duration
	corners     []calibration.Corner // when it began
	arm         calibration.Transform
	whole       bool
}

// see takes a picture with a board and tells why there is no rest yet.
func (r *rest) see(l *Look, b calibration.Board) (Why, bool) {
	why, still := r.still(l, b)
	if !still || !r.whole || l.At-r.last > RestGap {
		*r = rest{since: l.At, corners: l.Corners, whole: true}
		if l.Arm != nil {
			r.arm = l.Arm.TBaseFlange
		}
	}
	r.last = l.At
	if !still {
		return why, false
	}
	if l.At-r.since < RestFor {
		return Why{Settling, fmt.Sprintf("still for %.1f s, want %.1f", (l.At - r.since).Seconds(), RestFor.Seconds())}, false
	}
	return Why{}, true
}

// still compares with where rest began.
func (r *rest) still(l *Look, b calibration.Board) (Why, bool) {
	if l.Arm != nil && l.Arm.Moving {
		return Why{ArmMoves, "the arm moves"}, false
	}
	if !r.whole {
		return Why{}, true
	}
	if l.Arm != nil {
		d := r.arm.Inverse().Mul(l.Arm.TBaseFlange)
		shift, turn := math.Hypot(d.T[0], math.Hypot(d.T[1], d.T[2])), d.R.Angle()
		if !(shift <= restShift && turn <= restTurn) {
			return Why{ArmMoves, fmt.Sprintf("the arm moved by %.2f mm and %.2f degrees", 1e3*shift, degrees(turn))}, false
		}
	}
	if moved := motion(r.corners, l.Corners, b); !(moved <= restPixels) {
		return Why{BoardMoves, fmt.Sprintf("the board moved by %.1f px; hold it still", moved)}, false
	}
	return Why{}, true
}

// motion is the mean distance of the corners that both show, px; infinite if they share none. A board that may be numbered
// from either end has not moved because it was.
func motion(from, to []calibration.Corner, b calibration.Board) float64 {
	moved := apart(from, to)
	if b.Turnable() {
		moved = min(moved, apart(calibration.View{Corners: from}.Turned(b).Corners, to))
	}
	return moved
}

func apart(a, b []calibration.Corner) float64 {
	at := make(map[int]calibration.Corner, len(a))
	for _, c := range a {
		at[c.ID] = c
	}
	sum, n := 0.0, 0
	for _, c := range b {
		if o, ok := at[c.ID]; ok {
			sum += math.Hypot(c.U-o.U, c.V-o.V)
			n++
		}
	}
	if n == 0 {
		return math.Inf(1)
	}
	return sum / float64(n)
}

// judge says whether a picture's view should be kept, and from where it shows the board.
func (s *Session) judge(l *Look) (Why, face) {
	v := calibration.View{Corners: l.Corners}
	if len(l.Corners) < s.cfg.Criteria.MinCorners || len(l.Corners) == 0 {
		s.rest.whole = false
		return Why{NoBoard, s.cfg.Criteria.Usable(v, 0)}, face{}
	}
	why, rests := s.rest.see(l, s.cfg.Board)
	switch {
	case s.cfg.Kind != "" && l.Arm == nil:
		return Why{NoArm, "the arm's position is not known; see the bridge"}, face{}
	case !rests:
		return why, face{}
	}
	if text := s.cfg.Criteria.Usable(v, l.EdgeWidth); text != "" {
		return Why{Blurred, text}, face{}
	}
	f, err := s.faceOf(v)
	if err != nil {
		return Why{NoBoard, err.Error()}, face{}
	}
	return s.alike(l, f), f
}

// alike compares with the views that are kept.
func (s *Session) alike(l *Look, f face) Why {
	for _, k := range s.kept {
		differs := f.differs(k.face, s.cfg.Board)
		if s.cfg.Kind != "" {
			differs = armDiffers(l.Arm.TBaseFlange, k.arm)
		}
		if differs < 1 {
			return Why{Alike, fmt.Sprintf("too like view %d: %s", k.id, s.advice())}
		}
	}
	return Why{Kept, "kept"}
}

func (s *Session) advice() string {
	if s.cfg.Kind != "" {
		return "turn the hand elsewhere"
	}
	return "move the board elsewhere, tilt it, or bring it nearer"
}

func degrees(rad float64) float64 { return rad * 180 / math.Pi }
