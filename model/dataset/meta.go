// Package dataset is a folder of demonstrations: what the collector records and training reads.
//
// What belongs here: the folder's files, their checks and the digest over them. What does not: how
// demonstrations are made (the collector), decoded into pictures (camera/encoded) or learned (model/train).
//
// The folder holds dataset.json, which says whose demonstrations these are, and one safetensors file per
// episode, episodes/seed-00020000.safetensors. Every file appears whole or not at all, so that a collection
// that was cut off goes on where it stopped.
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

	"sim2reald/model/bundle"
)

// Fixed values of dataset.json in this version.
const (
	Schema  = "sim2reald.dataset"
	Version = 1
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
	Task          string            `json:"task"`
	Jitter        string            `json:"jitter"`
	Limits        bundle.Limits     `json:"limits"`   // that the demonstrations were limited by
	Software      map[string]string `json:"software"` // of the bridge, as it says in its factsheet
	Daemon        string            `json:"daemon"`   // version of the collector
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
	if m.Schema != Schema || m.Version != Version {
		return fmt.Errorf("%w: schema %q version %d, want %q version %d", ErrMeta, m.Schema, m.Version, Schema, Version)
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

// sameKind compares what demonstrations must share to be learned together. Software and daemon may change
// between two sittings: they are recorded as of the first.
func (m *Meta) sameKind(other *Meta) error {
	for _, c := range []struct {
		key       string
		have, ask any
	}{
		{"robot", m.Robot, other.Robot},
		{"task", m.Task, other.Task},
		{"jitter", m.Jitter, other.Jitter},
		{"cameras", m.Cameras, other.Cameras},
		{"control_rate_hz", m.ControlRateHz, other.ControlRateHz},
		{"limits", m.Limits, other.Limits},
	} {
		if !reflect.DeepEqual(c.have, c.ask) {
			return fmt.Errorf("%w: %s: it has %v, this run has %v; choose another folder", ErrOther, c.key, c.have, c.ask)
		}
	}
	return nil
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

// writeMeta makes the file appear whole or not at all.
func writeMeta(dir string, m *Meta) error {
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	tmp, err := os.CreateTemp(dir, ".dataset.json.*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(tmp.Name()) }() // gone already when all went well
	_, err = tmp.Write(append(text, '\n'))
	if err := errors.Join(err, tmp.Chmod(0o644), tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), metaPath(dir))
}
