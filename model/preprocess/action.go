package preprocess

import (
	"errors"
	"fmt"

	"sim2reald/model"
	"sim2reald/robot"
)

// ErrChunk is wrapped when an action chunk has not the shape of the bundle.
var ErrChunk = errors.New("action chunk does not fit the bundle")

// NotFiniteError says that a number that should move the arm, or describes it, is NaN or infinite.
type NotFiniteError struct {
	What  string
	Index int // joint, or the joint count for the gripper
	Value float64
}

func (e *NotFiniteError) Error() string {
	return fmt.Sprintf("%s %d is %v; hold, and check the bundle's weights and the robot's state", e.What, e.Index, e.Value)
}

// Actions converts between policy units and robot units. An action is one velocity per joint, base to tip,
// then the gripper, each standardised.
type Actions struct {
	joints int
	stats  Stats
}

// NewActions is for an arm of n joints; stats hold n+1 elements, in rad/s and, last, gripper 0..1.
func NewActions(n int, stats Stats) (*Actions, error) {
	if err := errors.Join(checkJoints(n), stats.Validate("action", n+1)); err != nil {
		return nil, err
	}
	return &Actions{joints: n, stats: stats}, nil
}

// Dim is the length of one action.
func (a *Actions) Dim() int { return a.joints + 1 }

// Decode turns row of chunk into a wanted command, in rad/s, gripper clamped to 0..1. It does not limit
// speeds: robot/limit does. On error (wrapping ErrChunk, or *NotFiniteError) cmd is untouched.
func (a *Actions) Decode(chunk *model.ActionChunk, row int, cmd *robot.Command) error {
	d := a.joints + 1
	if chunk.Dim != d || row < 0 || row >= chunk.Rows || len(chunk.Data) < chunk.Rows*d {
		return fmt.Errorf("%w: row %d of %dx%d with %d numbers, want %d wide",
			ErrChunk, row, chunk.Rows, chunk.Dim, len(chunk.Data), d)
	}
	out := robot.Command{Mode: robot.Velocity}
	for j, x := range chunk.Data[row*d : (row+1)*d] {
		v := float64(x)*float64(a.stats.Std[j]) + float64(a.stats.Mean[j])
		switch {
		case !finite(v):
			return &NotFiniteError{What: "action", Index: j, Value: v}
		case j < a.joints:
			out.DQ[j] = v
		default:
			out.Gripper = min(max(v, 0), 1)
		}
	}
	*cmd = out
	return nil
}

// Encode is the inverse of Decode for training labels: it fills row, of Dim elements.
func (a *Actions) Encode(cmd *robot.Command, row []float32) error {
	if len(row) != a.joints+1 {
		return fmt.Errorf("%w: row of %d, want %d", ErrChunk, len(row), a.joints+1)
	}
	for j := range row {
		v := cmd.Gripper
		if j < a.joints {
			v = cmd.DQ[j]
		}
		if !finite(v) {
			return &NotFiniteError{What: "label", Index: j, Value: v}
		}
		row[j] = float32((v - float64(a.stats.Mean[j])) / float64(a.stats.Std[j]))
	}
	return nil
}
