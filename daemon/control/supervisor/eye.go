package supervisor

import (
	"math"

	"sim2reald/robot"
)

const (
	// FlawedPictures in a row are no hiccup.
	FlawedPictures = 3
	// AlikePictures in a row are frozen, if the arm moved meanwhile.
	AlikePictures = 10
	// AlikeTravel is how far some joint must have moved for that, rad: a camera that looks at an arm, and sees it
	// move as far, sees another picture. An arm that stands, or a simulator without noise, may look the same for ever.
	AlikeTravel = 0.05
)

// Eye follows the pictures of one camera beside the arm that it looks at.
type Eye struct {
	since uint64       // of the pictures that are alike
	q     robot.Vector // where the arm was when the first of them was there
	ever  bool

	Frozen bool
}

// See takes the newest picture's count of those alike and the seq of the first of them, and the arm as measured now.
// Once frozen, it stays so until a picture differs: the arm that stands because of it proves nothing.
func (e *Eye) See(alike int, since uint64, q *robot.Vector, joints int) {
	if !e.ever || since != e.since {
		*e = Eye{since: since, q: *q, ever: true}
	}
	e.Frozen = e.Frozen || alike >= AlikePictures && travel(&e.q, q, joints) >= AlikeTravel
}

// travel is how far the joint that moved most is from where it was.
func travel(from, to *robot.Vector, joints int) float64 {
	far := 0.0
	for j := range joints {
		far = max(far, math.Abs(to[j]-from[j]))
	}
	return far
}
