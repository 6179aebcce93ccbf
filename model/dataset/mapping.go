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
	"slices"
	"strings"

	"sim2reald/model/dataset/lerobot"
)

// MappingFile lies in the folder of a LeRobot dataset and says what its columns mean to an arm.
const MappingFile = "sim2reald.json"

// Fixed values of the mapping.
const (
	MappingSchema  = "sim2reald.lerobot"
	MappingVersion = 1
	KindVelocity   = "joint_velocity"
	KindPosition   = "joint_position" // an action is where the arm is to be one frame later
)

// ErrMapping is wrapped when a LeRobot dataset cannot be understood as demonstrations of an arm.
var ErrMapping = errors.New("mapping " + MappingFile)

const maxMapping = 1 << 20 // bytes

// Mapping says what the columns of a LeRobot dataset mean to an arm. Joints are matched by name, never by place.
type Mapping struct {
	Schema   string            `json:"schema"`
	Version  int               `json:"version"`
	Meta     Meta              `json:"meta"`     // whose demonstrations they are, as dataset.json would say it
	Cameras  map[string]string `json:"cameras"`  // by the camera's name, the feature
	Position Columns           `json:"position"` // measured
	Velocity *Columns          `json:"velocity"` // measured; null means the differences of the positions
	Action   Columns           `json:"action"`   // what is to be learned
	Sent     *Columns          `json:"sent"`     // what went to the arm; null means the action
	StampNs  string            `json:"stamp_ns"` // feature of whole numbers; empty means the frames' own time
	Success  string            `json:"success"`  // feature, true in an episode's last frame; empty means that every episode is one
	Exported *Exported         `json:"exported,omitempty"`
}

// Exported says what Export made a LeRobot dataset of.
type Exported struct {
	Digest  string                  `json:"digest"`   // of the dataset it was made of
	LeftOut int                     `json:"left_out"` // failed demonstrations
	Losses  map[string]lerobot.Loss `json:"losses"`   // by camera; none where pictures are PNG
}

// Columns are the dimensions of one feature.
type Columns struct {
	Feature string            `json:"feature"`
	Kind    string            `json:"kind"`    // KindVelocity or KindPosition
	Unit    string            `json:"unit"`    // rad or deg, and of a velocity rad/s or deg/s
	Joints  map[string]string `json:"joints"`  // by the joint's name, the dimension: its name, or its number where it has none
	Gripper *GripperColumn    `json:"gripper"` // null means that there is none, and it stays open
}

// GripperColumn is a dimension that is Open when the gripper is open, and Closed when it is closed, whatever the unit.
type GripperColumn struct {
	Dimension string  `json:"dimension"`
	Open      float64 `json:"open"`
	Closed    float64 `json:"closed"`
}

// scale turns the unit into SI.
func (c *Columns) scale() float64 {
	if strings.HasPrefix(c.Unit, "deg") {
		return math.Pi / 180
	}
	return 1
}

// Validate says what is wrong with the mapping by itself, naming the key.
func (m *Mapping) Validate() error {
	if m.Schema != MappingSchema || m.Version != MappingVersion {
		return fmt.Errorf("%w: schema %.80q version %d, want %q version %d", ErrMapping, m.Schema, m.Version, MappingSchema, MappingVersion)
	}
	if err := m.Meta.Validate(); err != nil {
		return fmt.Errorf("%w: meta: %w", ErrMapping, err)
	}
	for _, c := range m.Meta.Cameras {
		if m.Cameras[c.Name] == "" || len(m.Cameras) != len(m.Meta.Cameras) {
			return fmt.Errorf("%w: cameras: want one feature for each of the %d cameras of meta, and none for camera %s",
				ErrMapping, len(m.Meta.Cameras), c.Name)
		}
	}
	return m.validateColumns()
}

func (m *Mapping) validateColumns() error {
	for _, c := range []struct {
		key     string
		columns *Columns
		kinds   []string
	}{
		{"position", &m.Position, []string{KindPosition}}, {"velocity", m.Velocity, []string{KindVelocity}},
		{"action", &m.Action, []string{KindVelocity, KindPosition}}, {"sent", m.Sent, []string{KindVelocity}},
	} {
		if c.columns == nil {
			continue
		}
		if err := c.columns.validate(c.kinds, m.Meta.Robot.JointNames); err != nil {
			return fmt.Errorf("%w: %s.%w", ErrMapping, c.key, err)
		}
	}
	return nil
}

func (c *Columns) validate(kinds, joints []string) error {
	if !slices.Contains(kinds, c.Kind) {
		return fmt.Errorf("kind: %.40q, want %s", c.Kind, strings.Join(kinds, " or "))
	}
	units := map[string][]string{KindPosition: {"rad", "deg"}, KindVelocity: {"rad/s", "deg/s"}}[c.Kind]
	if !slices.Contains(units, c.Unit) {
		return fmt.Errorf("unit: %.40q, want %s", c.Unit, strings.Join(units, " or "))
	}
	for _, j := range joints {
		if c.Joints[j] == "" || len(c.Joints) != len(joints) {
			return fmt.Errorf("joints: %d dimensions, want one for each of %s", len(c.Joints), strings.Join(joints, ", "))
		}
	}
	if g := c.Gripper; g != nil {
		if math.IsNaN(g.Closed-g.Open) || math.IsInf(g.Closed-g.Open, 0) || g.Open == g.Closed || g.Dimension == "" {
			return fmt.Errorf("gripper: dimension %.40q, open at %g and closed at %g; want a dimension and two numbers", g.Dimension, g.Open, g.Closed)
		}
	}
	return nil
}

// parseMapping reads a mapping strictly.
func parseMapping(text []byte) (*Mapping, error) {
	m := &Mapping{}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(m); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMapping, err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%w: text after its end", ErrMapping)
	}
	return m, m.Validate()
}

// ReadMapping reads the mapping of a LeRobot dataset's folder.
func ReadMapping(dir string) (*Mapping, error) {
	file, err := os.Open(filepath.Join(dir, MappingFile))
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%w is missing: this is a LeRobot dataset, and nothing says which column is which joint; write one with `sim2reald dataset map`", ErrMapping)
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxMapping+1))
	if err == nil && len(text) > maxMapping {
		err = fmt.Errorf("%w: longer than %d bytes", ErrMapping, maxMapping)
	}
	if err != nil {
		return nil, err
	}
	return parseMapping(text)
}

// Write puts the mapping into a LeRobot dataset's folder, whole or not at all.
func (m *Mapping) Write(dir string) error { return writeWhole(filepath.Join(dir, MappingFile), m) }
