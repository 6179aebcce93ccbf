package calibration

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"go.yaml.in/yaml/v3"
)

// Rig is a rig's file: what was measured of its cameras and its arm, and is the same for every bundle.
type Rig struct {
	Cameras []CameraLatency `yaml:"cameras"`
	Command *CommandLatency `yaml:"command,omitempty"`
}

// CameraLatency is how long a camera's pictures are on their way, by a pattern on a screen, whose own delay is in it.
type CameraLatency struct {
	Name    string    `yaml:"name"`
	Serial  string    `yaml:"serial"`
	Date    time.Time `yaml:"date"`
	Latency float64   `yaml:"latency_s"` // from exposure to arrival, from where on ages are counted else
	Decode  float64   `yaml:"decode_s"`  // from arrival to pixels, median
	SD      float64   `yaml:"sd_s"`      // of one try
	Samples int       `yaml:"samples"`
}

// CommandLatency is how long the arm takes from a command's leaving to its motion's arriving in joint_states.
type CommandLatency struct {
	Robot   string    `yaml:"robot"` // model and serial
	Joint   string    `yaml:"joint"`
	Date    time.Time `yaml:"date"`
	Latency float64   `yaml:"latency_s"`
	SD      float64   `yaml:"sd_s"` // of one step
	Samples int       `yaml:"samples"`
}

// Fresh is Record.Fresh for the camera of this serial.
func (c CameraLatency) Fresh(what string, now time.Time, maxAge time.Duration, serial string) error {
	return Record{Date: c.Date, Serial: c.Serial, Samples: c.Samples}.Fresh(what, now, maxAge, serial)
}

// Fresh is Record.Fresh and Record.Of for the arm of this model and serial.
func (c CommandLatency) Fresh(what string, now time.Time, maxAge time.Duration, robot string) error {
	r := Record{Date: c.Date, Serial: "-", Robot: c.Robot, Samples: c.Samples}
	if err := r.Of(what, robot); err != nil {
		return err
	}
	return r.Fresh(what, now, maxAge, "-")
}

// Camera is the entry of a camera; ok is false where there is none.
func (r Rig) Camera(name string) (c CameraLatency, ok bool) {
	for _, c := range r.Cameras {
		if c.Name == name {
			return c, true
		}
	}
	return c, false
}

// WithCamera is the rig with an entry in place of the camera's former one.
func (r Rig) WithCamera(c CameraLatency) Rig {
	out := Rig{Command: r.Command}
	for _, old := range r.Cameras {
		if old.Name != c.Name {
			out.Cameras = append(out.Cameras, old)
		}
	}
	out.Cameras = append(out.Cameras, c)
	return out
}

// Check refuses what cannot be.
func (r Rig) Check() error {
	for i, c := range r.Cameras {
		same := func(other CameraLatency) bool { return other.Name == c.Name }
		if c.Name == "" || slices.IndexFunc(r.Cameras, same) != i {
			return fmt.Errorf("cameras[%d].name: %q is empty or stands twice", i, c.Name)
		}
		if err := possible(c.Latency, c.Decode, c.SD); err != nil {
			return fmt.Errorf("cameras[%d]: %w", i, err)
		}
	}
	if r.Command != nil {
		if err := possible(r.Command.Latency, r.Command.SD); err != nil {
			return fmt.Errorf("command: %w", err)
		}
	}
	return nil
}

func possible(seconds ...float64) error {
	for _, s := range seconds {
		if !(s >= 0 && s <= longestLatency.Seconds()) {
			return fmt.Errorf("%g s is no latency; want 0 to %g, measure it again with sim2reald calibrate latency", s, longestLatency.Seconds())
		}
	}
	return nil
}

const rigHead = `# Written by sim2reald calibrate latency, for calibration.rig. Times in s, on the way from the camera's exposure to the
# picture's arrival, and from a command's leaving to its motion's arriving.
`

// YAML writes the file.
func (r Rig) YAML() ([]byte, error) {
	if err := r.Check(); err != nil {
		return nil, err
	}
	text, err := yaml.Marshal(r)
	return append([]byte(rigHead), text...), err
}

// ParseRig reads what YAML writes.
func ParseRig(data []byte) (r Rig, err error) {
	d := yaml.NewDecoder(bytes.NewReader(data))
	d.KnownFields(true)
	if err := d.Decode(&r); err != nil && !errors.Is(err, io.EOF) {
		return Rig{}, fmt.Errorf("a rig's file: %w", oneLine(err))
	}
	if err := r.Check(); err != nil {
		return Rig{}, fmt.Errorf("a rig's file: %w", err)
	}
	return r, nil
}
