package bundle

import (
	"strings"
	"testing"

	"sim2reald/model/preprocess"
	"sim2reald/model/safetensors"
	"sim2reald/robot"
)

// testArch is a vision transformer of 12 features.
const testArch = `{"family":"vit","image_size":28,"patch_size":14,"width":6,"depth":1,"heads":2,"mlp_ratio":4,` +
	`"pool":"token","pre_norm":false,"activation":"gelu","norm_eps":1e-6,"layer_scale":false,"register_tokens":0}`

func testManifest() Manifest {
	joints := []string{"a", "b"}
	return Manifest{
		Schema: Schema, Version: VersionHead, MinDaemon: "0.1.0", Name: "door", Task: "slide",
		Base:     Base{Name: "vit_test", Digest: "sha256:" + strings.Repeat("ab", 32), Arch: []byte(testArch)},
		Adapters: Adapters{Placement: PlacementTop, Kind: KindMLP, Widths: []int{5}, Activation: "relu"},
		Robot:    Robot{Model: "panda", JointNames: joints, Gripper: Gripper{0, 1}},
		Limits: LimitsOf(robot.Limits{
			QMin: robot.Vector{-1, -2}, QMax: robot.Vector{1, 2}, DQMax: robot.Vector{2, 2}, DDQMax: robot.Vector{7, 8},
		}, 2, 0.5),
		Cameras: []preprocess.Camera{{Name: "front", SourceWidth: 56, SourceHeight: 42, Width: 28, Height: 28,
			Colour: "rgb", Interpolation: "area", Mean: [3]float64{0.5, 0.4, 0.3}, Std: [3]float64{0.2, 0.2, 0.2}}},
		Proprioception: preprocess.ProprioPositions,
		History:        1,
		Action: Action{Kind: ActionVelocity, Unit: UnitVelocity, RateHz: 12.5, ChunkSize: 2, NActionSteps: 1,
			Dimensions: Dimensions(joints)},
		Training: Training{DataDigest: "sha256:" + strings.Repeat("cd", 32), Episodes: 3, Seed: 7, Epochs: 2,
			FirstLoss: 1, LastLoss: 0.25, ValidationLoss: 0.5, Commit: "0123", Daemon: "0.1.0",
			Software: map[string]string{"mujoco": "3.3.0"}},
	}
}

// testTensors are ramps: no two numbers of a tensor are equal, so that a swap shows.
func testTensors() map[string]safetensors.Tensor {
	out := map[string]safetensors.Tensor{}
	for name, shape := range map[string][]int{
		ActionMean: {3}, ActionStd: {3}, ProprioMean: {2}, ProprioStd: {2}, "head.mean": {14}, "head.std": {14},
		"head.0.weight": {5, 14}, "head.0.bias": {5}, "head.1.weight": {6, 5}, "head.1.bias": {6},
	} {
		n := 1
		for _, d := range shape {
			n *= d
		}
		v := make([]float32, n)
		for i := range v {
			v[i] = 0.5 + 0.01*float32(i)
		}
		out[name] = safetensors.Float32(shape, v)
	}
	return out
}

func testBundle(t testing.TB) *Bundle {
	t.Helper()
	b, err := New(testManifest(), testTensors())
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func testRig() *Rig {
	m := testManifest()
	return &Rig{
		Daemon: "0.1.0", BaseDigest: m.Base.Digest, Robot: m.Robot, Limits: m.Limits, ControlRateHz: 12.5,
		Cameras: []RigCamera{{"wrist", 10, 10, "rgb"}, {"front", 56, 42, "rgb"}},
	}
}
