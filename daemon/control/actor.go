package control

import (
	"time"

	"sim2reald/camera"
	"sim2reald/robot"
	"sim2reald/robot/upsample"
)

// MaxPlan bounds the rows of a plan, so that it is a value that a tick can copy without allocating.
const MaxPlan = upsample.MaxRows

// Plan is what an actor wants for the coming control steps. Row i is meant for the time Observed plus i
// control periods.
type Plan struct {
	Observed robot.State // the measurement it was made from
	Seen     time.Duration
	Made     time.Duration // when it was ready, loop clock
	Rows     int
	Wanted   [MaxPlan]robot.Command
}

// joins reports whether a plan is of the same scene as the one before: what a policy wanted in another episode, or
// while the arm waited for one, or before time began anew, is nothing to average.
func (p *Plan) joins(before *Plan) bool {
	now, then := &p.Observed, &before.Observed
	return p.Seen >= before.Seen && now.Episode == then.Episode && now.EpisodeNumber == then.EpisodeNumber
}

// Actor turns what is seen into what is wanted: a policy with its pre- and postprocessing, or a teacher. It
// fills plan.Rows and plan.Wanted and is called from one goroutine at a time.
type Actor interface {
	Act(frames []*camera.Frame, state *robot.State, plan *Plan) error
}

// Holder is an actor that never wants to move: the control that shows that a loop which sends nothing scores
// nothing.
type Holder struct{}

// Act wants a hold.
func (Holder) Act(_ []*camera.Frame, _ *robot.State, plan *Plan) error {
	plan.Rows, plan.Wanted[0] = 1, robot.Command{Mode: robot.Hold}
	return nil
}
