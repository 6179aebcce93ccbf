package main

import (
	"errors"
	"fmt"

	"sim2reald/daemon/config"
	"sim2reald/model"
	"sim2reald/model/adapter"
	"sim2reald/model/base"
	"sim2reald/model/bundle"
	"sim2reald/model/engine"
	"sim2reald/model/preprocess"
	"sim2reald/model/safetensors"
	"sim2reald/model/serving"
)

// brain is what decides: one base on an engine, with room for every bundle of the configuration. Files and
// weights are checked when it is opened, before anything else is started, so that a bad one costs no time.
type brain struct {
	cfg     config.Config
	base    *base.Base
	trust   trust
	bundle  *bundle.Bundle   // of policy.bundle
	others  []*bundle.Bundle // of policy.resident
	library *library
	lent    bool // the library is another's to close
	serving *serving.Base
}

func openBrain(cfg config.Config) (*brain, error) {
	b := &brain{cfg: cfg, library: new(library)}
	return b, b.opened()
}

// openBrainIn opens one beside others in a library that they share, which is closed after all of them.
func openBrainIn(l *library, cfg config.Config) (*brain, error) {
	b := &brain{cfg: cfg, library: l, lent: true}
	return b, b.opened()
}

// opened opens it, or lets go of what was opened.
func (b *brain) opened() error {
	if err := b.open(); err != nil {
		return errors.Join(err, b.Close())
	}
	return nil
}

func (b *brain) open() error {
	if err := b.openFiles(); err != nil {
		return err
	}
	return b.openServing()
}

// openFiles reads everything and holds it against each other, which takes no engine.
func (b *brain) openFiles() (err error) {
	if b.trust, err = newTrust(b.cfg.Policy); err != nil {
		return err
	}
	if b.bundle, err = b.trust.load(b.cfg.Policy.Bundle); err != nil {
		return err
	}
	if b.base, err = base.Open(b.cfg.Policy.Base); err != nil {
		return err
	}
	if err := b.sameBase(); err != nil {
		return err
	}
	if err := allowed(b.bundle, b.cfg.Policy); err != nil {
		return err
	}
	if _, err := b.rows(&b.bundle.Manifest); err != nil {
		return err
	}
	return b.openOthers()
}

func (b *brain) openServing() error {
	network, err := b.network()
	if err != nil {
		return err
	}
	g, err := network.Graph()
	if err != nil {
		return err
	}
	weights, err := b.weights(network)
	if err != nil {
		return err
	}
	e, whole, err := b.engine()
	if err != nil {
		return err
	}
	if b.serving, err = serving.Open(e, g, weights, serving.Options{Whole: whole}); err != nil {
		return err
	}
	b.base = withoutWeights(b.base)
	return nil
}

// isFull says whether a bundle replaces the base.
func isFull(b *bundle.Bundle) bool { return b.Manifest.Kind == bundle.KindFull }

// allowed refuses a bundle that replaces the base, unless the configuration says that it may.
func allowed(b *bundle.Bundle, p config.Policy) error {
	if !isFull(b) || p.AllowFull {
		return nil
	}
	return fmt.Errorf("bundle %s is of kind full: it replaces every weight of the base; set policy.allow_full: true to run it by itself all the same",
		b.Manifest.Name)
}

// weights are what the network computes with: the base's, or those that a full bundle has in their place.
func (b *brain) weights(n adapter.Network) (map[string]safetensors.Tensor, error) {
	if isFull(b.bundle) {
		return b.bundle.Backbone(), nil
	}
	return b.base.Arch.Values(b.base.File, n.Height, n.Width)
}

// served is the network of a bundle as the base runs it.
func served(b *bundle.Bundle) (adapter.Network, error) {
	n, err := b.Manifest.Network()
	return n.Served(), err
}

// alone refuses to keep a bundle beside another where one of the two replaces the base.
func (b *brain) alone(other *bundle.Bundle) error {
	for _, of := range []*bundle.Bundle{b.bundle, other} {
		if isFull(of) && other != b.bundle {
			return fmt.Errorf("bundle %s is of kind full and has a base of its own: it runs by itself; leave the others out of policy.resident, or stop and run it alone",
				of.Manifest.Name)
		}
	}
	return nil
}

// withoutWeights lets go of what the engine now has: the base is in memory once.
func withoutWeights(b *base.Base) *base.Base {
	bare := *b
	bare.File = nil
	return &bare
}

// openOthers loads the bundles that are kept beside the first.
func (b *brain) openOthers() error {
	for _, path := range b.cfg.Policy.Resident {
		other, err := b.trust.load(path)
		if err != nil {
			return err
		}
		_, err = b.rows(&other.Manifest)
		if err := errors.Join(fitsBase(other, b.base), b.alone(other), err); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		b.others = append(b.others, other)
	}
	return nil
}

// network is the first bundle's, with a place for every adapter of the others.
func (b *brain) network() (adapter.Network, error) {
	network, err := served(b.bundle)
	if err != nil {
		return network, err
	}
	placements := []adapter.Placement{network.Adapters}
	for _, other := range b.others {
		n, err := served(other)
		if err != nil {
			return network, err
		}
		placements = append(placements, n.Adapters)
	}
	network.Adapters, err = serving.Union(placements...)
	return network, err
}

// describe says what really computes.
func (b *brain) describe() model.Description {
	d := b.serving.Describe()
	if b.cfg.Engine.Device == engine.Auto && d.Fallback == "" {
		d.Fallback = "auto took the " + d.Device + ": " + d.Engine + " computes nowhere else"
	}
	return d
}

// sameBase is the first of the checks against the rig, made before weights are loaded into an engine.
func (b *brain) sameBase() error { return fitsBase(b.bundle, b.base) }

func fitsBase(b *bundle.Bundle, on *base.Base) error {
	m := &b.Manifest
	if m.Base.Digest == on.Identity() {
		return nil
	}
	return &bundle.MismatchError{
		Key: "base.digest", Bundle: m.Base.Digest, Rig: on.Identity(),
		Remedy: "set policy.base to the file of " + m.Base.Name + ", or train a bundle for this base",
	}
}

// policy makes an actor of the first bundle with the given parameters and scale of its answers: the bundle's
// own, or untrained ones.
func (b *brain) policy(params map[string]safetensors.Tensor, actions *preprocess.Actions) (*policy, error) {
	return b.policyOf(b.bundle, params, actions)
}

// load makes a bundle resident and asks it about fixed observations: what it returns may take over.
func (b *brain) load(from *bundle.Bundle) (*policy, error) {
	if err := b.alone(from); err != nil {
		return nil, err
	}
	actions, err := from.Actions()
	if err != nil {
		return nil, err
	}
	return b.policyOf(from, from.Params(), actions)
}

func (b *brain) policyOf(from *bundle.Bundle, params map[string]safetensors.Tensor, actions *preprocess.Actions) (*policy, error) {
	network, err := served(from)
	if err != nil {
		return nil, err
	}
	g, err := network.Graph()
	if err != nil {
		return nil, err
	}
	rows, err := b.rows(&from.Manifest)
	if err != nil {
		return nil, err
	}
	p := &policy{bundle: from}
	if p.resident, err = b.serving.Add(g, params); err != nil {
		return nil, err
	}
	if err := p.open(actions, rows); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

// Close lets the engine go, after every policy.
func (b *brain) Close() error {
	var errs []error
	if b.serving != nil {
		errs = append(errs, b.serving.Close())
	}
	if !b.lent {
		errs = append(errs, b.library.Close())
	}
	return errors.Join(errs...)
}
