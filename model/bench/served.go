package main

import (
	"errors"
	"time"

	"sim2reald/model"
	"sim2reald/model/engine"
	"sim2reald/model/graph"
	"sim2reald/model/safetensors"
	"sim2reald/model/serving"
)

// served is a bundle as the daemon has it: resident on a base that others share, asked for actions.
type served struct {
	resident *serving.Resident
	policy   *serving.Policy
	seen     model.Observation
	out      model.ActionChunk
	base     *serving.Base // closed with it, where it is the base's only bundle
}

// openBase puts the subject's base on ONNX Runtime with a place for every adapter, as the daemon does.
func (l *lab) openBase(m *material, threads int) (*serving.Base, error) {
	options := engine.Options{Threads: threads, Device: engine.CPU, Batch: 1, OneAtATime: true}
	e := serving.Loader(func(g *graph.Graph, values map[string]safetensors.Tensor) (*engine.Model, error) {
		return l.runtime.Load(g, values, options)
	})
	return serving.Open(e, m.adapted, m.values, serving.Options{})
}

// serve makes a bundle resident.
func (m *material) serve(b *serving.Base, params map[string]safetensors.Tensor) (*served, error) {
	r, err := b.Add(m.adapted, params)
	if err != nil {
		return nil, err
	}
	p, err := serving.NewPolicy(r, 1, actions)
	if err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return &served{resident: r, policy: p, seen: model.Observation{Images: [][]float32{m.image}}}, nil
}

// loadNarrow is the same subject with narrow bottlenecks.
func (l *lab) loadNarrow(m *material, threads int) (contender, string, error) {
	other := *m
	if err := other.adapt(narrow, l.seed); err != nil {
		return nil, "", err
	}
	return l.loadServed(&other, threads)
}

// loadServed is the contender of a bout.
func (l *lab) loadServed(m *material, threads int) (contender, string, error) {
	b, err := l.openBase(m, threads)
	if err != nil {
		return nil, "", err
	}
	s, err := m.serve(b, m.params)
	if err != nil {
		return nil, "", errors.Join(err, b.Close())
	}
	s.base = b
	return s, describe(b.Describe()), nil
}

// Run is a contender's.
func (s *served) Run(n int) ([]time.Duration, error) { return timed(n, s.once) }

func (s *served) once() error { return s.policy.Predict(&s.seen, &s.out) }

// Output is a contender's.
func (s *served) Output() ([]float32, error) { return s.out.Data, nil }

// Close is a contender's.
func (s *served) Close() error {
	err := s.resident.Close()
	if s.base != nil {
		err = errors.Join(err, s.base.Close())
	}
	return err
}
