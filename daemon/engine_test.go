package main

import (
	"errors"
	"image/png"
	"math"
	"os"
	"strings"
	"testing"

	"sim2reald/camera"
	"sim2reald/daemon/config"
	"sim2reald/daemon/control"
	"sim2reald/model/engine"
	"sim2reald/robot"
)

// brainConfig is the demonstration's, without a workcell.
func brainConfig(t *testing.T) config.Config {
	t.Helper()
	cfg := config.Default()
	need(t, cfg.Policy.Base, "the pretrained base")
	need(t, cfg.Engine.Library, "ONNX Runtime")
	return cfg
}

func brainOf(t *testing.T, cfg config.Config) *brain {
	t.Helper()
	b, err := openBrain(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

// kitchenPicture is the camera's picture in the page's screenshot, which is in the repository.
func kitchenPicture(t *testing.T) *camera.Frame {
	t.Helper()
	file, err := os.Open("daemon/web/screenshot.png")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	screen, err := png.Decode(file)
	if err != nil {
		t.Fatal(err)
	}
	const left, top, size, side = 20, 69, 446, 224 // px
	f := &camera.Frame{Camera: "default", Width: side, Height: side}
	for i := range side * side {
		r, g, b, _ := screen.At(left+i%side*size/side, top+i/side*size/side).RGBA()
		f.Pix = append(f.Pix, byte(r>>8), byte(g>>8), byte(b>>8))
	}
	return f
}

// answerOf is what a bundle wants when it sees the kitchen.
func answerOf(t *testing.T, b *brain) robot.Command {
	t.Helper()
	p, err := b.load(b.bundle)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	}()
	var plan control.Plan
	if err := p.actor.Act([]*camera.Frame{kitchenPicture(t)}, &robot.State{}, &plan); err != nil {
		t.Fatal(err)
	}
	return plan.Wanted[0]
}

// TestEngines runs the demonstration's bundle in every way that this machine has: each says what it is, and all
// agree about what to do; 8 bits move a command of up to 0.8 rad/s by at most 0.11 here.
func TestEngines(t *testing.T) {
	cfg := brainConfig(t)
	var want robot.Vector
	t.Run("float32 on onnxruntime", func(t *testing.T) { want = answerOf(t, brainOf(t, cfg)).DQ })
	for _, c := range []struct {
		name, engine, device, precision string
		spin                            bool
		says                            []string
		within                          float64 // rad/s
	}{
		{"gorgonia", config.Gorgonia, "cpu", "float32", false, []string{"gorgonia", "on cpu", "float32"}, 1e-4},
		{"gorgonia, auto", config.Gorgonia, "auto", "float32", false, []string{"on cpu", "auto took the cpu: gorgonia computes nowhere else"}, 1e-4},
		{"onnxruntime, auto", config.ONNXRuntime, "auto", "float32", false, []string{"onnxruntime", "auto took"}, 1e-4},
		{"onnxruntime, spinning", config.ONNXRuntime, "cpu", "float32", true, []string{"onnxruntime", "threads 2, spinning"}, 1e-4},
		{"int8", config.ONNXRuntime, "cpu", "int8", false, []string{"onnxruntime", "on cpu", "int8"}, 0.2},
		{"int8, auto", config.ONNXRuntime, "auto", "int8", false, []string{"on cpu, int8", "auto took the cpu", "int8"}, 0.2},
	} {
		t.Run(c.name, func(t *testing.T) {
			with := cfg
			with.Engine.Name, with.Engine.Device, with.Engine.Precision = c.engine, c.device, c.precision
			if c.spin {
				with.Engine.Spin, with.Engine.Threads = true, 2
			}
			b := brainOf(t, with)
			says := b.describe().String()
			for _, word := range c.says {
				if !strings.Contains(says, word) {
					t.Errorf("%q does not say %q", says, word)
				}
			}
			t.Log(says)
			got := answerOf(t, b).DQ
			for j := range 7 {
				d := math.Abs(got[j] - want[j])
				t.Logf("joint %d: %.4f rad/s, %.4f apart", j, got[j], d)
				if !(d <= c.within) {
					t.Errorf("joint %d: %g rad/s, float32 on onnxruntime %g; %g apart, at most %g", j, got[j], want[j], d, c.within)
				}
			}
			if c.precision == "int8" && got == want {
				t.Error("int8 changes nothing: it was not used")
			}
		})
	}
}

// TestEngineRefusals asks for what cannot be had: one line with what is missing and the remedy. On a machine
// with a GPU the first two are granted instead, and must then say so.
func TestEngineRefusals(t *testing.T) {
	cfg := brainConfig(t)
	for _, c := range []struct {
		engine, device, precision string
		want                      []string
	}{
		{config.ONNXRuntime, "cuda", "float32", []string{"cuda", "CUDA 13", "onnxruntime-gpu", "ask for cpu"}},
		{config.ONNXRuntime, "tensorrt", "float32", []string{"tensorrt", "TensorRT 10", "ask for cuda or cpu"}},
		{config.ONNXRuntime, "cuda", "int8", []string{"int8 path is the cpu's", "float32"}},
		{config.Gorgonia, "cuda", "float32", []string{"engine.device cuda", "set engine.device to cpu", "engine.name to onnxruntime"}},
		{config.Gorgonia, "tensorrt", "float32", []string{"engine.device tensorrt", "engine.name to onnxruntime"}},
		{config.Gorgonia, "cpu", "int8", []string{"engine.precision int8", "float32", "engine.name to onnxruntime"}},
	} {
		t.Run(c.engine+" "+c.device+" "+c.precision, func(t *testing.T) {
			with := cfg
			with.Engine.Name, with.Engine.Device, with.Engine.Precision = c.engine, c.device, c.precision
			b, err := openBrain(with)
			if err == nil {
				says := b.describe()
				if err := b.Close(); err != nil {
					t.Error(err)
				}
				if says.Device != c.device || c.precision == "int8" || c.engine == config.Gorgonia {
					t.Errorf("asked for %s, got %v", c.device, says)
				}
				return
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("more than one line: %v", err)
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q does not say %q", err, want)
				}
			}
			if c.engine == config.ONNXRuntime && !errors.Is(err, engine.ErrDevice) {
				t.Errorf("%v is not ErrDevice", err)
			}
		})
	}
}

// TestGorgoniaSpin: what an engine cannot be told is refused with the remedy.
func TestGorgoniaSpin(t *testing.T) {
	wanted := config.Default().Engine
	wanted.Name, wanted.Spin = config.Gorgonia, true
	if _, err := gorgonia(wanted); err == nil || !strings.Contains(err.Error(), "set engine.spin to false") {
		t.Errorf("error %v", err)
	}
}
