// Package dataset is a folder of demonstrations: what the collector records and training reads.
//
// What belongs here: the folder's files, their checks and the digest over them, and what the columns of a LeRobot dataset
// mean to an arm. What does not: how demonstrations are made (the collector), decoded into pictures (camera/encoded) or
// learned (model/train), and LeRobot's files themselves (dataset/lerobot).
//
// The folder holds dataset.json, which says whose demonstrations these are, and one safetensors file per
// episode, episodes/seed-00020000.safetensors. Every file appears whole or not at all, so that a collection
// that was cut off goes on where it stopped. Numbers are float64 and pictures lossless: this form is what training
// reads. Export writes it in LeRobot's layout for others, and Open reads that layout too, whoever recorded it.
package dataset

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"

	"sim2reald/model/bundle"
)

// Fixed values of dataset.json in this version.
const (
	Schema  = "sim2reald.dataset"
	Version = 2 // 1 did not say domain, shift, horizon, source and noise
)

// Sources say who showed what to do.
const (
	SourceTeacher       = "teacher"       // the bridge's scripted expert
	SourceHandGuided    = "hand-guided"   // a person's hand on the arm
	SourceTeleoperation = "teleoperation" // a person, by means of another program
	SourceLeRobot       = "lerobot"       // recorded elsewhere
)

// Every refusal of this package wraps one of these.
var (
	ErrMeta    = errors.New("dataset.json")
	ErrOther   = errors.New("dataset is of another kind")
	ErrEpisode = errors.New("episode")
	ErrCorrupt = errors.New("episode file is damaged")
)

// Meta says what all episodes of a dataset have in common.
type Meta struct {
	Schema        string            `json:"schema"`
	Version       int               `json:"version"`
	Robot         bundle.Robot      `json:"robot"`
	Cameras       []Camera          `json:"cameras"` // in the order of Step.Pictures
	ControlRateHz float64           `json:"control_rate_hz"`
	Source        string            `json:"source,omitempty"` // absent in version 1
	Domain        string            `json:"domain,omitempty"` // of the simulator; absent for a real arm
	Task          string            `json:"task"`
	Jitter        string            `json:"jitter"`
	Shift         string            `json:"shift,omitempty"`         // of the simulator's looks and ways; absent is none
	HorizonSteps  int               `json:"horizon_steps,omitempty"` // after which an episode was cut off
	Noise         float64           `json:"noise,omitempty"`         // on the commands, as a part of each joint's limit
	Limits        bundle.Limits     `json:"limits"`                  // that the demonstrations were limited by
	Software      map[string]string `json:"software"`                // of the bridge, as it says in its factsheet
	Daemon        string            `json:"daemon"`                  // version of the collector
}

// Camera is a camera as the bridge offers it.
type Camera struct {
	Name     string `json:"name"`
	Width    int    `json:"width"`  // px
	Height   int    `json:"height"` // px
	Encoding string `json:"encoding"`
	Colour   string `json:"colour"`
}

// Validate says what is wrong, naming the key.
func (m *Meta) Validate() error {
	if m.Schema != Schema || m.Version < 1 || m.Version > Version {
		return fmt.Errorf("%w: schema %q version %d, want %q version 1 to %d", ErrMeta, m.Schema, m.Version, Schema, Version)
	}
	if err := m.validateOrigin(); err != nil {
		return err
	}
	if err := m.Robot.Validate(); err != nil {
		return fmt.Errorf("%w: %w", ErrMeta, err)
	}
	if err := m.Limits.Validate(len(m.Robot.JointNames)); err != nil {
		return fmt.Errorf("%w: %w", ErrMeta, err)
	}
	if m.Task == "" || m.Jitter == "" {
		return fmt.Errorf("%w: task %q or jitter %q is empty", ErrMeta, m.Task, m.Jitter)
	}
	if r := m.ControlRateHz; math.IsNaN(r) || r <= 0 || r > 1000 {
		return fmt.Errorf("%w: control_rate_hz: %g, want above 0 and at most 1000", ErrMeta, r)
	}
	return m.validateCameras()
}

// validateOrigin checks what version 2 added. An absent source is a teacher's.
func (m *Meta) validateOrigin() error {
	if m.Version == 1 && m.origin() != (origin{}) {
		return fmt.Errorf("%w: version 1 with the keys of version 2: %+v", ErrMeta, m.origin())
	}
	if !slices.Contains([]string{"", SourceTeacher, SourceHandGuided, SourceTeleoperation, SourceLeRobot}, m.Source) {
		return fmt.Errorf("%w: source: %q is unknown", ErrMeta, m.Source)
	}
	if math.IsNaN(m.Noise) || m.Noise < 0 || m.Noise > 1 || m.HorizonSteps < 0 {
		return fmt.Errorf("%w: noise %g and horizon_steps %d; want 0 to 1, and 0 or more", ErrMeta, m.Noise, m.HorizonSteps)
	}
	return nil
}

// origin is what version 2 says beyond version 1.
type origin struct {
	source, domain, shift string
	horizon               int
	noise                 float64
}

func (m *Meta) origin() origin {
	return origin{m.Source, m.Domain, m.Shift, m.HorizonSteps, m.Noise}
}

func (m *Meta) validateCameras() error {
	if len(m.Cameras) == 0 {
		return fmt.Errorf("%w: cameras: none", ErrMeta)
	}
	seen := map[string]bool{}
	for i, c := range m.Cameras {
		if c.Name == "" || seen[c.Name] {
			return fmt.Errorf("%w: cameras[%d].name: %q is empty or taken", ErrMeta, i, c.Name)
		}
		seen[c.Name] = true
		if c.Width < 1 || c.Height < 1 || c.Encoding != "png" || c.Colour != "rgb" {
			return fmt.Errorf("%w: cameras[%d] %s: %dx%d, %q, %q: want a size, \"png\" and \"rgb\"",
				ErrMeta, i, c.Name, c.Width, c.Height, c.Encoding, c.Colour)
		}
	}
	return nil
}

// Even reports whether every picture can be filmed: mp4 halves the colours' resolution.
func (m *Meta) Even() bool {
	return !slices.ContainsFunc(m.Cameras, func(c Camera) bool { return c.Width%2 != 0 || c.Height%2 != 0 })
}

// sameKind compares what demonstrations must share to be learned together. Software and daemon may change
// between two sittings: they are recorded as of the first. A dataset of version 1 does not say where it came from and
// is gone on with as it was begun.
func (m *Meta) sameKind(other *Meta) error {
	shared := []fact{
		{"robot", m.Robot, other.Robot},
		{"task", m.Task, other.Task},
		{"jitter", m.Jitter, other.Jitter},
		{"cameras", m.Cameras, other.Cameras},
		{"control_rate_hz", m.ControlRateHz, other.ControlRateHz},
		{"limits", m.Limits, other.Limits},
	}
	if m.Version > 1 && other.Version > 1 {
		shared = append(shared, fact{"source", m.Source, other.Source}, fact{"domain", m.Domain, other.Domain},
			fact{"shift", m.Shift, other.Shift}, fact{"horizon_steps", m.HorizonSteps, other.HorizonSteps}, fact{"noise", m.Noise, other.Noise})
	}
	for _, c := range shared {
		if !reflect.DeepEqual(c.have, c.ask) {
			return fmt.Errorf("%w: %s: it has %v, this run has %v; choose another folder", ErrOther, c.key, c.have, c.ask)
		}
	}
	return nil
}

// fact is a key with its value in a dataset that is there and in one that is asked for.
type fact struct {
	key       string
	have, ask any
}

func metaPath(dir string) string { return filepath.Join(dir, "dataset.json") }

// readMeta decodes strictly; the error wraps os.ErrNotExist when there is no dataset.
func readMeta(dir string) (*Meta, error) {
	text, err := os.ReadFile(metaPath(dir))
	if err != nil {
		return nil, err
	}
	return parseMeta(text)
}

func parseMeta(text []byte) (*Meta, error) {
	m := &Meta{}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(m); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMeta, err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%w: text after its end", ErrMeta)
	}
	return m, m.Validate()
}

func writeMeta(dir string, m *Meta) error { return writeWhole(metaPath(dir), m) }

// writeWhole makes a JSON file appear whole or not at all.
func writeWhole(path string, v any) error {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(tmp.Name()) }() // gone already when all went well
	_, err = tmp.Write(append(text, '\n'))
	if err := errors.Join(err, tmp.Chmod(0o644), tmp.Sync(), tmp.Close()); err != nil {
		return fmt.Errorf("writing %s: %w; nothing of it is left, free space and go on", path, err)
	}
	return os.Rename(tmp.Name(), path)
}
