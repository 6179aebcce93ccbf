package train

import (
	"encoding/json"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"sim2reald/model/bundle"
	"sim2reald/model/dataset"
	"sim2reald/model/safetensors"
	"sim2reald/robot"
	"sim2reald/robot/kinematics"
)

// pandaData is three demonstrations of a whole arm that moves at random, the second of them failed.
func pandaData(t *testing.T) *dataset.Dataset {
	t.Helper()
	panda, d := robot.Panda(), testData(t)
	meta := d.Meta
	meta.Robot.JointNames = slices.Clone(panda.Joints)
	meta.Limits = bundle.LimitsOf(panda.Limits, 7, 1)
	out, err := dataset.Create(t.TempDir(), meta)
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(3, 3))
	for seed := range int64(3) {
		e := &dataset.Episode{Seed: seed, Success: seed != 1}
		for range 4 {
			step := testStep(t, r.Float64())
			for j := range 7 {
				step.Q[j] = (panda.Limits.QMin[j]+panda.Limits.QMax[j])/2 + 0.5*r.NormFloat64()
				step.Wanted.DQ[j] = 0.5 * r.NormFloat64()
			}
			e.Steps = append(e.Steps, step)
		}
		if err := out.Write(e); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// TestLabels: what another trainer learns is how fast the tool goes, half a control period on.
func TestLabels(t *testing.T) {
	d, o := pandaData(t), testOptions(t)
	o.Tool = &Tool{Dimensions: []string{"vx", "vz", bundle.DimensionGripper}, Chain: "panda", Point: [3]float64{0, 0.02, 0.1}}
	got, err := o.Labels(d)
	if err != nil {
		t.Fatal(err)
	}
	var action bundle.Action
	if err := json.Unmarshal([]byte(got.Metadata[KeyLabels]), &action); err != nil || action.Kind != bundle.ActionCartesian || action.Cartesian.Tool != o.Tool.Point {
		t.Fatalf("%+v, %v", action, err)
	}
	if len(got.Tensors) != 2 {
		t.Fatalf("labels of %d episodes, two succeeded", len(got.Tensors))
	}
	chain, err := kinematics.Panda().WithTool(o.Tool.Point)
	if err != nil {
		t.Fatal(err)
	}
	at := func(s *dataset.Step, after float64) kinematics.Point {
		q := s.Q
		for j := range 7 {
			q[j] += after * s.Wanted.DQ[j]
		}
		pose, err := chain.Forward(&q)
		if err != nil {
			t.Fatal(err)
		}
		return pose.P
	}
	e, err := d.Episode(2)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := got.Tensors["2"].Float64s()
	if err != nil || len(rows) != 3*len(e.Steps) {
		t.Fatalf("%d numbers, %v", len(rows), err)
	}
	const half, short = 0.5 / 12.5, 1e-4
	for i := range e.Steps {
		s := &e.Steps[i]
		before, after := at(s, half-short), at(s, half+short)
		for k, want := range []float64{(after[0] - before[0]) / (2 * short), (after[2] - before[2]) / (2 * short), s.Wanted.Gripper} {
			if math.Abs(rows[3*i+k]-want) > 1e-6 {
				t.Errorf("step %d: number %d is %g, want %g", i, k, rows[3*i+k], want)
			}
		}
	}
}

// TestLabelsAreReadInPython: the file in the agreed folder is what this package makes of the dataset there; model/torch/tests
// learns from it.
func TestLabelsAreReadInPython(t *testing.T) {
	d, err := dataset.Open(filepath.Join(agreed, "dataset"))
	if err != nil {
		t.Fatal(err)
	}
	o := testOptions(t)
	got, err := o.Labels(d)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(agreed, "labels.safetensors")
	if os.Getenv("SIM2REALD_UPDATE") != "" {
		if err := got.WriteFile(path); err != nil {
			t.Fatal(err)
		}
	}
	want, err := safetensors.ReadFile(path, safetensors.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	if !maps.Equal(got.Metadata, want.Metadata) || got.Digest() != want.Digest() {
		t.Errorf("%v %s, in the folder %v %s", got.Metadata, got.Digest(), want.Metadata, want.Digest())
	}
}
