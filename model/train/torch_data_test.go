package train

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"sim2reald/camera"
	"sim2reald/camera/encoded"
	"sim2reald/model/bundle"
	"sim2reald/model/dataset"
	"sim2reald/model/preprocess"
	"sim2reald/model/safetensors"
	"sim2reald/robot"
)

// agreed holds a small dataset and what this package makes of it. The Python package's tests read the same
// folder and must come to the same numbers. SIM2REALD_UPDATE=1 writes both anew.
const agreed = "../torch/tests/data"

const agreedChunk = 3

// agreedMeta is of an arm of two joints and two cameras, one of which is halved and one shrunk by a fraction.
func agreedMeta() dataset.Meta {
	return dataset.Meta{
		Schema: dataset.Schema, Version: dataset.Version,
		Robot: bundle.Robot{Model: "panda", JointNames: []string{"a", "b<c>"}, Gripper: bundle.Gripper{Open: 0, Closed: 1}},
		Cameras: []dataset.Camera{
			{Name: "front", Width: 16, Height: 16, Encoding: "png", Colour: "rgb"},
			{Name: "wrist", Width: 19, Height: 13, Encoding: "png", Colour: "rgb"}},
		ControlRateHz: 12.5, Task: "slide \"it\"", Jitter: "j05", Daemon: "0.1.0",
		Limits: bundle.LimitsOf(robot.Limits{QMin: robot.Vector{-1, -2}, QMax: robot.Vector{1, 2},
			DQMax: robot.Vector{2, 1e-7}, DDQMax: robot.Vector{7.5, 1e21}}, 2, 0.5),
		Software: map[string]string{"mujoco": "3.3.0", "gl": "egl: llvmpipe"},
	}
}

func writeAgreed(t *testing.T) {
	t.Helper()
	dir := filepath.Join(agreed, "dataset")
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	meta := agreedMeta()
	d, err := dataset.Create(dir, meta)
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(4, 4))
	for seed := range int64(3) {
		e := &dataset.Episode{Seed: 7 + 100_000_000*seed, Success: seed != 1}
		for s := range 4 {
			step := dataset.Step{Stamp: time.Duration(s) * 80 * time.Millisecond, Gripper: r.Float64()}
			for j := range 2 {
				step.Q[j], step.DQ[j], step.Wanted.DQ[j] = r.NormFloat64(), r.NormFloat64(), 2*r.NormFloat64()
			}
			step.Wanted.Mode, step.Sent.Mode = robot.Velocity, robot.Velocity
			step.Wanted.Gripper = float64(s) / 2
			for _, c := range meta.Cameras {
				step.Pictures = append(step.Pictures, noisePNG(t, r, c.Width, c.Height))
			}
			e.Steps = append(e.Steps, step)
		}
		if err := d.Write(e); err != nil {
			t.Fatal(err)
		}
	}
}

func noisePNG(t *testing.T, r *rand.Rand, width, height int) []byte {
	t.Helper()
	m := image.NewNRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			m.SetNRGBA(x, y, color.NRGBA{uint8(r.Uint32()), uint8(r.Uint32()), uint8(r.Uint32()), 255})
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// agreedNumbers is what this package makes of the folder.
func agreedNumbers(t *testing.T) *safetensors.File {
	t.Helper()
	d, err := dataset.Open(filepath.Join(agreed, "dataset"))
	if err != nil {
		t.Fatal(err)
	}
	digest, err := d.Digest()
	if err != nil {
		t.Fatal(err)
	}
	demos, err := readDemonstrations(d, true)
	if err != nil {
		t.Fatal(err)
	}
	held, limits := make([]bool, len(demos.episodes)), d.Meta.Limits.Robot()
	r := &run{demos: demos, manifest: bundle.Manifest{Robot: d.Meta.Robot}}
	space, err := r.statistics(held, 2, &limits)
	if err != nil {
		t.Fatal(err)
	}
	action, proprio := r.action, r.proprio
	actions, err := preprocess.NewActions(space, action)
	if err != nil {
		t.Fatal(err)
	}
	f := &safetensors.File{Metadata: map[string]string{"digest": digest}, Tensors: map[string]safetensors.Tensor{}}
	var y, weight, positions []float32
	for _, e := range demos.episodes {
		for s := range e.Steps {
			row, w := make([]float32, agreedChunk*3), make([]float32, agreedChunk*3)
			for k := range min(agreedChunk, len(e.Steps)-s) {
				c := label(&e.Steps[s+k], 2, &limits)
				if err := actions.Encode(&c, &e.Steps[s+k].Q, row[3*k:3*k+3]); err != nil {
					t.Fatal(err)
				}
				copy(w[3*k:], []float32{1, 1, 1})
			}
			y, weight = append(y, row...), append(weight, w...)
			for j := range 2 {
				positions = append(positions, (float32(e.Steps[s].Q[j])-proprio.Mean[j])/proprio.Std[j])
			}
		}
	}
	put := func(name string, rows int, v []float32) {
		f.Tensors[name] = safetensors.Float32([]int{rows, len(v) / rows}, v)
	}
	put("action", 2, slices.Concat(action.Mean, action.Std))
	put("proprio", 2, slices.Concat(proprio.Mean, proprio.Std))
	put("targets", 8, y)
	put("weights", 8, weight)
	put("positions", 8, positions)
	for i, picture := range agreedPictures(t, d) {
		put(fmt.Sprintf("picture.%d", i), 3, picture)
	}
	return f
}

// agreedPictures are the first step's, as the robot would show them to a policy of 8 by 8 pixels.
func agreedPictures(t *testing.T, d *dataset.Dataset) [][]float32 {
	t.Helper()
	e, err := d.Episode(d.Seeds()[0])
	if err != nil {
		t.Fatal(err)
	}
	spec := preprocess.Spec{Proprioception: preprocess.ProprioNone}
	var frames []*camera.Frame
	for i, c := range d.Meta.Cameras {
		spec.Cameras = append(spec.Cameras, preprocess.Camera{Name: c.Name, SourceWidth: c.Width, SourceHeight: c.Height,
			Width: 8, Height: 8, Colour: c.Colour, Interpolation: preprocess.InterpolationBox,
			Mean: [3]float64{0.485, 0.456, 0.406}, Std: [3]float64{0.229, 0.224, 0.225}})
		frame := &camera.Frame{Camera: c.Name}
		if err := encoded.Decode(e.Steps[0].Pictures[i], frame); err != nil {
			t.Fatal(err)
		}
		frames = append(frames, frame)
	}
	o, err := preprocess.NewObserver(spec, 2, preprocess.Stats{})
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	obs := o.Observation()
	if err := o.Observe(frames, &robot.State{}, obs); err != nil {
		t.Fatal(err)
	}
	return obs.Images
}

// TestDataIsReadAsInPython: the numbers are those in the folder, which model/torch/tests compares with its own.
func TestDataIsReadAsInPython(t *testing.T) {
	path := filepath.Join(agreed, "expected.safetensors")
	if os.Getenv("SIM2REALD_UPDATE") != "" {
		writeAgreed(t)
		if err := agreedNumbers(t).WriteFile(path); err != nil {
			t.Fatal(err)
		}
	}
	want, err := safetensors.ReadFile(path, safetensors.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	got := agreedNumbers(t)
	if got.Metadata["digest"] != want.Metadata["digest"] || len(got.Tensors) != len(want.Tensors) {
		t.Fatalf("digest %s and %d tensors, want %s and %d", got.Metadata["digest"], len(got.Tensors), want.Metadata["digest"], len(want.Tensors))
	}
	for name := range want.Tensors {
		if !bytes.Equal(got.Tensors[name].Data, want.Tensors[name].Data) {
			t.Errorf("%s is %v, want %v", name, got.Tensors[name], want.Tensors[name])
		}
	}
}
