package engine

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"testing"

	"sim2reald/model"
	"sim2reald/model/adapter"
	"sim2reald/model/graph"
	"sim2reald/model/safetensors"
)

// tinyNetwork is a whole policy on the golden vit_dinov2: two cameras, proprioception, three rows of four.
func tinyNetwork(t testing.TB, cameras ...string) (adapter.Network, golden) {
	t.Helper()
	g := loadGolden(t, "vit_dinov2")
	n := adapter.Network{Arch: g.arch, Cameras: cameras, Height: 42, Width: 28, Proprio: 5}
	n.Head = adapter.Head{In: n.FeatureLen(), Hidden: []int{16, 8}, Out: 12, Activation: graph.GELU}
	return n, g
}

// policyOf loads a network with a seeded head.
func policyOf(t testing.TB, r *Runtime, n adapter.Network, frozen *safetensors.File, rows, threads int) *Policy {
	t.Helper()
	net, err := n.Graph()
	if err != nil {
		t.Fatal(err)
	}
	values, err := n.Arch.Values(frozen, n.Height, n.Width)
	if err != nil {
		t.Fatal(err)
	}
	params, err := n.Head.Init(adapter.Start{Seed: 7})
	if err != nil {
		t.Fatal(err)
	}
	p, err := NewPolicy(session(t, r, net, values, params, 1, threads), rows, n.Head.Out/rows)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// observation is noise of the network's sizes.
func observation(n adapter.Network) *model.Observation {
	obs := &model.Observation{}
	for i := range n.Cameras {
		obs.Images = append(obs.Images, noise(3*n.Height*n.Width, uint64(i)))
	}
	if n.Proprio > 0 {
		obs.Proprio = noise(n.Proprio, 99)
	}
	return obs
}

func TestPolicyPredict(t *testing.T) {
	n, g := tinyNetwork(t, "wrist", "front")
	p := policyOf(t, runtimeOrSkip(t), n, g.weights, 3, 1)
	obs := observation(n)
	var first, second model.ActionChunk
	if err := p.Predict(obs, &first); err != nil {
		t.Fatal(err)
	}
	if first.Rows != 3 || first.Dim != 4 || len(first.Data) != 12 {
		t.Fatalf("chunk of %d rows of %d, %d numbers; 3, 4, 12 wanted", first.Rows, first.Dim, len(first.Data))
	}
	if err := p.Predict(obs, &second); err != nil {
		t.Fatal(err)
	}
	for i := range first.Data {
		if first.Data[i] != second.Data[i] {
			t.Errorf("number %d: %g, then %g for the same observation", i, first.Data[i], second.Data[i])
		}
	}
	obs.Images[0], obs.Images[1] = obs.Images[1], obs.Images[0]
	if err := p.Predict(obs, &second); err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(first.Data) == fmt.Sprint(second.Data) {
		t.Error("exchanging the two cameras' pictures changes nothing")
	}
}

func TestPolicyRefuses(t *testing.T) {
	n, g := tinyNetwork(t, "wrist")
	p := policyOf(t, runtimeOrSkip(t), n, g.weights, 3, 1)
	for _, c := range []struct {
		name  string
		spoil func(*model.Observation)
	}{
		{"no picture", func(o *model.Observation) { o.Images = nil }},
		{"two pictures", func(o *model.Observation) { o.Images = append(o.Images, o.Images[0]) }},
		{"small picture", func(o *model.Observation) { o.Images[0] = o.Images[0][1:] }},
		{"NaN pixel", func(o *model.Observation) { o.Images[0][5] = float32(math.NaN()) }},
		{"no proprioception", func(o *model.Observation) { o.Proprio = nil }},
		{"infinite proprioception", func(o *model.Observation) { o.Proprio[4] = float32(math.Inf(-1)) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			obs := observation(n)
			c.spoil(obs)
			var out model.ActionChunk
			if err := p.Predict(obs, &out); !errors.Is(err, ErrInput) {
				t.Errorf("error %v, want ErrInput", err)
			}
		})
	}
}

// TestSessionsShareModel is what a swap of bundles relies on: one loaded model, two heads, each its own answer.
func TestSessionsShareModel(t *testing.T) {
	n, g := tinyNetwork(t, "wrist")
	first := policyOf(t, runtimeOrSkip(t), n, g.weights, 3, 1)
	zero, err := n.Head.Init(adapter.Start{Seed: 7, ZeroLast: true})
	if err != nil {
		t.Fatal(err)
	}
	s, err := first.session.model.Session(zero)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	second, err := NewPolicy(s, 3, 4)
	if err != nil {
		t.Fatal(err)
	}
	var a, b, again model.ActionChunk
	for _, run := range []struct {
		p   *Policy
		out *model.ActionChunk
	}{{first, &a}, {second, &b}, {first, &again}} {
		if err := run.p.Predict(observation(n), run.out); err != nil {
			t.Fatal(err)
		}
	}
	if fmt.Sprint(b.Data) != fmt.Sprint(make([]float32, 12)) {
		t.Errorf("head with a zero last layer answers %v", b.Data)
	}
	if fmt.Sprint(a.Data) != fmt.Sprint(again.Data) || fmt.Sprint(a.Data) == fmt.Sprint(b.Data) {
		t.Errorf("first head answers %v, then %v beside %v", a.Data, again.Data, b.Data)
	}
}

func TestSessionRefuses(t *testing.T) {
	n, g := tinyNetwork(t, "wrist")
	p := policyOf(t, runtimeOrSkip(t), n, g.weights, 3, 1)
	good, err := n.Head.Init(adapter.Start{})
	if err != nil {
		t.Fatal(err)
	}
	nan := make([]float32, 12)
	nan[3] = float32(math.NaN())
	for _, c := range []struct {
		name, param string
		value       *safetensors.Tensor
	}{
		{"missing", "head.2.bias", nil},
		{"other shape", "head.2.bias", ptr(safetensors.Float32([]int{13}, make([]float32, 13)))},
		{"NaN", "head.2.bias", ptr(safetensors.Float32([]int{12}, nan))},
		{"whole numbers", "head.2.bias", ptr(safetensors.Int64([]int{12}, make([]int64, 12)))},
		{"zero deviation", "head.std", ptr(safetensors.Float32([]int{n.Head.In}, make([]float32, n.Head.In)))},
	} {
		t.Run(c.name, func(t *testing.T) {
			params := maps.Clone(good)
			delete(params, c.param)
			if c.value != nil {
				params[c.param] = *c.value
			}
			if s, err := p.session.model.Session(params); err == nil {
				s.Close()
				t.Error("session was made")
			} else {
				t.Log(err)
			}
		})
	}
}

func ptr[T any](v T) *T { return &v }

func TestPredictAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates by itself")
	}
	n, g := tinyNetwork(t, "wrist", "front")
	p := policyOf(t, runtimeOrSkip(t), n, g.weights, 3, 2)
	obs := observation(n)
	out := model.ActionChunk{Data: make([]float32, 12)}
	var failed error
	allocs := testing.AllocsPerRun(100, func() {
		if err := p.Predict(obs, &out); err != nil {
			failed = err
		}
	})
	if failed != nil {
		t.Fatal(failed)
	}
	if allocs != 0 {
		t.Errorf("Predict allocates %g times, 0 wanted", allocs)
	}
}

func TestDevices(t *testing.T) {
	r := runtimeOrSkip(t)
	n, g := tinyNetwork(t, "wrist")
	net, err := n.Graph()
	if err != nil {
		t.Fatal(err)
	}
	values, err := n.Arch.Values(g.weights, n.Height, n.Width)
	if err != nil {
		t.Fatal(err)
	}
	load := func(o Options) (Description, error) {
		m, err := r.Load(net, values, o)
		if err != nil {
			return Description{}, err
		}
		return m.Describe(), m.Close()
	}
	for _, o := range []Options{
		{Threads: 1, Device: "gpu", Batch: 1}, {Threads: 0, Device: CPU, Batch: 1}, {Threads: 1, Device: CPU},
	} {
		if d, err := load(o); err == nil {
			t.Errorf("%+v gave %v", o, d)
		}
	}
	// Whether there is a GPU decides which of two answers is right; each is checked to be honest.
	_, gpu := load(Options{Threads: 1, Device: CUDA, Batch: 1})
	if gpu != nil && !errors.Is(gpu, ErrDevice) {
		t.Errorf("cuda: %v, want ErrDevice", gpu)
	}
	t.Logf("cuda: %v", gpu)
	d, err := load(Options{Threads: 1, Device: Auto, Batch: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Log(d)
	if (d.Device == CUDA) != (gpu == nil) || (d.Fallback == "") != (gpu == nil) {
		t.Errorf("auto says %v, and cuda alone said %v", d, gpu)
	}
}

// BenchmarkPredict is the real base at 112 pixels with a head of 256 and 256: ms/op is what a tick waits for.
func BenchmarkPredict(b *testing.B) {
	r, base := runtimeOrSkip(b), realBase(b)
	n := adapter.Network{Arch: base.Arch, Cameras: []string{"wrist"}, Height: 112, Width: 112}
	n.Head = adapter.Head{In: n.FeatureLen(), Hidden: []int{256, 256}, Out: 8 * 9, Activation: graph.GELU}
	for _, threads := range []int{1, 2} {
		b.Run(fmt.Sprintf("threads=%d", threads), func(b *testing.B) {
			p := policyOf(b, r, n, base.File, 8, threads)
			obs := observation(n)
			var out model.ActionChunk
			b.ReportAllocs()
			for b.Loop() {
				if err := p.Predict(obs, &out); err != nil {
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
