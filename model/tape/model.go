package tape

import (
	"fmt"
	"sync"

	"gorgonia.org/gorgonia"

	"sim2reald/model"
	"sim2reald/model/graph"
	"sim2reald/model/safetensors"
)

// Model is a graph on a tape, with its frozen weights. Sessions on it carry the bundles; it runs one of them at
// a time.
type Model struct {
	mu      sync.Mutex // guards what follows
	l       *lowering
	outputs gorgonia.Nodes
	bound   *Session // whose parameters and inputs the tape has
	closed  bool
	options Options
}

// Load lowers g. values are its frozen parameters, whose memory is used as it is: it must not change while the
// model lives.
func Load(g *graph.Graph, values map[string]safetensors.Tensor, o Options) (*Model, error) {
	l, err := start(g, values, o)
	if err != nil {
		return nil, fmt.Errorf("loading model: %w", err)
	}
	m := &Model{l: l, options: o}
	m.outputs = l.lower()
	if err := l.finish(m.outputs...); err != nil {
		l.pool.close()
		return nil, fmt.Errorf("loading model: %w", err)
	}
	return m, nil
}

// Describe says what really runs.
func (m *Model) Describe() model.Description {
	return model.Description{Engine: "gorgonia", Version: version(), Device: "cpu", Threads: m.options.Threads}
}

// Graph is what was loaded.
func (m *Model) Graph() *graph.Graph { return m.l.graph }

// Close frees the model. Its sessions can no longer run.
func (m *Model) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return nil
	}
	m.closed, m.bound = true, nil
	return m.l.close()
}

// run computes the session's outputs.
func (m *Model) run(s *Session) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return fmt.Errorf("the model is closed: %w", ErrInput)
	}
	if m.bound != s {
		m.bound = nil
		if err := m.bind(s); err != nil {
			return err
		}
		m.bound = s
	}
	m.l.run()
	for i, n := range m.outputs {
		copy(s.outputs[i], result(n))
	}
	return nil
}

// bind gives the tape the session's memory.
func (m *Model) bind(s *Session) error {
	for i, n := range m.l.inputs {
		if err := gorgonia.Let(n, s.inputs[i]); err != nil {
			return fmt.Errorf("binding input %s: %w", n.Name(), err)
		}
	}
	for i, slot := range m.l.slots {
		if err := gorgonia.Let(slot.leaf, s.params[i]); err != nil {
			return fmt.Errorf("binding parameter %s: %w", slot.Name, err)
		}
	}
	return nil
}
