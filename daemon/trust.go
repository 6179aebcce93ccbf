package main

import (
	"crypto/ed25519"
	"fmt"
	"path/filepath"

	"sim2reald/daemon/config"
	"sim2reald/model/bundle"
)

// trust says which bundle files may reach the controls: with keys, those that one of them has signed, and none older than
// what was trusted before; without, any that is whole. Its zero value has none.
type trust struct {
	keys     []ed25519.PublicKey
	releases *bundle.Releases
}

func newTrust(p config.Policy) (trust, error) {
	var t trust
	for i, text := range p.TrustedKeys {
		key, err := bundle.ParseKey(text)
		if err != nil {
			return t, fmt.Errorf("policy.trusted_keys[%d]: %w", i, err)
		}
		t.keys = append(t.keys, key)
	}
	if len(t.keys) == 0 {
		return t, nil
	}
	var err error
	t.releases, err = bundle.OpenReleases(p.Releases)
	return t, err
}

// load reads a bundle that may be trusted.
func (t *trust) load(path string) (*bundle.Bundle, error) {
	if len(t.keys) == 0 {
		return bundle.Load(path)
	}
	b, release, err := bundle.LoadSigned(path, t.keys)
	if err != nil {
		return nil, err
	}
	if err := t.releases.Admit(b.Manifest.Name, release); err != nil {
		return nil, fmt.Errorf("loading bundle %s: %w", path, err)
	}
	return b, nil
}

// loadFrom loads a bundle that an operator names: a file of policy.folder, and of no other.
func (t *trust) loadFrom(folder, name string) (*bundle.Bundle, error) {
	if !filepath.IsLocal(name) {
		return nil, fmt.Errorf("bundle %q: name a file of policy.folder, %s", name, folder)
	}
	return t.load(filepath.Join(folder, name))
}
