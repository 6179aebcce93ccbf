package main

import (
	"errors"
	"fmt"

	"sim2reald/daemon/control"
	"sim2reald/model"
	"sim2reald/model/adapter"
	"sim2reald/model/preprocess"
)

// enterBundle puts the brain's bundle at the controls, once it fits the rig.
func enterBundle(b *brain, w *workcell) (*entrant, error) {
	p, l, err := b.bundleLoop(w)
	if err != nil {
		return nil, err
	}
	return &entrant{policy: p.name(), plans: b.plans(&p.bundle.Manifest), loop: l, close: p.Close}, nil
}

// enterUntrained replaces head and adapters by ones that know nothing of the demonstrations, neither their
// pictures nor their actions: an untrained adapter leaves the base as it is.
func enterUntrained(b *brain, w *workcell) (*entrant, error) {
	const seed = 1
	actions, err := b.untrainedActions()
	if err != nil {
		return nil, err
	}
	network, err := served(b.bundle)
	if err != nil {
		return nil, err
	}
	untrained, err := network.Init(adapter.Start{Seed: seed})
	if err != nil {
		return nil, err
	}
	p, err := b.policy(untrained, actions)
	if err != nil {
		return nil, err
	}
	what := fmt.Sprintf("an untrained head on the same base, seed %d, actions of a third of the speed limits", seed)
	return b.control(w, what, p.actor, p.Close)
}

// untrainedActions scale a head's answers without any knowledge of what was demonstrated.
func (b *brain) untrainedActions() (*preprocess.Actions, error) {
	space, err := b.bundle.Manifest.Space()
	if err != nil {
		return nil, err
	}
	dq := b.bundle.Manifest.Limits.Robot().DQMax
	for j := range dq {
		dq[j] /= 3
	}
	deviations, err := space.Deviations(&dq)
	if err != nil {
		return nil, err
	}
	stats := preprocess.Stats{Mean: make([]float32, space.Dim())}
	for _, d := range append(deviations, 1) { // the gripper's last
		stats.Std = append(stats.Std, float32(d))
	}
	return preprocess.NewActions(space, stats)
}

// enterBlind always answers the mean of the demonstrations' actions. What it reaches, a policy reaches without
// looking.
func enterBlind(b *brain, w *workcell) (*entrant, error) {
	m := &b.bundle.Manifest
	actions, err := b.bundle.Actions()
	if err != nil {
		return nil, err
	}
	observer, err := b.bundle.Observer()
	if err != nil {
		return nil, err
	}
	blind := mean{rows: m.Action.ChunkSize, dim: len(m.Action.Dimensions)}
	rows, err := b.rows(m)
	if err != nil {
		return nil, errors.Join(err, observer.Close())
	}
	actor, err := control.NewPolicyActor(observer, observer.Observation(), blind, actions, rows)
	if err != nil {
		return nil, errors.Join(err, observer.Close())
	}
	return b.control(w, "the mean action of the demonstrations, whatever is seen", actor, observer.Close)
}

// enterHolder puts a policy that sends nothing but holds in the bundle's place.
func enterHolder(b *brain, w *workcell) (*entrant, error) {
	return b.control(w, "a policy that sends nothing but holds", control.Holder{}, func() error { return nil })
}

// control puts an actor at the controls under the same limits as the bundle, or lets go of it.
func (b *brain) control(w *workcell, what string, actor control.Actor, let func() error) (*entrant, error) {
	l, err := w.newLoop(control.Pilot{Actor: actor, Limits: w.limitsOf(&b.bundle.Manifest), Bundle: "none: a control", CheckRig: w.calibrated})
	if err != nil {
		return nil, errors.Join(err, let())
	}
	return &entrant{policy: what, plans: b.plans(&b.bundle.Manifest), loop: l, close: let}, nil
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
