package train

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"image/png"
	"math"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"

	"sim2reald/model"
	"sim2reald/model/adapter"
	"sim2reald/model/bundle"
	"sim2reald/model/dataset"
	"sim2reald/robot"
)

// testArch is a vision transformer of 12 features.
const testArch = `{"family":"vit","image_size":28,"patch_size":14,"width":6,"depth":1,"heads":2,"mlp_ratio":4,` +
	`"pool":"token","pre_norm":false,"activation":"gelu","norm_eps":1e-6,"layer_scale":false,"register_tokens":0}`

// meanSource stands in for a base: 12 averages over parts of the picture, enough to see a bright spot.
type meanSource struct {
	extracted atomic.Int64 // observations
	fail      func(n int64) error
}

func (*meanSource) Identity() string                { return "means 1" }
func (*meanSource) Len() int                        { return 12 }
func (s *meanSource) Extractor() (Extractor, error) { return &meanExtractor{s}, nil }

type meanExtractor struct{ s *meanSource }

func (*meanExtractor) Batch() int   { return 4 }
func (*meanExtractor) Close() error { return nil }

func (e *meanExtractor) Extract(obs []*model.Observation, out []float32) error {
	for k, o := range obs {
		if n := e.s.extracted.Add(1); e.s.fail != nil {
			if err := e.s.fail(n); err != nil {
				return err
			}
		}
		part := len(o.Images[0]) / 12
		for f := range 12 {
			sum := float32(0)
			for _, v := range o.Images[0][f*part : (f+1)*part] {
				sum += v
			}
			out[12*k+f] = sum / float32(part)
		}
	}
	return nil
}

func testOptions(t testing.TB) Options {
	t.Helper()
	o := DefaultOptions()
	o.Name, o.Daemon, o.Commit, o.CacheDir = "door", "0.1.0", "0123", t.TempDir()
	o.Base = bundle.Base{Name: "vit_test", Digest: "sha256:" + strings.Repeat("ab", 32), Arch: []byte(testArch)}
	o.Width, o.Height, o.Mean, o.Std = 28, 28, [3]float64{0.5, 0.5, 0.5}, [3]float64{0.25, 0.25, 0.25}
	o.Widths, o.Epochs, o.Batch, o.Workers, o.BLASThreads = []int{16}, 30, 32, 2, 1
	o.Rates = map[string]float64{adapter.PlaceTop: 3e-3}
	o.Augment = Augment{Views: 1, ShiftPx: 1, Brightness: 0.02, Contrast: 0.02, Saturation: 0.02}
	o.ValidateShare = 0.25
	return o
}

// testData is 9 episodes, one of them failed. Each picture's brightness says the velocity of joint a; the
// gripper closes in the second half; joint b rests.
func testData(t testing.TB) *dataset.Dataset {
	t.Helper()
	d, err := dataset.Create(t.TempDir(), dataset.Meta{
		Schema: dataset.Schema, Version: dataset.Version,
		Robot:   bundle.Robot{Model: "panda", JointNames: []string{"a", "b"}, Gripper: bundle.Gripper{Open: 0, Closed: 1}},
		Cameras: []dataset.Camera{{Name: "front", Width: 56, Height: 56, Encoding: "png", Colour: "rgb"}},
		Task:    "slide", Jitter: "j05", ControlRateHz: 12.5,
		Limits: bundle.LimitsOf(robot.Limits{QMin: robot.Vector{-1, -1}, QMax: robot.Vector{1, 1},
			DQMax: robot.Vector{2, 2}, DDQMax: robot.Vector{9, 9}}, 2, 0.5),
		Software: map[string]string{"mujoco": "3.3.0"}, Daemon: "0.1.0",
	})
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 1))
	for seed := range int64(9) {
		e := &dataset.Episode{Seed: seed, Success: seed != 4}
		for range 12 {
			e.Steps = append(e.Steps, testStep(t, r.Float64()))
		}
		if err := d.Write(e); err != nil {
			t.Fatal(err)
		}
	}
	return d
}

func testStep(t testing.TB, x float64) dataset.Step {
	t.Helper()
	m := image.NewRGBA(image.Rect(0, 0, 56, 56))
	for i := range 56 * 56 {
		m.SetRGBA(i%56, i/56, color.RGBA{uint8(250 * x), uint8(20 + i%56), 100, 255})
	}
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	c := robot.Command{Mode: robot.Velocity, DQ: robot.Vector{2*x - 1, 0}, Gripper: math.Round(x)}
	return dataset.Step{Pictures: [][]byte{b.Bytes()}, Q: robot.Vector{0.1 * x, 0.2}, Wanted: c, Sent: c}
}

func mustRun(t *testing.T, ctx context.Context, d *dataset.Dataset, s Source, o Options) (*bundle.Bundle, *Report) {
	t.Helper()
	b, r, err := Run(ctx, d, s, o, func(Progress) {})
	if err != nil {
		t.Fatal(err)
	}
	return b, r
}
