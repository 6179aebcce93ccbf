package main

import (
	"errors"
	"fmt"

	"sim2reald/daemon/control"
	"sim2reald/model"
	"sim2reald/model/bundle"
	"sim2reald/model/preprocess"
	"sim2reald/model/serving"
)

// policy is a resident bundle as an actor, and what it must give back.
type policy struct {
	bundle   *bundle.Bundle
	actor    *control.PolicyActor
	predict  *serving.Policy
	resident *serving.Resident
	observer *preprocess.Observer
}

func (p *policy) open(actions *preprocess.Actions, rows int) (err error) {
	m := &p.bundle.Manifest
	if p.observer, err = p.bundle.Observer(); err != nil {
		return err
	}
	if p.predict, err = serving.NewPolicy(p.resident, m.Action.ChunkSize, len(m.Action.Dimensions)); err != nil {
		return err
	}
	if err := p.predict.Verify(); err != nil {
		return fmt.Errorf("bundle %s: %w", m.Name, err)
	}
	p.actor, err = control.NewPolicyActor(p.observer, p.observer.Observation(), p.predict, actions, rows)
	return err
}

// name tells the bundle to a person.
func (p *policy) name() string { return p.bundle.Manifest.Name + " " + p.bundle.Digest() }

// pilot is the policy at the controls of a workcell.
func (p *policy) pilot(w *workcell, baseDigest string) control.Pilot {
	m := &p.bundle.Manifest
	return control.Pilot{
		Actor: p.actor, Limits: w.limitsOf(m), Bundle: p.bundle.Digest(),
		CheckRig: func() error {
			rig := w.rigOf(baseDigest)
			rig.Views = w.views()
			if err := bundle.Check(m, &rig); err != nil {
				return err
			}
			return w.calibrated()
		},
	}
}

// beside is an actor of two policies. Those that look at their pictures alike share the layers before their adapters.
func (p *policy) beside(other *policy) *control.Beside {
	if !p.bundle.LooksLike(other.bundle) {
		return control.NewBeside(p.actor, other.actor, nil)
	}
	both := []*serving.Policy{p.predict, other.predict}
	return control.NewBeside(p.actor, other.actor, func(obs *model.Observation, out []model.ActionChunk) error {
		return serving.Together(both, obs, out)
	})
}

func (p *policy) Close() error {
	errs := []error{p.resident.Close()}
	if p.observer != nil {
		errs = append(errs, p.observer.Close())
	}
	return errors.Join(errs...)
}
