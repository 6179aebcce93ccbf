package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"sim2reald/daemon/control"
	"sim2reald/daemon/topic"
	"sim2reald/model/bundle"
)

// shelf holds the bundles of a service: the one at the controls, the one before it, the staged one, and those
// that are kept ready. Requests are done one at a time; whatever fails leaves everything as it was.
type shelf struct {
	brain *brain
	w     *workcell
	loop  *loop

	mu                     sync.Mutex
	active, staged, before *policy         // the last two may be nil
	shadow                 *control.Beside // of active and staged; nil while nothing is staged
	kept                   []*policy
}

// newShelf puts the configuration's bundles into memory and the first at the controls.
func newShelf(b *brain, w *workcell) (*shelf, error) {
	s := &shelf{brain: b, w: w}
	for _, from := range append([]*bundle.Bundle{b.bundle}, b.others...) {
		p, err := s.load(from)
		if err != nil {
			return nil, errors.Join(err, s.Close())
		}
		s.kept = append(s.kept, p)
	}
	s.active = s.kept[0]
	var err error
	if s.loop, err = w.newLoop(s.active.pilot(w, b.base.Identity())); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// load checks a bundle against base and rig before its weights go into the engine.
func (s *shelf) load(from *bundle.Bundle) (*policy, error) {
	if err := fitsBase(from, s.brain.base); err != nil {
		return nil, err
	}
	rig := s.w.rigOf(s.brain.base.Identity())
	if err := bundle.Check(&from.Manifest, &rig); err != nil {
		return nil, err
	}
	s.w.tellSight(&from.Manifest)
	return s.brain.load(from)
}

// ask does a request about bundles. What it did is an event.
func (s *shelf) ask(r topic.Request) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := topic.Event{Before: s.active.name()}
	var err error
	switch r.Kind {
	case kindStage:
		e.Kind = "bundle_staged"
		e.Bundle, err = s.stage(r.Bundle)
	case kindCommit:
		e.Kind = "bundle_committed"
		e.Bundle, err = s.commit(r.Bundle)
	case kindRollback:
		e.Kind = "bundle_rolled_back"
		e.Bundle, err = s.rollback()
	}
	if err != nil {
		return fmt.Errorf("%s: %w", r.Kind, err)
	}
	s.w.log.Info(e.Kind, "bundle", e.Bundle, "before", e.Before)
	s.w.link.Event(e)
	return nil
}

// The kinds of requests that are the shelf's.
const (
	kindStage    = "stage"
	kindCommit   = "commit"
	kindRollback = "rollback"
)

func ofShelf(kind string) bool {
	return slices.Contains([]string{kindStage, kindCommit, kindRollback}, kind)
}

// stage loads a bundle and verifies it beside the one at the controls, which goes on meanwhile. One that is in
// memory already is taken from there.
func (s *shelf) stage(name string) (string, error) {
	if name == "" {
		return "", fmt.Errorf("name a file of policy.folder, %s", s.brain.cfg.Policy.Folder)
	}
	from, err := s.brain.trust.loadFrom(s.brain.cfg.Policy.Folder, name)
	if err != nil {
		return "", err
	}
	p := s.inMemory(from.Digest())
	if p == nil {
		if p, err = s.load(from); err != nil {
			return "", err
		}
	}
	old := s.staged
	s.staged = p
	s.shadows()
	return p.name(), s.letGo(old)
}

func (s *shelf) inMemory(digest string) *policy {
	for _, p := range append([]*policy{s.active, s.before, s.staged}, s.kept...) {
		if p != nil && p.bundle.Digest() == digest {
			return p
		}
	}
	return nil
}

// commit puts the staged bundle at the controls; digest may be empty, or the beginning of the one meant.
func (s *shelf) commit(digest string) (string, error) {
	if s.staged == nil {
		return "", errors.New("nothing is staged; stage a bundle first")
	}
	if got := s.staged.bundle.Digest(); !strings.HasPrefix(got, digest) {
		return "", fmt.Errorf("bundle %s is staged, not %s; stage the one meant", got, digest)
	}
	if err := s.swap(s.staged); err != nil {
		return "", err
	}
	old := s.before
	s.before, s.active, s.staged = s.active, s.staged, nil
	s.shadows()
	return s.active.name(), s.letGo(old)
}

// rollback puts the bundle before at the controls again; done twice, it changes nothing.
func (s *shelf) rollback() (string, error) {
	if s.before == nil {
		return "", errors.New("there was no bundle before this one")
	}
	if err := s.swap(s.before); err != nil {
		return "", err
	}
	s.before, s.active = s.active, s.before
	s.shadows()
	return s.active.name(), nil
}

func (s *shelf) swap(p *policy) error { return s.loop.Swap(p.pilot(s.w, s.brain.base.Identity())) }

// shadows has the staged bundle asked beside the one at the controls while the daemon shadows.
func (s *shelf) shadows() {
	if s.staged == nil {
		s.shadow = nil
		s.loop.Beside(nil)
		return
	}
	s.shadow = s.active.beside(s.staged)
	s.loop.Beside(s.shadow)
}

// letGo closes a policy that nobody can ask for any more.
func (s *shelf) letGo(p *policy) error {
	if p == nil || p == s.active || p == s.before || p == s.staged || slices.Contains(s.kept, p) {
		return nil
	}
	return p.Close()
}

// atControls is the bundle that decides.
func (s *shelf) atControls() *bundle.Bundle {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.active.bundle
}

// tell says which bundle is at the controls, how it is followed, and which is staged.
func (s *shelf) tell(to *topic.Status) {
	s.mu.Lock()
	defer s.mu.Unlock()
	to.Bundle, to.Plans = s.active.name(), s.brain.plans(&s.active.bundle.Manifest)
	if s.staged != nil {
		to.Staged, to.Shadow = s.staged.name(), s.shadowStatus(s.shadow.Difference())
	}
}

// shadowStatus is nil before both were asked anything.
func (s *shelf) shadowStatus(d control.Difference) *topic.ShadowStatus {
	if d.Answers+d.Failures == 0 {
		return nil
	}
	n := s.w.model.N()
	out := &topic.ShadowStatus{Answers: d.Answers, Mean: d.Mean[:n], Worst: d.Worst[:n], Gripper: d.Gripper, Failures: d.Failures}
	if d.LastError != nil {
		out.Error = d.LastError.Error()
	}
	return out
}

// Close lets every bundle go, after the loop has ended.
func (s *shelf) Close() error {
	all := append([]*policy{s.active, s.before, s.staged}, s.kept...)
	var errs []error
	for i, p := range all {
		if p != nil && !slices.Contains(all[:i], p) {
			errs = append(errs, p.Close())
		}
	}
	return errors.Join(errs...)
}
