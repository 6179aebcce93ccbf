package main

import (
	"os"
	"path/filepath"
	"strings"

	"sim2reald/model/base"
	"sim2reald/model/bundle"
	"sim2reald/model/graph"
	"sim2reald/model/preprocess"
	"sim2reald/robot"
)

// speedScale is the catalogue's v_cap: the part of a Panda's speeds that the suite's bundle may use.
const speedScale = 0.3

// pictureSize is the edge of the arm's pictures, in pixels.
const pictureSize = 32

// policyFiles are a base and a bundle that keep the arm moving for as long as it is let: a random transformer of two
// blocks, and a head that listens to the joint positions alone.
type policyFiles struct{ base, bundle string }

// writePolicy makes them in dir, from a backbone of the tests' in the repository.
func writePolicy(dir string, edit func(*bundle.Manifest)) (policyFiles, error) {
	return writePair(dir, edit, trap{})
}

// writeTrap makes a pair whose policy answers nonsense at a certain place.
func writeTrap(dir string, t trap) (policyFiles, error) { return writePair(dir, nil, t) }

func writePair(dir string, edit func(*bundle.Manifest), t trap) (policyFiles, error) {
	files := policyFiles{filepath.Join(dir, "vit_tiny.safetensors"), filepath.Join(dir, "circle.safetensors")}
	opened, err := writeBase(files.base)
	if err != nil {
		return files, err
	}
	m := circleManifest(opened)
	if edit != nil {
		edit(&m)
	}
	return files, writeCircle(files.bundle, m, t)
}

func writeBase(path string) (*base.Base, error) {
	const golden = "model/backbone/testdata/vit_avg"
	weights, err := os.ReadFile(golden + ".safetensors")
	if err != nil {
		return nil, err
	}
	arch, err := os.ReadFile(golden + ".arch.json")
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(path, weights, 0o600); err != nil {
		return nil, err
	}
	return base.Describe(path, base.Record{
		Name: "vit_tiny", Licence: base.Licence{Package: "none", Weights: "none: random numbers"}, Architecture: arch,
	})
}

func circleManifest(on *base.Base) bundle.Manifest {
	panda := robot.Panda()
	m := bundle.Manifest{
		Name: "circle", Task: "move",
		Base:     bundle.Base{Name: on.Record.Name, Digest: on.Identity(), Arch: on.Record.Architecture},
		Adapters: bundle.Adapters{Placement: bundle.PlacementTop, Kind: bundle.KindMLP, Widths: []int{hidden}, Activation: graph.ReLU.String()},
		Robot:    bundle.Robot{Model: panda.Name, JointNames: panda.Joints, Gripper: bundle.Gripper{Open: 0, Closed: 1}},
		Limits:   bundle.LimitsOf(panda.Limits, panda.N(), speedScale),
		Cameras: []preprocess.Camera{{
			Name: "default", SourceWidth: pictureSize, SourceHeight: pictureSize, Width: pictureSize, Height: pictureSize,
			Colour: "rgb", Interpolation: "area", Mean: [3]float64{0.5, 0.5, 0.5}, Std: [3]float64{0.5, 0.5, 0.5},
		}},
		Proprioception: preprocess.ProprioPositions, History: 1,
		Action: bundle.Action{
			Kind: bundle.ActionVelocity, Unit: bundle.UnitVelocity, RateHz: 12.5, ChunkSize: 1, NActionSteps: 1,
			Dimensions: bundle.Dimensions(panda.Joints),
		},
		Training: bundle.Training{DataDigest: "sha256:" + strings.Repeat("0", 64), Software: map[string]string{}},
	}
	m.SetVersion()
	return m
}
