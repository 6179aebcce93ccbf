// Package preprocess turns frames and state into what the policy sees, and what it answers into a command.
//
// What belongs here: everything that must be the same in training and on the robot: resize, colour order,
// normalisation of pixels, joints and actions. Its constants come from the bundle, never from code. What
// does not: where frames come from (camera), how old they may be (daemon/control), augmentation, which only
// training does (model/train), and limits (robot/limit).
package preprocess

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"sim2reald/robot"
)

// Values of the string fields that this version understands.
const (
	ColourRGB        = "rgb"
	InterpolationBox = "area"            // OpenCV's INTER_AREA: the mean of the covered source pixels
	ProprioNone      = "none"            // the policy sees pictures only
	ProprioPositions = "joint_positions" // and the measured joint positions, rad, standardised
)

// nameLetters may stand in a camera's name, which becomes part of a topic and of a tensor's name.
const nameLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"

// maxHistory bounds the observations seen at once.
const maxHistory = 8

// maxSide bounds pictures, in pixels, so that a broken spec cannot ask for all memory.
const maxSide = 4096

// ErrSpec is wrapped by every refusal of a Spec.
var ErrSpec = errors.New("preprocess spec")

// Camera is how one camera's frames become one input of the model. The whole frame is used: no crop.
type Camera struct {
	Name          string     `json:"name"`
	SourceWidth   int        `json:"source_width_px"`
	SourceHeight  int        `json:"source_height_px"`
	Width         int        `json:"width_px"` // of the model's input
	Height        int        `json:"height_px"`
	Colour        string     `json:"colour"`        // ColourRGB
	Interpolation string     `json:"interpolation"` // InterpolationBox
	Mean          [3]float64 `json:"mean"`          // of pixels scaled to 0..1, per channel
	Std           [3]float64 `json:"std"`
}

// Spec is how an observation is made. The order of the cameras is that of the model's inputs.
type Spec struct {
	Cameras        []Camera
	Proprioception string  // ProprioNone or ProprioPositions
	History        int     `json:",omitempty"` // observations seen at once, the newest included; 0 counts as 1
	RateHz         float64 `json:",omitempty"` // of the observations of a history; not asked for without one
}

// One is the spec for a single observation's pictures: what the base sees.
func (s Spec) One() Spec {
	s.Proprioception, s.History, s.RateHz = ProprioNone, 0, 0
	return s
}

func (s *Spec) observations() int { return max(s.History, 1) }

// Validate says what is wrong, naming camera, field and value.
func (s Spec) Validate() error {
	if len(s.Cameras) == 0 {
		return fmt.Errorf("%w: no camera", ErrSpec)
	}
	seen := map[string]bool{}
	for i, c := range s.Cameras {
		if seen[c.Name] || c.Name == "" {
			return fmt.Errorf("%w: cameras[%d].name: %q is empty or taken", ErrSpec, i, c.Name)
		}
		if strings.Trim(c.Name, nameLetters) != "" {
			return fmt.Errorf("%w: cameras[%d].name: %q, want letters, digits, - and _", ErrSpec, i, c.Name)
		}
		seen[c.Name] = true
		if err := c.validate(); err != nil {
			return fmt.Errorf("%w: camera %s: %w", ErrSpec, c.Name, err)
		}
	}
	if s.Proprioception != ProprioNone && s.Proprioception != ProprioPositions {
		return fmt.Errorf("%w: proprioception: %q, want %q or %q",
			ErrSpec, s.Proprioception, ProprioNone, ProprioPositions)
	}
	if s.History < 0 || s.History > maxHistory {
		return fmt.Errorf("%w: history: %d observations, want 1 to %d", ErrSpec, s.History, maxHistory)
	}
	if s.History > 1 && !(s.RateHz > 0 && s.RateHz <= 1000) {
		return fmt.Errorf("%w: history: rate %g Hz, want above 0 and at most 1000", ErrSpec, s.RateHz)
	}
	return nil
}

func (c Camera) validate() error {
	sides := []struct {
		field string
		px    int
	}{
		{"source_width_px", c.SourceWidth}, {"source_height_px", c.SourceHeight},
		{"width_px", c.Width}, {"height_px", c.Height},
	}
	for _, s := range sides {
		if s.px < 1 || s.px > maxSide {
			return fmt.Errorf("%s: %d, want 1 to %d", s.field, s.px, maxSide)
		}
	}
	if c.Colour != ColourRGB {
		return fmt.Errorf("colour: %q, want %q", c.Colour, ColourRGB)
	}
	if c.Interpolation != InterpolationBox {
		return fmt.Errorf("interpolation: %q, want %q", c.Interpolation, InterpolationBox)
	}
	for i := range 3 {
		if !finite(c.Mean[i]) || !finite(c.Std[i]) || c.Std[i] < 1e-6 {
			return fmt.Errorf("mean[%d] %g, std[%d] %g: want finite, std above 0", i, c.Mean[i], i, c.Std[i])
		}
	}
	return nil
}

// Stats standardise a vector: (x - Mean)/Std, element by element.
type Stats struct {
	Mean, Std []float32
}

// Validate wants n finite means and n positive deviations.
func (s Stats) Validate(what string, n int) error {
	if len(s.Mean) != n || len(s.Std) != n {
		return fmt.Errorf("%w: %s: %d means and %d deviations, want %d", ErrSpec, what, len(s.Mean), len(s.Std), n)
	}
	for i := range n {
		m, d := float64(s.Mean[i]), float64(s.Std[i])
		if !finite(m) || !finite(d) || d <= 0 {
			return fmt.Errorf("%w: %s[%d]: mean %g, std %g: want finite, std above 0", ErrSpec, what, i, m, d)
		}
	}
	return nil
}

func checkJoints(n int) error {
	if n < 1 || n > robot.MaxJoints {
		return fmt.Errorf("%w: %d joints, want 1 to %d", ErrSpec, n, robot.MaxJoints)
	}
	return nil
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }
