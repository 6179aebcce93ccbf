package bundle

import (
	"fmt"
	"slices"
	"strings"

	"sim2reald/model/preprocess"
	"sim2reald/robot"
	"sim2reald/robot/kinematics"
)

// Kinds of actions, the units of their numbers, and the number that every action ends with.
const (
	ActionVelocity   = "joint_velocity"
	UnitVelocity     = "rad/s"
	ActionCartesian  = "cartesian_velocity"
	UnitCartesian    = "m/s, rad/s"
	DimensionGripper = "gripper"
)

// maxChunk bounds the actions in one answer.
const maxChunk = 256

// Action says what the network's output means. One action is a velocity per joint, or some of the tool's twist,
// and then the gripper.
type Action struct {
	Kind         string     `json:"kind"`
	Unit         string     `json:"unit"`
	RateHz       float64    `json:"rate_hz"`
	ChunkSize    int        `json:"chunk_size"`          // actions in one answer
	NActionSteps int        `json:"n_action_steps"`      // of which so many are carried out
	Dimensions   []string   `json:"dimensions"`          // the joints, or some of TwistDimensions, then DimensionGripper
	Cartesian    *Cartesian `json:"cartesian,omitempty"` // exactly with ActionCartesian
}

// Cartesian says whose motion a twist is, and what the joints do with the freedom that it leaves them.
type Cartesian struct {
	Chain   string     `json:"chain"`   // of kinematics.ByName, with the lengths of the arm that was seen
	Tool    [3]float64 `json:"tool_m"`  // the point that moves, in the flange
	Posture []float64  `json:"posture"` // rad, base to tip: where the demonstrations' joints were on average
}

// TwistDimensions names what an action of the tool can have, in this order: velocities along the axes of the base in
// m/s, angular ones about them in rad/s. What an action lacks is held at zero.
func TwistDimensions() []string { return []string{"vx", "vy", "vz", "wx", "wy", "wz"} }

// Dimensions names the numbers of one action of an arm with these joints.
func Dimensions(joints []string) []string {
	return append(slices.Clone(joints), DimensionGripper)
}

// ParseTwist reads a list like vx,vy,vz and gives the dimensions of an action, the gripper added.
func ParseTwist(list string) ([]string, error) {
	names := append(strings.Split(list, ","), DimensionGripper)
	if _, err := twistParts(names); err != nil {
		return nil, err
	}
	return names, nil
}

// twistParts gives which components of a twist an action's dimensions are.
func twistParts(dimensions []string) ([]int, error) {
	all, last := TwistDimensions(), len(dimensions)-1
	refused := invalid("action.dimensions", "%v, want some of %v in this order, then %s", dimensions, all, DimensionGripper)
	if last < 1 || dimensions[last] != DimensionGripper {
		return nil, refused
	}
	var parts []int
	for i, name := range dimensions[:last] {
		p := slices.Index(all, name)
		if p < 0 || i > 0 && p <= parts[i-1] {
			return nil, refused
		}
		parts = append(parts, p)
	}
	return parts, nil
}

// Space is what the action's numbers are to an arm. An error wraps ErrManifest.
func (m *Manifest) Space() (preprocess.Space, error) {
	if m.Action.Kind != ActionCartesian {
		return preprocess.JointSpace(len(m.Robot.JointNames)), nil
	}
	parts, err := twistParts(m.Action.Dimensions)
	if err != nil {
		return preprocess.Space{}, err
	}
	inverse, err := m.solver()
	if err != nil {
		return preprocess.Space{}, err
	}
	space, err := preprocess.TwistSpace(inverse, parts, m.Action.RateHz)
	if err != nil {
		return space, fmt.Errorf("%w: action: %w", ErrManifest, err)
	}
	return space, nil
}

// solver is the inverse kinematics under the bundle's own limits.
func (m *Manifest) solver() (*kinematics.Solver, error) {
	c, n := m.Action.Cartesian, len(m.Robot.JointNames)
	chain, err := m.chain()
	if err != nil {
		return nil, err
	}
	if len(c.Posture) != n || chain.N() != n {
		return nil, invalid("action.cartesian.posture", "%d numbers for %d joints of a chain of %d", len(c.Posture), n, chain.N())
	}
	if chain, err = chain.WithTool(c.Tool); err != nil {
		return nil, fmt.Errorf("%w: action.cartesian.tool_m: %w", ErrManifest, err)
	}
	var posture robot.Vector
	copy(posture[:], c.Posture)
	inverse, err := kinematics.NewSolver(chain, m.Limits.Robot(), posture)
	if err != nil {
		return nil, fmt.Errorf("%w: action.cartesian: %w", ErrManifest, err)
	}
	return inverse, nil
}

// chain is the arm's geometry, which must be known for the bundle's robot.
func (m *Manifest) chain() (kinematics.Chain, error) {
	name := m.Action.Cartesian.Chain
	chain, ok := kinematics.ByName(name)
	if !ok {
		return chain, invalid("action.cartesian.chain", "%q, this version has the kinematics of %s; train with joint_velocity",
			name, strings.Join(kinematics.Names(), ", "))
	}
	if chain.Robot != m.Robot.Model {
		return chain, invalid("action.cartesian.chain", "%q is a %s, the bundle's robot a %s; train with joint_velocity, or name its own chain",
			name, chain.Robot, m.Robot.Model)
	}
	if table, ok := robot.ByName(chain.Robot); !ok || !slices.Equal(table.Joints, m.Robot.JointNames) {
		return chain, invalid("robot.joint_names", "%v, want those of %s in its chain's order, %v", m.Robot.JointNames, chain.Robot, table.Joints)
	}
	return chain, nil
}

func (m *Manifest) checkAction() error {
	a := &m.Action
	if !finite(a.RateHz) || a.RateHz <= 0 || a.RateHz > 1000 {
		return invalid("action.rate_hz", "%g, want above 0 and at most 1000", a.RateHz)
	}
	if a.ChunkSize < 1 || a.ChunkSize > maxChunk {
		return invalid("action.chunk_size", "%d, want 1 to %d", a.ChunkSize, maxChunk)
	}
	if a.NActionSteps < 1 || a.NActionSteps > a.ChunkSize {
		return invalid("action.n_action_steps", "%d, want 1 to chunk_size %d", a.NActionSteps, a.ChunkSize)
	}
	if (a.Kind == ActionCartesian) != (a.Cartesian != nil) {
		return invalid("action.cartesian", "is there without kind %q, or the other way round", ActionCartesian)
	}
	switch {
	case a.Kind == ActionVelocity && a.Unit == UnitVelocity:
		if want := Dimensions(m.Robot.JointNames); !slices.Equal(a.Dimensions, want) {
			return invalid("action.dimensions", "%v, want %v", a.Dimensions, want)
		}
		return nil
	case a.Kind == ActionCartesian && a.Unit == UnitCartesian:
		_, err := m.Space()
		return err
	}
	return invalid("action", "kind %q in %q, want %q in %q or %q in %q",
		a.Kind, a.Unit, ActionVelocity, UnitVelocity, ActionCartesian, UnitCartesian)
}
