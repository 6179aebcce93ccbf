package main

import (
	"context"
	"errors"
	"fmt"

	"sim2reald/daemon/control"
	"sim2reald/model"
	"sim2reald/model/adapter"
	"sim2reald/model/preprocess"
)

// runControls runs what the bundle's result must be held against, in the same loop on the same seeds.
func (e *evaluator) runControls(ctx context.Context) error {
	for _, run := range []func(context.Context) error{e.runUntrained, e.runBlind} {
		if ctx.Err() != nil {
			return nil
		}
		if err := run(ctx); err != nil {
			return err
		}
	}
	return nil
}

// runUntrained replaces head and adapters by ones that know nothing of the demonstrations, neither their
// pictures nor their actions: an untrained adapter leaves the base as it is.
func (e *evaluator) runUntrained(ctx context.Context) error {
	const seed = 1
	actions, err := e.brain.untrainedActions()
	if err != nil {
		return err
	}
	network, err := e.brain.bundle.Manifest.Network()
	if err != nil {
		return err
	}
	untrained, err := network.Init(adapter.Start{Seed: seed})
	if err != nil {
		return err
	}
	p, err := e.brain.policy(untrained, actions)
	if err != nil {
		return err
	}
	what := fmt.Sprintf("an untrained head on the same base, seed %d, actions of a third of the speed limits", seed)
	return errors.Join(e.runControl(ctx, "untrained", what, p.actor), p.Close())
}

// untrainedActions scale a head's answers without any knowledge of what was demonstrated.
func (b *brain) untrainedActions() (*preprocess.Actions, error) {
	n := len(b.bundle.Manifest.Robot.JointNames)
	limits := b.bundle.Manifest.Limits.Robot()
	stats := preprocess.Stats{Mean: make([]float32, n+1), Std: make([]float32, n+1)}
	for j := range n {
		stats.Std[j] = float32(limits.DQMax[j] / 3)
	}
	stats.Std[n] = 1
	return preprocess.NewActions(n, stats)
}

// runBlind always answers the mean of the demonstrations' actions. What it reaches, a policy reaches without
// looking.
func (e *evaluator) runBlind(ctx context.Context) error {
	b := e.brain.bundle
	actions, err := b.Actions()
	if err != nil {
		return err
	}
	observer, err := b.Observer()
	if err != nil {
		return err
	}
	defer observer.Close()
	blind := mean{rows: b.Manifest.Action.ChunkSize, dim: len(b.Manifest.Action.Dimensions)}
	actor, err := control.NewPolicyActor(observer, observer.Observation(), blind, actions, b.Manifest.Action.NActionSteps)
	if err != nil {
		return err
	}
	return e.runControl(ctx, "blind", "the mean action of the demonstrations, whatever is seen", actor)
}

// mean is a policy whose normalised answer is always zero.
type mean struct{ rows, dim int }

// Predict answers zeros.
func (m mean) Predict(_ *model.Observation, out *model.ActionChunk) error {
	if len(out.Data) != m.rows*m.dim {
		out.Data = make([]float32, m.rows*m.dim)
	}
	out.Rows, out.Dim = m.rows, m.dim
	return nil
}

func (e *evaluator) runControl(ctx context.Context, name, what string, actor control.Actor) error {
	l := e.w.newLoop(e.controlPilot(actor))
	return e.runArm(ctx, name, what, l, int(e.flags.control))
}

// controlPilot is under the same limits as the bundle.
func (e *evaluator) controlPilot(actor control.Actor) control.Pilot {
	return control.Pilot{Actor: actor, Limits: e.brain.bundle.Manifest.Limits.Robot(), Bundle: "none: a control"}
}

// runHolder evaluates a policy that sends nothing but holds, in the bundle's place.
func (e *evaluator) runHolder(ctx context.Context) error {
	l := e.w.newLoop(e.controlPilot(control.Holder{}))
	return e.runArm(ctx, "hold", "a policy that sends nothing but holds", l, int(e.flags.episodes))
}
