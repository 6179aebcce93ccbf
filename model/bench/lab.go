package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"

	"sim2reald/model/adapter"
	"sim2reald/model/backbone"
	"sim2reald/model/engine"
	"sim2reald/model/graph"
	"sim2reald/model/safetensors"
)

// lab is what all bouts share.
type lab struct {
	runtime *engine.Runtime
	python  []string // command of a peer; nil where there is none
	noPeers string   // why
	torch   string   // folder of the package sim2real_torch
	scratch string   // folder for weights, pictures and exports
	log     io.Writer
	seed    uint64
	only    *regexp.Regexp // contenders of an inference; nil for all
	// noExport leaves out PyTorch's export, which takes a minute and which nobody on a GPU is given.
	noExport bool
}

// peersLog is the file in the scratch folder with all that peers say.
const peersLog = "peers.log"

// interpreter is the Python of the peers' environment, or why there is none.
func interpreter(environment, script string) (python []string, absent string) {
	path := filepath.Join(environment, "bin", "python")
	if _, err := os.Stat(path); err != nil {
		return nil, "no " + path + "; `make bench-setup` installs it"
	}
	if _, err := os.Stat(script); err != nil {
		return nil, oneLine(err.Error())
	}
	return []string{path, script}, ""
}

// material is a subject ready to be loaded.
type material struct {
	subject
	frozen, adapted *graph.Graph // picture to pooled feature; picture to actions
	values          map[string]safetensors.Tensor
	params          map[string]safetensors.Tensor // of the adapted graph
	image           []float32
	weights, input  string // files; empty without peers
	onnx            string // PyTorch's export; empty where there is none
	noONNX          string // why
}

// prepare makes one set of weights for all contenders.
func (l *lab) prepare(s subject) (*material, error) {
	m := &material{subject: s, image: noise(3*s.side*s.side, l.seed), noONNX: l.noPeers}
	if err := m.build(l.seed); err != nil {
		return nil, err
	}
	if l.python == nil {
		m.values = frozenNoise(m.adapted, l.seed)
		return m, nil
	}
	if err := l.prepareFiles(m); err != nil {
		return nil, err
	}
	return m, m.read()
}

// build makes the graphs and the adapters' values.
func (m *material) build(seed uint64) error {
	frozen, err := m.network(nowhere)
	if err != nil {
		return err
	}
	b := graph.NewBuilder()
	if m.frozen, err = b.Build(frozen.Arch.Build(b, "", b.Input("image", 3, m.side, m.side), nil).Pooled); err != nil {
		return err
	}
	return m.adapt(everywhere, seed)
}

// adapt gives the subject the adapters of a placement.
func (m *material) adapt(place func(backbone.Arch) adapter.Placement, seed uint64) error {
	n, err := m.network(place)
	if err != nil {
		return err
	}
	if m.adapted, err = n.Graph(); err != nil {
		return err
	}
	m.params, err = firstValues(n, m.adapted, seed)
	return err
}

// prepareFiles has a peer write the weights and PyTorch's export of them.
func (l *lab) prepareFiles(m *material) error {
	in := func(suffix string) string { return filepath.Join(l.scratch, m.preset+suffix) }
	m.weights, m.input = in(".safetensors"), in(".image.f32")
	if err := os.WriteFile(m.input, safetensors.Float32(nil, m.image).Data, 0o644); err != nil {
		return err
	}
	job := ask{Do: "weights", Backbone: m.preset, Side: m.side, Weights: m.weights, Input: m.input, Threads: 1, Seed: l.seed}
	p, err := l.start(job)
	if err != nil {
		return fmt.Errorf("making weights of %s (more in %s): %w", m.preset, filepath.Join(l.scratch, peersLog), err)
	}
	defer p.Close()
	if l.noExport {
		m.noONNX = "not exported"
		return nil
	}
	job.Do, job.ONNX = "export", in(".onnx")
	if _, err := p.ask(job); err != nil {
		m.noONNX = "exporting from PyTorch: " + oneLine(err.Error())
		return nil
	}
	m.onnx, m.noONNX = job.ONNX, ""
	return nil
}

// read takes the weights as a base's file would be.
func (m *material) read() error {
	file, err := safetensors.ReadFile(m.weights, safetensors.DefaultLimits())
	if err != nil {
		return err
	}
	n, err := m.network(nowhere)
	if err != nil {
		return err
	}
	m.values, err = n.Arch.Values(file, m.side, m.side)
	return err
}

// start is a peer that has done its first job.
func (l *lab) start(first ask) (*peer, error) {
	if l.python == nil {
		return nil, fmt.Errorf("%s", l.noPeers)
	}
	cache, err := filepath.Abs(filepath.Join(l.scratch, "inductor"))
	if err != nil {
		return nil, err
	}
	c := command{args: l.python, env: []string{"TORCHINDUCTOR_CACHE_DIR=" + cache}, log: l.log}
	return c.start(first)
}
