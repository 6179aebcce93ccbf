package topic

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"sim2reald/robot"
)

const (
	// maxPayload bounds what is decoded at all: a 224x224 picture is 0.1 MB, a 1920x1080 one 6 MB.
	maxPayload = 16 << 20
	// maxSmall bounds everything but pictures and the factsheet, which has a table of presets.
	maxSmall     = 64 << 10
	maxFactsheet = 1 << 20
)

// ErrPayload is wrapped by every refusal of a message's content.
var ErrPayload = errors.New("payload refused")

func decode(payload []byte, into any) error {
	if len(payload) > maxPayload {
		return fmt.Errorf("%w: %d bytes, at most %d are read", ErrPayload, len(payload), maxPayload)
	}
	// The library replaces what is not UTF-8 by a mark, and goes on.
	if !utf8.Valid(payload) {
		return fmt.Errorf("%w: not UTF-8", ErrPayload)
	}
	if err := json.Unmarshal(payload, into); err != nil {
		return fmt.Errorf("%w: %w", ErrPayload, err)
	}
	return nil
}

// largest is how large any message of a topic may be.
func largest(topic string) int {
	switch {
	case topic == "factsheet":
		return maxFactsheet
	case strings.HasPrefix(topic, "camera/"):
		return maxPayload
	}
	return maxSmall
}

// atMost is how large this bridge's may be. A picture may be as large as its camera's pixels, and half as large again,
// in base64.
func (l *Link) atMost(topic string) int {
	name, ok := strings.CutPrefix(topic, "camera/")
	if !ok {
		return largest(topic)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.factsheet.Cameras {
		if c.Name == name && c.Width > 0 && c.Height > 0 && c.Width < 1<<14 && c.Height < 1<<14 {
			return min(maxSmall+c.Width*c.Height*3*2, maxPayload)
		}
	}
	return maxPayload
}

// DecodeState maps joint_states to a robot.State in the order of joints. Joints are matched by name; a
// missing, extra or repeated one is refused, and so is a number that is not finite. arrival is on the
// receiver's monotonic clock.
func DecodeState(msg *JointStates, joints []string, arrival time.Duration) (robot.State, error) {
	s := robot.State{
		Seq: msg.Seq, Stamp: msg.Stamp.Duration(), Arrival: arrival, Gripper: msg.Gripper, Moving: msg.Moving,
		EmergencyStop: msg.EmergencyStop, Faulted: len(msg.Errors) > 0, Episode: phase(msg.Episode),
	}
	if msg.Episode != nil {
		s.Step = msg.Episode.Step
	}
	for _, reason := range [...]string{"malformed", "robot", "joints", "not_finite", "limit"} {
		s.Refused += msg.Dropped[reason]
	}
	if err := byName(&s.Q, msg.Name, msg.Position, joints); err != nil {
		return s, fmt.Errorf("position: %w", err)
	}
	if err := byName(&s.DQ, msg.Name, msg.Velocity, joints); err != nil {
		return s, fmt.Errorf("velocity: %w", err)
	}
	if math.IsNaN(s.Gripper) || math.IsInf(s.Gripper, 0) {
		return s, fmt.Errorf("%w: gripper is not finite", ErrPayload)
	}
	return s, nil
}

// acceptedFrom is the seq of the last command accepted from the sender of an epoch, 0 where another's was the last.
func acceptedFrom(msg *JointStates, epoch string) uint64 {
	if msg.Accepted == nil || msg.Accepted.Epoch != epoch {
		return 0
	}
	return msg.Accepted.Seq
}

// episodes counts those of a bridge: by their names, which are anybody's to choose.
type episodes struct {
	name string
	n    uint64
}

// number is the one of the episode that a measurement belongs to.
func (c *episodes) number(e *EpisodeStep) uint64 {
	if e != nil && e.ID != c.name {
		c.name = e.ID
		c.n++
	}
	return c.n
}

func phase(e *EpisodeStep) robot.EpisodePhase {
	switch {
	case e == nil:
		return robot.NoEpisode
	case e.State == "ready":
		return robot.EpisodeReady
	case e.State == "running":
		return robot.EpisodeRunning
	}
	return robot.EpisodeEnded // an unknown word must not let the arm move
}

// DecodeAdvice maps a teacher's advice to a command in the order of joints.
func DecodeAdvice(msg *Expert, joints []string) (robot.Command, error) {
	c := robot.Command{Mode: robot.Velocity, Gripper: msg.Gripper}
	if err := byName(&c.DQ, msg.Name, msg.Velocity, joints); err != nil {
		return c, fmt.Errorf("expert: %w", err)
	}
	return c, nil
}

func byName(into *robot.Vector, names []string, values []float64, joints []string) error {
	if len(names) != len(joints) || len(values) != len(joints) {
		return fmt.Errorf("%w: %d names and %d values for %d joints", ErrPayload, len(names), len(values), len(joints))
	}
	for j, joint := range joints {
		at := slices.Index(names, joint)
		if at < 0 {
			return fmt.Errorf("%w: joint %s is missing", ErrPayload, joint)
		}
		into[j] = values[at]
	}
	// Equal lengths and every joint found: a repeated or foreign name would have displaced one.
	if !into.Finite(len(joints)) {
		return fmt.Errorf("%w: a value is not finite", ErrPayload)
	}
	return nil
}
