package engine

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"sim2reald/model"
	"sim2reald/model/adapter"
	"sim2reald/model/graph"
	"sim2reald/model/safetensors"
)

func TestSessionRefuses(t *testing.T) {
	r := runtimeOrSkip(t)
	n := adaptedNetwork(t, "vit_dinov2", []string{"wrist"})
	g, values, good := material(t, n, loadGolden(t, "vit_dinov2").weights)
	m, err := r.Load(g, values, Options{Threads: 1, Device: CPU, Batch: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	}()
	nan := make([]float32, 12)
	nan[3] = float32(math.NaN())
	for _, c := range []struct {
		name, param string
		value       *safetensors.Tensor
	}{
		{"missing", "head.1.bias", nil},
		{"an adapter missing", "adapter.blocks.0.attn.up.bias", nil},
		{"other shape", "head.1.bias", ptr(safetensors.Float32([]int{13}, make([]float32, 13)))},
		{"NaN", "head.1.bias", ptr(safetensors.Float32([]int{12}, nan))},
		{"whole numbers", "head.1.bias", ptr(safetensors.Int64([]int{12}, make([]int64, 12)))},
		{"fewer bytes than its shape", "head.1.bias", &safetensors.Tensor{DType: safetensors.F32, Shape: []int{12}, Data: make([]byte, 44)}},
		{"zero deviation", "head.std", ptr(safetensors.Float32([]int{n.Head.In}, make([]float32, n.Head.In)))},
	} {
		t.Run(c.name, func(t *testing.T) {
			params := maps.Clone(good)
			delete(params, c.param)
			if c.value != nil {
				params[c.param] = *c.value
			}
			s, err := m.Session(params)
			if err == nil {
				s.Close()
				t.Fatal("session was made")
			}
			if !strings.Contains(err.Error(), c.param) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%q does not name %s in one line", err, c.param)
			}
		})
	}
}

func ptr[T any](v T) *T { return &v }

// TestRunAllocatesNothing runs every family with every adapter.
func TestRunAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates by itself")
	}
	r := runtimeOrSkip(t)
	for _, name := range []string{"vit_dinov2", "resnet_bottleneck", "nfnet_plain"} {
		g, values, params := material(t, adaptedNetwork(t, name, []string{"wrist", "front"}), loadGolden(t, name).weights)
		s := sessionWith(t, r, g, values, params, Options{Threads: 2, Device: CPU, Batch: 1})
		var failed error
		allocs := testing.AllocsPerRun(50, func() {
			if err := s.Run(); err != nil {
				failed = err
			}
		})
		if failed != nil || allocs != 0 {
			t.Errorf("%s: Run allocates %g times, 0 wanted; %v", name, allocs, failed)
		}
	}
}

// TestDevices asks for every device and for what is none. Whether there is a GPU decides which of two answers is
// right; each is checked to be honest.
func TestDevices(t *testing.T) {
	r := runtimeOrSkip(t)
	g, values, _ := material(t, adaptedNetwork(t, "vit_dinov2", []string{"wrist"}), loadGolden(t, "vit_dinov2").weights)
	load := func(o Options) (model.Description, error) {
		m, err := r.Load(g, values, o)
		if err != nil {
			return model.Description{}, err
		}
		return m.Describe(), m.Close()
	}
	for _, o := range []Options{
		{Threads: 1, Device: "gpu", Batch: 1}, {Threads: 0, Device: CPU, Batch: 1}, {Threads: 1, Device: CPU},
		{Threads: 1, Device: CPU, Batch: 1, Precision: "int4"}, {Threads: 1, Device: CUDA, Batch: 1, Precision: Int8},
	} {
		if d, err := load(o); err == nil {
			t.Errorf("%+v gave %v", o, d)
		} else if strings.Contains(err.Error(), "\n") {
			t.Errorf("more than one line: %v", err)
		}
	}
	for device, remedy := range map[string]string{CUDA: "onnxruntime-gpu", TensorRT: "TensorRT 10"} {
		d, err := load(Options{Threads: 1, Device: device, Batch: 1})
		if err == nil && d.Device != device {
			t.Errorf("%s: %v", device, d)
		}
		if err != nil && (!errors.Is(err, ErrDevice) || !strings.Contains(err.Error(), remedy) || strings.Contains(err.Error(), "\n")) {
			t.Errorf("%s: %v, want ErrDevice with the remedy", device, err)
		}
		t.Logf("%s: %v, %v", device, d, err)
	}
	d, err := load(Options{Threads: 1, Device: Auto, Batch: 1})
	if err != nil {
		t.Fatal(err)
	}
	if (d.Device == CUDA) != (r.Offers(CUDA) == nil) || !strings.Contains(d.Fallback, "auto took") {
		t.Errorf("auto says %v, and cuda alone %v", d, r.Offers(CUDA))
	}
}

// BenchmarkRun is the real base at 112 pixels with a head of 256 and 256: ms/op is what a tick waits for.
func BenchmarkRun(b *testing.B) {
	r, base := runtimeOrSkip(b), realBase(b)
	n := adapter.Network{Arch: base.Arch, Cameras: []string{"wrist"}, Height: 112, Width: 112}
	n.Head = adapter.Head{In: n.FeatureLen(), Hidden: []int{256, 256}, Out: 8 * 9, Activation: graph.GELU}
	for _, o := range []Options{{Threads: 1}, {Threads: 2}, {Threads: 1, Precision: Int8}, {Threads: 2, Precision: Int8}} {
		o.Device, o.Batch = CPU, 1
		b.Run(fmt.Sprintf("threads=%d/%s", o.Threads, o.Precision), func(b *testing.B) {
			g, values, params := material(b, n, base.File)
			s := sessionWith(b, r, g, values, params, o)
			copy(s.Input(0), noise(len(s.Input(0)), 1))
			b.ReportAllocs()
			for b.Loop() {
				if err := s.Run(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/1e3/float64(b.N), "ms/op")
		})
	}
}

// BenchmarkFeatures is what training waits for: batches of pictures through the real base, no head.
func BenchmarkFeatures(b *testing.B) {
	const batch = 16
	base := realBase(b)
	n := adapter.Network{Arch: base.Arch, Cameras: []string{"wrist"}, Height: 112, Width: 112}
	net, err := n.Features()
	if err != nil {
		b.Fatal(err)
	}
	values, err := n.Arch.Values(base.File, n.Height, n.Width)
	if err != nil {
		b.Fatal(err)
	}
	s := session(b, runtimeOrSkip(b), net, values, nil, batch, 2)
	copy(s.Input(0), noise(len(s.Input(0)), 1))
	for b.Loop() {
		if err := s.Run(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/1e3/float64(b.N*batch), "ms/picture")
}

// TestParametersAreNotCopied: many bundles may share a tensor, and it is in memory once.
func TestParametersAreNotCopied(t *testing.T) {
	r := runtimeOrSkip(t)
	g, values, params := material(t, adaptedNetwork(t, "vit_dinov2", []string{"wrist"}), loadGolden(t, "vit_dinov2").weights)
	s := sessionWith(t, r, g, values, params, Options{Threads: 1, Device: CPU, Batch: 1})
	i := slices.IndexFunc(g.Swapped(), func(p *graph.Param) bool { return p.Name == "head.0.weight" })
	view, err := params["head.0.weight"].View()
	if err != nil {
		t.Fatal(err)
	}
	if &s.params[i].GetData()[0] != &view[0] {
		t.Error("the tensor was copied")
	}
}
