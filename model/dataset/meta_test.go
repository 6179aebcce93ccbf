package dataset

import (
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
)

func TestOtherKindIsRefused(t *testing.T) {
	dir := t.TempDir()
	write(t, created(t, dir), 1)
	cases := map[string]func(*Meta){
		"robot":           func(m *Meta) { m.Robot.Model = "sawyer" },
		"task":            func(m *Meta) { m.Task = "light" },
		"jitter":          func(m *Meta) { m.Jitter = "r3m" },
		"cameras":         func(m *Meta) { m.Cameras[0].Width = 9 },
		"control_rate_hz": func(m *Meta) { m.ControlRateHz = 20 },
		"limits":          func(m *Meta) { m.Limits.SpeedScale = 0.6 },
		"source":          func(m *Meta) { m.Source = SourceHandGuided },
		"domain":          func(m *Meta) { m.Domain = "metaworld" },
		"shift":           func(m *Meta) { m.Shift = "dark" },
		"horizon_steps":   func(m *Meta) { m.HorizonSteps = 100 },
		"noise":           func(m *Meta) { m.Noise = 0.1 },
	}
	for key, change := range cases {
		t.Run(key, func(t *testing.T) {
			m := testMeta()
			change(&m)
			_, err := Create(dir, m)
			if !errors.Is(err, ErrOther) || !strings.Contains(err.Error(), key) || strings.Contains(err.Error(), "\n") {
				t.Fatalf("%v", err)
			}
		})
	}
	m := testMeta()
	m.Software, m.Daemon = map[string]string{"mujoco": "3.4.0"}, "0.2.0"
	if _, err := Create(dir, m); err != nil {
		t.Fatalf("newer software: %v", err)
	}
}

func TestMetaIsStrict(t *testing.T) {
	dir := t.TempDir()
	created(t, dir)
	good, err := os.ReadFile(metaPath(dir))
	if err != nil {
		t.Fatal(err)
	}
	cases := map[string]struct{ old, new, want string }{
		"unknown key": {`"task"`, `"tusk"`, `"tusk"`},
		"schema":      {`sim2reald.dataset`, `other`, `"other"`},
		"rate":        {`12.5`, `-1`, "control_rate_hz"},
		"more text":   {"\n}", "\n}{}", "text after"},
		"encoding":    {`"png"`, `"jpeg"`, "cameras[0]"},
		"version":     {`"version": 2`, `"version": 3`, "version 1 to 2"},
		"older":       {`"version": 2`, `"version": 1, "domain": "kitchen"`, "keys of version 2"},
		"source":      {`"task"`, `"source": "a bird", "task"`, `"a bird"`},
		"noise":       {`"task"`, `"noise": 2, "task"`, "noise 2"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			bad := strings.Replace(string(good), c.old, c.new, 1)
			if err := os.WriteFile(metaPath(dir), []byte(bad), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := Open(dir); !errors.Is(err, ErrMeta) || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("%v, want %s", err, c.want)
			}
		})
	}
	if _, err := Open(t.TempDir()); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("no dataset: %v", err)
	}
}

// TestVersion1 opens a dataset of version 1, whose digest stands in bundles that were trained on it, and goes on with it.
func TestVersion1(t *testing.T) {
	const old, digest = "../torch/tests/data/dataset", "sha256:ae24cce8a0620c40eeba3a44fde4908c077154c34577aed347b15de94dac77f4"
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(old)); err != nil {
		t.Fatal(err)
	}
	d, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := d.Digest(); err != nil || got != digest || d.Meta.Version != 1 {
		t.Fatalf("digest %s of version %d, %v; want %s", got, d.Meta.Version, err, digest)
	}
	newer := d.Meta
	newer.Version, newer.Source, newer.Domain, newer.Noise = Version, SourceTeacher, "kitchen", 0.2
	again, err := Create(dir, newer)
	if err != nil || again.Meta.Version != 1 {
		t.Errorf("gone on with as version %d, %v", again.Meta.Version, err)
	}
}

func FuzzMeta(f *testing.F) {
	good, err := json.Marshal(testMeta())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte(`{"schema":1}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := parseMeta(text)
		if err != nil {
			return
		}
		again, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		back, err := parseMeta(again)
		if err != nil || m.sameKind(back) != nil {
			t.Fatalf("accepted %q, but not %q: %v", text, again, err)
		}
	})
}
