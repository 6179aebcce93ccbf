package bundle

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"sim2reald/model"
	"sim2reald/model/safetensors"
	"sim2reald/robot"
)

// cartesianManifest moves a Panda's tool along the axes of its base.
func cartesianManifest() Manifest {
	m, panda := testManifest(), robot.Panda()
	m.Robot.JointNames = panda.Joints
	m.Limits = LimitsOf(panda.Limits, panda.N(), 0.5)
	m.Action.Kind, m.Action.Unit = ActionCartesian, UnitCartesian
	m.Action.Dimensions = []string{"vx", "vy", "vz", DimensionGripper}
	m.Action.Cartesian = &Cartesian{Chain: "panda", Tool: [3]float64{0, 0, 0.1034}, Posture: []float64{0, -0.8, 0, -2.4, 0, 1.6, 0.8}}
	m.SetVersion()
	return m
}

// cartesianTensors make the untrained answer 0.1 m/s along x, and the gripper half closed.
func cartesianTensors() map[string]safetensors.Tensor {
	out := testTensors()
	out[ActionMean] = safetensors.Float32([]int{4}, []float32{0.1, 0, 0, 0.5})
	out[ActionStd] = safetensors.Float32([]int{4}, []float32{1, 1, 1, 1})
	for _, name := range []string{ProprioMean, ProprioStd} {
		out[name] = safetensors.Float32([]int{7}, []float32{1, 1, 1, 1, 1, 1, 1})
	}
	ramp := func(n int) []float32 {
		v := make([]float32, n)
		for i := range v {
			v[i] = 0.5 + 0.01*float32(i)
		}
		return v
	}
	out["head.mean"], out["head.std"] = safetensors.Float32([]int{19}, ramp(19)), safetensors.Float32([]int{19}, ramp(19))
	out["head.0.weight"] = safetensors.Float32([]int{5, 19}, ramp(95))
	out["head.1.weight"], out["head.1.bias"] = safetensors.Float32([]int{8, 5}, ramp(40)), safetensors.Float32([]int{8}, ramp(8))
	return out
}

// TestCartesianBundle: a file of its kind is read again as it was, and its actions move the tool along x.
func TestCartesianBundle(t *testing.T) {
	b, err := New(cartesianManifest(), cartesianTensors())
	if err != nil {
		t.Fatal(err)
	}
	again, err := Parse(bytesOf(t, b))
	if err != nil {
		t.Fatal(err)
	}
	if m := again.Manifest; again.Digest() != b.Digest() || m.Version != VersionRecipe || m.MinDaemon != "0.3.0" || m.Kind != KindAdapter {
		t.Errorf("digest %s became %s, kind %q, version %d for daemon %s", b.Digest(), again.Digest(), m.Kind, m.Version, m.MinDaemon)
	}
	actions, err := again.Actions()
	if err != nil || actions.Dim() != 4 {
		t.Fatalf("actions of %d, %v", actions.Dim(), err)
	}
	var q robot.Vector
	copy(q[:], again.Manifest.Action.Cartesian.Posture)
	var wanted [1]robot.Command
	chunk := &model.ActionChunk{Rows: 1, Dim: 4, Data: make([]float32, 4)}
	if err := actions.Decode(chunk, &robot.State{Q: q}, wanted[:]); err != nil {
		t.Fatal(err)
	}
	inverse, err := again.Manifest.solver()
	if err != nil {
		t.Fatal(err)
	}
	from, err := inverse.Chain.Forward(&q)
	for j := range 7 {
		q[j] += 0.08 * wanted[0].DQ[j]
	}
	to, errTo := inverse.Chain.Forward(&q)
	if err != nil || errTo != nil || math.Abs(to.P[0]-from.P[0]-0.008) > 1e-5 || math.Abs(to.P[2]-from.P[2]) > 1e-5 || wanted[0].Gripper != 0.5 {
		t.Errorf("from %v to %v with the gripper at %g (%v, %v)", from.P, to.P, wanted[0].Gripper, err, errTo)
	}
}

func TestCartesianManifestRefused(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Manifest)
		want   string
	}{
		"no kinematics": {func(m *Manifest) { m.Action.Cartesian.Chain = "ur5" }, `"ur5", this version has the kinematics of panda, fr3, sawyer`},
		"other robot":   {func(m *Manifest) { m.Robot.Model = "ur5" }, `"panda" is a panda, the bundle's robot a ur5; train with joint_velocity`},
		"other joints": {func(m *Manifest) {
			m.Robot.JointNames = slices.Clone(m.Robot.JointNames)
			slices.Reverse(m.Robot.JointNames)
		}, "robot.joint_names"},
		"no chain": {func(m *Manifest) { m.Action.Cartesian = nil }, "action.cartesian: is there without kind"},
		"a chain too many": {func(m *Manifest) {
			m.Action.Kind, m.Action.Unit, m.Action.Dimensions = ActionVelocity, UnitVelocity, Dimensions(m.Robot.JointNames)
		}, "action.cartesian: is there without kind"},
		"unit":           {func(m *Manifest) { m.Action.Unit = UnitVelocity }, `"cartesian_velocity" in "rad/s"`},
		"order":          {func(m *Manifest) { m.Action.Dimensions = []string{"vy", "vx", "gripper"} }, "in this order"},
		"twice":          {func(m *Manifest) { m.Action.Dimensions = []string{"vx", "vx", "gripper"} }, "in this order"},
		"unknown":        {func(m *Manifest) { m.Action.Dimensions = []string{"x", "gripper"} }, "want some of [vx vy vz wx wy wz]"},
		"no gripper":     {func(m *Manifest) { m.Action.Dimensions = []string{"vx", "vy"} }, "then gripper"},
		"gripper alone":  {func(m *Manifest) { m.Action.Dimensions = []string{"gripper"} }, "want some of"},
		"nothing":        {func(m *Manifest) { m.Action.Dimensions = nil }, "want some of"},
		"short posture":  {func(m *Manifest) { m.Action.Cartesian.Posture = []float64{0} }, "1 numbers for 7 joints"},
		"posture beyond": {func(m *Manifest) { m.Action.Cartesian.Posture = make([]float64, 7) }, "posture of joint 3 is 0 rad"},
		"tool":           {func(m *Manifest) { m.Action.Cartesian.Tool[2] = math.NaN() }, "tool_m"},
	} {
		t.Run(name, func(t *testing.T) {
			m := cartesianManifest()
			c.change(&m)
			m.SetVersion()
			err := m.Validate()
			if !errors.Is(err, ErrManifest) || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
}

func TestParseTwist(t *testing.T) {
	if got, err := ParseTwist("vx,vy,vz,wz"); err != nil || !slices.Equal(got, []string{"vx", "vy", "vz", "wz", "gripper"}) {
		t.Errorf("%v, %v", got, err)
	}
	for _, list := range []string{"", "vx,", "wz,vx", "vx vy", "gripper"} {
		if got, err := ParseTwist(list); !errors.Is(err, ErrManifest) {
			t.Errorf("%q is read as %v (%v)", list, got, err)
		}
	}
}
