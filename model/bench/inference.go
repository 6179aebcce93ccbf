package main

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"sim2reald/model"
	"sim2reald/model/adapter"
	"sim2reald/model/engine"
	"sim2reald/model/graph"
	"sim2reald/model/safetensors"
)

// Names of the contenders, as rows and figures know them.
const (
	nameEngine        = "engine"
	nameSpinning      = "engine-spinning"
	nameTape          = "tape"
	nameServed        = "policy"
	nameNarrow        = "policy-narrow"
	nameEngineAdapted = "engine+adapters"
	nameTapeAdapted   = "tape+adapters"
	namePython        = "onnxruntime-python"
	nameCompile       = "torch-compile"
	nameEager         = "torch-eager"
	nameInt8          = "engine-int8"
	nameSgemm         = "sgemm"
)

// firstValues are a bundle's, with adapters that do something.
func firstValues(n adapter.Network, g *graph.Graph, seed uint64) (map[string]safetensors.Tensor, error) {
	first, err := n.Init(adapter.Start{Seed: seed})
	if err != nil {
		return nil, err
	}
	return bundleNoise(g, first, seed), nil
}

// inference loads every contender that can be had for one picture through the subject.
func (l *lab) inference(m *material, threads int) *bout {
	b := &bout{title: fmt.Sprintf("%s, batch 1, %s", m.label, threadsText(threads)),
		about: fmt.Sprintf("%dx%d pixels, %.1f GFLOP frozen, %.1f with all adapters and head", m.side, m.side, m.flops(false)/1e9, m.flops(true)/1e9)}
	b.only = l.only
	float, eight := l.loadEngine(engine.Options{Device: engine.CPU}), l.loadEngine(engine.Options{Device: engine.CPU, Precision: engine.Int8})
	b.enter(m.ours(nameEngine, "engine: ONNX Runtime from Go", false, threads, float))
	if threads > 1 { // one thread waits for nobody
		b.enter(m.ours(nameSpinning, "engine, spinning", false, threads, l.loadEngine(engine.Options{Device: engine.CPU, Spin: true})))
	}
	b.enter(
		m.ours(nameTape, "tape: Gorgonia", false, threads, loadTape),
		place{&entry{name: nameServed, label: "policy: what the daemon asks, all adapters", group: "actions", flops: m.flops(true), exact: true},
			func() (contender, string, error) { return l.loadServed(m, threads) }},
		m.ours(nameEngineAdapted, "engine, all adapters and head", true, threads, float),
		m.ours(nameTapeAdapted, "tape, all adapters and head", true, threads, loadTape),
		m.ours(nameInt8, "engine, base in int8", false, threads, eight),
	)
	if m.dense() {
		label := fmt.Sprintf("policy, middle adapters of width %d", narrowWidth)
		b.enter(place{&entry{name: nameNarrow, label: label}, func() (contender, string, error) { return l.loadNarrow(m, threads) }})
	}
	if e := b.find(nameInt8); e != nil {
		e.exact = false
	}
	b.enterTogether(l.peers(m, threads)...)
	b.enter(product(threads))
	return b
}

var errNotQuantised = errors.New("no layer of this network runs in 8 bits: the output is the float32 engine's, bit for bit")

// checkInt8 takes the place of an int8 contender that computes in float32 after all.
func (b *bout) checkInt8(outputs map[string][]float32) {
	e, float := b.find(nameInt8), outputs[nameEngine]
	if e != nil && e.c != nil && float != nil && slices.Equal(outputs[nameInt8], float) {
		b.lose(e, errNotQuantised)
		delete(outputs, nameInt8)
	}
}

// product is the yardstick.
func product(threads int) place {
	s := newSgemm(sgemmSide, threads)
	return place{&entry{name: nameSgemm, label: "OpenBLAS sgemm", flops: s.flops()}, func() (contender, string, error) {
		return s, fmt.Sprintf("%s, matrices of side %d", blasVersion(), sgemmSide), nil
	}}
}

// ours is a place for one of this project's engines, with the picture in its input.
func (m *material) ours(name, label string, adapted bool, threads int, load loader) place {
	g, params, group := m.frozen, map[string]safetensors.Tensor(nil), "features"
	if adapted {
		g, params, group = m.adapted, m.params, "actions"
	}
	return place{&entry{name: name, label: label, group: group, flops: m.flops(adapted), exact: true},
		func() (contender, string, error) {
			o, says, err := load(g, m.values, params, threads)
			if err != nil {
				return nil, "", err // and no contender, which a nil *own would be
			}
			copy(o.session.Input(0), m.image)
			return o, says, nil
		}}
}

// peers are places for processes. PyTorch eager comes last: the others are held to its output, because it
// computes the layers one by one as they are written.
func (l *lab) peers(m *material, threads int) []place {
	var out []place
	for _, p := range []struct{ name, label, kind string }{
		{namePython, "ONNX Runtime from Python", "onnxruntime"},
		{nameCompile, "PyTorch, torch.compile", "compile"},
		{nameEager, "PyTorch eager", "eager"},
	} {
		out = append(out, place{&entry{name: p.name, label: p.label, group: "features", flops: m.flops(false), exact: true},
			func() (contender, string, error) { return l.loadPeer(m, p.kind, threads) }})
	}
	return out
}

func (l *lab) loadPeer(m *material, kind string, threads int) (contender, string, error) {
	if kind == "onnxruntime" && m.onnx == "" {
		return nil, "", fmt.Errorf("%s", m.noONNX)
	}
	p, err := l.start(ask{Do: "load", Kind: kind, Backbone: m.preset, Side: m.side,
		Weights: m.weights, Input: m.input, ONNX: m.onnx, Threads: threads})
	if err != nil {
		return nil, "", err
	}
	return p, p.says, nil
}

// loader loads one of this project's engines.
type loader func(g *graph.Graph, values, params map[string]safetensors.Tensor, threads int) (*own, string, error)

func (l *lab) loadEngine(o engine.Options) loader {
	return func(g *graph.Graph, values, params map[string]safetensors.Tensor, threads int) (*own, string, error) {
		o.Threads, o.Batch = threads, 1
		m, err := l.runtime.Load(g, values, o)
		if err != nil {
			return nil, "", err
		}
		s, err := m.Session(params)
		if err != nil {
			return nil, "", errors.Join(err, m.Close())
		}
		return &own{s, m}, describe(m.Describe()), nil
	}
}

// describe is what runs, without the threads, which a bout's title tells.
func describe(d model.Description) string {
	text := fmt.Sprintf("%s %s on %s, %s", d.Engine, d.Version, d.Device, cmp.Or(d.Precision, engine.Float32))
	if d.Spin {
		text += ", spinning within an inference"
	}
	if d.Layout != "" {
		text += ", convolutions with adapters " + d.Layout
	}
	return text
}

func (m *material) flops(adapted bool) float64 {
	if adapted {
		return flops(m.adapted)
	}
	return flops(m.frozen)
}

func threadsText(n int) string {
	if n == 1 {
		return "1 thread"
	}
	return fmt.Sprintf("%d threads", n)
}
