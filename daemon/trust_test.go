package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sim2reald/daemon/config"
)

// signedBundle copies the committed bundle into a folder of its own, and signs it.
func signedBundle(t *testing.T) (folder, key, public string) {
	t.Helper()
	folder = t.TempDir()
	data, err := os.ReadFile("model/bundles/kitchen-slide.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "slide.safetensors"), data, 0o600); err != nil {
		t.Fatal(err)
	}
	key = filepath.Join(t.TempDir(), "key")
	said := printed(t, func() error { return cmdBundle(t.Context(), []string{"keygen", "-out", key}) })
	_, public, _ = strings.Cut(said, `["`)
	public, _, _ = strings.Cut(public, `"]`)
	sign(t, folder, key, "3")
	return folder, key, public
}

func sign(t *testing.T, folder, key, release string) {
	t.Helper()
	printed(t, func() error {
		return cmdBundle(t.Context(), []string{"sign", "-key", key, "-release", release, filepath.Join(folder, "slide.safetensors")})
	})
}

// printed is what f writes to the standard output.
func printed(t *testing.T, f func() error) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "out")
	out, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	before := os.Stdout
	os.Stdout = out
	err = f()
	os.Stdout = before
	if err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestTrust: with keys, a bundle is loaded when one of them signed it, and never an older release than before.
func TestTrust(t *testing.T) {
	folder, key, public := signedBundle(t)
	_, _, stranger := signedBundle(t)
	releases := filepath.Join(t.TempDir(), "releases.json")
	load := func(keys ...string) error {
		tr, err := newTrust(config.Policy{TrustedKeys: keys, Releases: releases})
		if err != nil {
			return err
		}
		_, err = tr.loadFrom(folder, "slide.safetensors")
		return err
	}
	for _, step := range []struct {
		name   string
		before func()
		keys   []string
		want   string // part of the refusal; empty for none
	}{
		{"signed", func() {}, []string{stranger, public}, ""},
		{"by a stranger", func() {}, []string{stranger}, "none of policy.trusted_keys"},
		{"no key", func() {}, []string{"ed25519:"}, "policy.trusted_keys[0]: signing key"},
		{"newer", func() { sign(t, folder, key, "9") }, []string{public}, ""},
		{"older", func() { sign(t, folder, key, "8") }, []string{public}, "to go back, sign it as release 10"},
		{"unsigned", func() { _ = os.Remove(filepath.Join(folder, "slide.safetensors.sig")) }, []string{public}, "bundle sign"},
		{"unsigned, and nobody asks", func() {}, nil, ""},
		{"releases that nobody can read", func() { _ = os.WriteFile(releases, []byte("x"), 0o600) }, []string{public}, "policy.releases"},
	} {
		step.before()
		err := load(step.keys...)
		if (err == nil) != (step.want == "") || err != nil && (!strings.Contains(err.Error(), step.want) || strings.Contains(err.Error(), "\n")) {
			t.Errorf("%s: %v, want %q", step.name, err, step.want)
		}
	}
}

// TestVerifySaysWhoSigned, and refuses what the configuration would.
func TestVerifySaysWhoSigned(t *testing.T) {
	folder, _, public := signedBundle(t)
	path := filepath.Join(folder, "slide.safetensors")
	if said := printed(t, func() error { return verifySignature(path, config.Policy{TrustedKeys: []string{public}}) }); !strings.Contains(said, "signed by "+public+" as release 3") {
		t.Error(said)
	}
	if err := verifySignature(path, config.Policy{TrustedKeys: []string{"ed25519:other"}}); err == nil || !strings.Contains(err.Error(), "policy.trusted_keys") {
		t.Errorf("another key: %v", err)
	}
	if err := os.Remove(path + ".sig"); err != nil {
		t.Fatal(err)
	}
	if said := printed(t, func() error { return verifySignature(path, config.Policy{}) }); !strings.Contains(said, "not signed") {
		t.Error(said)
	}
	if err := verifySignature(path, config.Policy{TrustedKeys: []string{public}}); err == nil {
		t.Error("an unsigned bundle was verified for who asks for a signature")
	}
}
