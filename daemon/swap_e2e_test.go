package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"sim2reald/daemon/config"
	"sim2reald/daemon/topic"
	"sim2reald/model/adapter"
	"sim2reald/model/base"
	"sim2reald/model/bundle"
)

// fillFolder writes bundles that may take over, and ones that must not.
func fillFolder(t *testing.T, cfg config.Config, dir string) {
	t.Helper()
	good := untrainedBundle(t, cfg, func(m *bundle.Manifest) { m.Name = "second" })
	for name, path := range map[string]string{
		"second.safetensors":  good,
		"flipped.safetensors": spoiledCopy(t, good, 20_000),
		"nan.safetensors":     withNaN(t, good),
		"foreign.safetensors": untrainedBundle(t, cfg, func(m *bundle.Manifest) { m.Base.Digest = "sha256:" + strings.Repeat("ab", 32) }),
		"joints.safetensors": untrainedBundle(t, cfg, func(m *bundle.Manifest) {
			m.Robot.JointNames = []string{"right_j0", "right_j1", "right_j2", "right_j3", "right_j4", "right_j5", "right_j6"}
			m.Action.Dimensions = bundle.Dimensions(m.Robot.JointNames)
		}),
		"adapted.safetensors": untrainedBundle(t, cfg, func(m *bundle.Manifest) {
			m.Adapters.Placement, m.Adapters.Middle = "middle,top", &adapter.Middle{Width: 8}
			m.SetVersion()
		}),
	} {
		if err := os.Link(path, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
}

// TestSwap changes the bundle of a service over MQTT: while the arm moves it is staged and not committed, while
// it holds it is committed and rolled back, and whatever is wrong with a bundle leaves the old one at work.
func TestSwap(t *testing.T) {
	folder := t.TempDir()
	s := newService(t, fmt.Sprintf("policy: {folder: %q}", folder))
	fillFolder(t, s.cfg, folder)
	s.awaitMode("disarmed", 60*time.Second)
	s.move("swap")
	first := s.newestStatus().msg.Bundle
	for file, want := range map[string]string{
		"flipped.safetensors":   "bundle is damaged",
		"nan.safetensors":       "bundle",
		"foreign.safetensors":   "base.digest",
		"joints.safetensors":    "robot.joint_names",
		"adapted.safetensors":   "policy.resident",
		"nowhere.safetensors":   "no such file",
		"../second.safetensors": "policy.folder",
		"":                      "policy.folder",
	} {
		r := s.asks(topic.Request{Kind: "stage", Bundle: file})
		if r.Done || !strings.Contains(r.Error, want) || strings.Contains(r.Error, "\n") {
			t.Errorf("stage %q: %+v, want %q in one line", file, r, want)
		}
	}
	if r := s.request("commit", 0); r.Done || !strings.Contains(r.Error, "nothing is staged") {
		t.Errorf("commit of nothing: %+v", r)
	}
	second := s.stages(t)
	s.shadowsBoth(t)
	s.commits(t, first, second)
	s.rollsBack(t, first)
	// Opening hashes the file and its tensors, and holds both to the record.
	if _, err := base.Open(s.cfg.Policy.Base); err != nil {
		t.Errorf("the base after the swaps: %v", err)
	}
}

// stages stages the good bundle while the old one works on.
func (s *service) stages(t *testing.T) (name string) {
	if r := s.asks(topic.Request{Kind: "stage", Bundle: "second.safetensors"}); !r.Done {
		t.Fatalf("stage: %+v", r)
	}
	eventually(t, 5*time.Second, "a staged bundle in the status", func() bool {
		name = s.newestStatus().msg.Staged
		return strings.HasPrefix(name, "second sha256:")
	})
	return name
}

// shadowsBoth asks the staged bundle beside the first about the same pictures, while nothing but holds is sent.
func (s *service) shadowsBoth(t *testing.T) {
	at := s.intoShadow(t)
	var d topic.ShadowStatus
	eventually(t, 20*time.Second, "answers of both bundles", func() bool {
		if got := s.newestStatus().msg.Shadow; got != nil {
			d = *got
		}
		return d.Answers >= 5
	})
	if d.Failures != 0 || len(d.Mean) != 7 || slices.Max(d.Mean) <= 0 || slices.Max(d.Worst) < slices.Max(d.Mean) {
		t.Errorf("a trained bundle beside an untrained one: %+v", d)
	}
	s.onlyHolds(at, 0, "armed", "shadow")
	s.request("stop", 0)
}

func (s *service) commits(t *testing.T, first, second string) {
	s.move("swap again") // an episode may have ended meanwhile
	if r := s.request("commit", 0); r.Done || !strings.Contains(r.Error, "hold or stop it") {
		t.Errorf("commit in motion: %+v", r)
	}
	if r := s.request("hold", 0); !r.Done {
		t.Fatalf("hold: %+v", r)
	}
	if r := s.asks(topic.Request{Kind: "commit", Bundle: "sha256:00"}); r.Done || !strings.Contains(r.Error, "is staged, not sha256:00") {
		t.Errorf("commit of another digest: %+v", r)
	}
	at := time.Now()
	if r := s.request("commit", 0); !r.Done || r.Mode != "holding" {
		t.Fatalf("commit: %+v", r)
	}
	s.takesOver(t, second, at)
	eventually(t, 5*time.Second, "the event", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, e := range s.events {
			if e.Kind == "bundle_committed" && e.Bundle == second && e.Before == first {
				return true
			}
		}
		return false
	})
}

// takesOver wants a bundle in the status, and nothing but holds of it on the wire.
func (s *service) takesOver(t *testing.T, name string, at time.Time) {
	t.Helper()
	_, digest, _ := strings.Cut(name, " ")
	eventually(t, 5*time.Second, "the bundle in the status", func() bool { return s.newestStatus().msg.Bundle == name })
	eventually(t, 5*time.Second, "its first command", func() bool {
		sent := s.commandsSince(at)
		return len(sent) > 0 && sent[len(sent)-1].msg.Bundle == digest
	})
	s.onlyHolds(at, 0, "holding")
}

func (s *service) rollsBack(t *testing.T, first string) {
	at := time.Now()
	if r := s.request("rollback", 0); !r.Done || r.Mode != "holding" {
		t.Fatalf("rollback: %+v", r)
	}
	s.takesOver(t, first, at)
	eventually(t, 20*time.Second, "the first bundle in motion again", func() bool {
		r := s.request("start", 0)
		return r.Done && r.Mode == "running"
	})
}

// TestRequestNamesFilesInTheFolder: a person names a bundle as it lies on disk, the daemon within its folder.
func TestRequestNamesFilesInTheFolder(t *testing.T) {
	for file, want := range map[string]string{
		"model/bundles/a.safetensors": "a.safetensors", "a.safetensors": "a.safetensors", "/etc/a": "/etc/a",
	} {
		if got := inFolder("model/bundles", file); got != want {
			t.Errorf("%s becomes %s, want %s", file, got, want)
		}
	}
	if _, err := new(trust).loadFrom("model/bundles", "/etc/a"); err == nil || errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file elsewhere: %v", err)
	}
}
