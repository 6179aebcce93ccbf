package control

import (
	"fmt"

	"sim2reald/camera"
	"sim2reald/model"
	"sim2reald/robot"
)

// observer makes observations of frames and state, as model/preprocess does.
type observer interface {
	Observe(frames []*camera.Frame, state *robot.State, obs *model.Observation) error
}

// decoder turns the first rows of a chunk into robot units, for the arm that state measured.
type decoder interface {
	Decode(chunk *model.ActionChunk, state *robot.State, wanted []robot.Command) error
}

// PolicyActor is a policy with what stands before and behind it.
type PolicyActor struct {
	observer observer
	policy   model.Policy
	decoder  decoder
	obs      *model.Observation
	chunk    model.ActionChunk
	rows     int
}

// NewPolicyActor executes the first rows of each chunk; obs is the observer's buffer.
func NewPolicyActor(o observer, obs *model.Observation, p model.Policy, d decoder, rows int) (*PolicyActor, error) {
	if rows < 1 || rows > MaxPlan {
		return nil, fmt.Errorf("a plan has 1 to %d rows, not %d; set n_action_steps of the bundle accordingly", MaxPlan, rows)
	}
	return &PolicyActor{observer: o, policy: p, decoder: d, obs: obs, rows: rows}, nil
}

// Act observes, predicts and decodes.
func (a *PolicyActor) Act(frames []*camera.Frame, state *robot.State, plan *Plan) error {
	if err := a.observe(frames, state); err != nil {
		return err
	}
	if err := a.predict(); err != nil {
		return err
	}
	return a.decode(&a.chunk, state, plan)
}

func (a *PolicyActor) observe(frames []*camera.Frame, state *robot.State) error {
	if err := a.observer.Observe(frames, state, a.obs); err != nil {
		return fmt.Errorf("observing: %w", err)
	}
	return nil
}

func (a *PolicyActor) predict() error {
	if err := a.policy.Predict(a.obs, &a.chunk); err != nil {
		return fmt.Errorf("predicting: %w", err)
	}
	return nil
}

// decode makes a plan of an answer of this policy.
func (a *PolicyActor) decode(chunk *model.ActionChunk, state *robot.State, plan *Plan) error {
	if chunk.Rows < a.rows {
		return fmt.Errorf("predicting: %d rows, the bundle promises %d", chunk.Rows, a.rows)
	}
	if err := a.decoder.Decode(chunk, state, plan.Wanted[:a.rows]); err != nil {
		return err
	}
	plan.Rows = a.rows
	return nil
}
