package calibration

import (
	"fmt"
	"math"
)

// Kind says where the camera is.
type Kind string

// The kinds.
const (
	EyeInHand Kind = "eye_in_hand" // the camera is on the flange, the board stands still
	EyeToHand Kind = "eye_to_hand" // the camera stands still, the board is on the flange
)

// Check refuses a kind that is none.
func (k Kind) Check() error {
	if k != EyeInHand && k != EyeToHand {
		return fmt.Errorf("kind %q is not known; want %s or %s", k, EyeInHand, EyeToHand)
	}
	return nil
}

// Parent names the coordinate frame in which the camera's pose is sought.
func (k Kind) Parent() string {
	if k == EyeInHand {
		return "flange"
	}
	return "base"
}

// Sample is one pose of the arm and what the camera saw from it.
type Sample struct {
	TBaseFlange Transform
	View        View
}

// Start is a solver's answer: T_flange_camera for a camera in the hand, T_base_camera for one beside the arm.
type Start struct {
	Solver string
	T      Transform
}

// Poses holds both unknowns of hand-eye. The camera sees the board at T_parent_camera⁻¹ · between · T_other_board,
// where between is T_base_flange, or its inverse for a camera in the hand.
type Poses struct {
	TParentCamera Transform // T_flange_camera, or T_base_camera of eye to hand
	TOtherBoard   Transform // T_base_board, or T_flange_board of eye to hand
}

// tCameraBoard is what the camera should see at a pose of the arm.
func (p Poses) tCameraBoard(k Kind, tBaseFlange Transform) Transform {
	return p.TParentCamera.Inverse().Mul(k.between(tBaseFlange)).Mul(p.TOtherBoard)
}

// between is T_parent_other.
func (k Kind) between(tBaseFlange Transform) Transform {
	if k == EyeInHand {
		return tBaseFlange.Inverse()
	}
	return tBaseFlange
}

// MinPoses is how many poses hand-eye wants at least: fewer leave nothing to check the result with.
const MinPoses = 6

// Richness refuses poses of the arm whose motions do not fix the camera: too few, hardly turned, or all turned
// about nearly the same axis, which leaves the camera's place along that axis open.
func Richness(tBaseFlange []Transform) error {
	if len(tBaseFlange) < MinPoses {
		return fmt.Errorf("%d poses; want at least %d, better 15 to 20", len(tBaseFlange), MinPoses)
	}
	const minTurn, minSpread = 15 * math.Pi / 180, 10 * math.Pi / 180
	largest, spread := Turns(tBaseFlange)
	if !(largest >= minTurn) {
		return fmt.Errorf("the hand turns by %.1f degrees at most between poses; want at least %.0f, better 30 to 60", degrees(largest), degrees(minTurn))
	}
	if !(spread >= minSpread) {
		return fmt.Errorf("the hand turns about one axis only (others differ by %.1f degrees); want at least %.0f: tilt it about a second axis too", degrees(spread), degrees(minSpread))
	}
	return nil
}

// Turns gives the largest turn between two poses, and by which angle the axes of the turns spread about the main
// one, both in rad. Turns weigh by the square of their angle, so that those too small to have an axis do not matter.
func Turns(ts []Transform) (largest, spread float64) {
	var m [9]float64
	for i := range ts {
		for j := range i {
			w := Log(ts[i].R.Transpose().Mul(ts[j].R))
			largest = max(largest, norm(w))
			for k := range 9 {
				m[k] += w[k/3] * w[k%3]
			}
		}
	}
	values := symmetricValues(m)
	if !(values[2] > 0) {
		return largest, 0
	}
	return largest, math.Atan(math.Sqrt(max(values[1], 0) / values[2]))
}

func degrees(rad float64) float64 { return rad * 180 / math.Pi }
