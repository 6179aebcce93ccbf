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
	Index int // of the action: the last is the gripper
	Value float64
}

func (e *NotFiniteError) Error() string {
	return fmt.Sprintf("%s %d is %v; hold, and check the bundle's weights and the robot's state", e.What, e.Index, e.Value)
}

// maxDim is the longest action: a velocity for each joint, and the gripper.
const maxDim = robot.MaxJoints + 1

// Actions converts between policy units, which are standardised, and robot units.
type Actions struct {
	space Space
	stats Stats
}

// NewActions standardises a space's numbers with stats of as many elements, the last of the gripper.
func NewActions(space Space, stats Stats) (*Actions, error) {
	if err := errors.Join(checkJoints(space.joints), stats.Validate("action", space.Dim())); err != nil {
		return nil, err
	}
	return &Actions{space: space, stats: stats}, nil
}

// Dim is the length of one action.
func (a *Actions) Dim() int { return a.space.Dim() }

// Decode turns the first rows of a chunk into wanted commands, one for each, in rad/s, gripper clamped to 0..1, for
// an arm that state measured. What later rows of a twist meet is where the earlier ones bring the arm. It does
// not limit joint velocities: robot/limit does. Errors wrap ErrChunk, or say which number cannot be, and leave the
// row that they are about, and what follows, untouched.
func (a *Actions) Decode(chunk *model.ActionChunk, state *robot.State, wanted []robot.Command) error {
	d := a.space.Dim()
	if chunk.Dim != d || len(wanted) > chunk.Rows || len(chunk.Data) < chunk.Rows*d {
		return fmt.Errorf("%w: %d rows of %dx%d with %d numbers, want %d wide",
			ErrChunk, len(wanted), chunk.Rows, chunk.Dim, len(chunk.Data), d)
	}
	q := state.Q
	for row := range wanted {
		var values [maxDim]float64
		if err := a.scaled(chunk.Data[row*d:(row+1)*d], values[:d]); err != nil {
			return fmt.Errorf("decoding row %d: %w", row, err)
		}
		cmd, err := a.space.command(values[:d], &q)
		if err != nil {
			return fmt.Errorf("decoding row %d: %w", row, err)
		}
		wanted[row], q = cmd, a.space.moved(&q, &cmd.DQ, a.space.period)
	}
	return nil
}

// scaled brings a row from policy units into those of the space.
func (a *Actions) scaled(row []float32, out []float64) error {
	for i, x := range row {
		v := float64(x)*float64(a.stats.Std[i]) + float64(a.stats.Mean[i])
		if !finite(v) {
			return &NotFiniteError{What: "action", Index: i, Value: v}
		}
		out[i] = v
	}
	return nil
}

// Encode is the inverse of Decode for training labels: it fills row, of Dim elements, for a command to an arm at
// joint positions q, rad.
func (a *Actions) Encode(cmd *robot.Command, q *robot.Vector, row []float32) error {
	var values [maxDim]float64
	if len(row) != a.space.Dim() {
		return fmt.Errorf("%w: row of %d, want %d", ErrChunk, len(row), a.space.Dim())
	}
	if err := a.space.Values(cmd, q, values[:len(row)]); err != nil {
		return err
	}
	for i, v := range values[:len(row)] {
		row[i] = float32((v - float64(a.stats.Mean[i])) / float64(a.stats.Std[i]))
	}
	return nil
}
