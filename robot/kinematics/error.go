package kinematics

import (
	"errors"
	"fmt"
	"math"
)

// NotFiniteError says that a number which describes the arm or a wanted motion is NaN or infinite.
type NotFiniteError struct {
	What  string // "joint position", "twist", "target", "tool"
	Index int
	Value float64
}

func (e *NotFiniteError) Error() string {
	return fmt.Sprintf("%s %d is %v; hold, and look where it comes from", e.What, e.Index, e.Value)
}

// TooFastError says that a wanted twist is beyond MaxTwist: a fault of who asks, not a wish to be scaled down.
type TooFastError struct {
	Index int // of the twist
	Value float64
}

func (e *TooFastError) Error() string {
	return fmt.Sprintf("twist %d is %g, beyond %d m/s or rad/s; hold, and look where it comes from", e.Index, e.Value, MaxTwist)
}

// UnreachedError says how far from the target pose the search ended.
type UnreachedError struct {
	Distance float64 // m
	Angle    float64 // rad
	Steps    int
}

func (e *UnreachedError) Error() string {
	return fmt.Sprintf("the search ends %.3g m and %.3g rad from the target pose after %d steps; start nearer, or choose a pose within reach and limits",
		e.Distance, e.Angle, e.Steps)
}

// ErrChain is wrapped where a chain, or a solver's limits, cannot be.
var ErrChain = errors.New("kinematics")

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

// checkFinite names the first number of v that is not finite.
func checkFinite(what string, v []float64) error {
	for i, x := range v {
		if !finite(x) {
			return &NotFiniteError{What: what, Index: i, Value: x}
		}
	}
	return nil
}
