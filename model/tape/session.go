package tape

import (
	"fmt"

	"gorgonia.org/tensor"

	"sim2reald/model/graph"
	"sim2reald/model/safetensors"
)

// Session is one bundle on a Model: its parameters, and the memory that a run reads and fills. It is used from
// one goroutine at a time; several sessions share a model, and run one after the other.
type Session struct {
	model   *Model
	inputs  []*tensor.Dense // as Graph.Inputs
	outputs [][]float32     // as Graph.Outputs
	params  []*tensor.Dense // as the tape's slots
	closed  bool
}

// Session makes a session with the bundle's parameters, which are copied. They must be finite, and deviations
// to standardise with above zero.
func (m *Model) Session(params map[string]safetensors.Tensor) (*Session, error) {
	s := &Session{model: m}
	for _, p := range m.l.graph.Swapped() {
		if err := checkFinite(p, params); err != nil {
			return nil, fmt.Errorf("making session: %w", err)
		}
	}
	if err := checkDeviations(m.l.graph, params); err != nil {
		return nil, fmt.Errorf("making session: %w", err)
	}
	for _, slot := range m.l.slots {
		v, err := slot.fill(m.l.frozen, params)
		if err != nil {
			return nil, fmt.Errorf("making session: %w", err)
		}
		s.params = append(s.params, v)
	}
	for _, n := range m.l.graph.Inputs {
		s.inputs = append(s.inputs, vector(aligned(m.l.size(n))))
	}
	for _, n := range m.l.graph.Outputs {
		s.outputs = append(s.outputs, make([]float32, m.l.size(n)))
	}
	return s, nil
}

// checkFinite refuses a bundle's parameter that is missing, of another shape, or not finite.
func checkFinite(p *graph.Param, params map[string]safetensors.Tensor) error {
	v, err := floats(p, params)
	if err != nil {
		return fmt.Errorf("bundle: %w", err)
	}
	if i := safetensors.FirstNotFinite(v); i >= 0 {
		return fmt.Errorf("bundle parameter %q, element %d is %g: %w", p.Name, i, v[i], ErrInput)
	}
	return nil
}

// checkDeviations refuses to divide by zero: what is standardised needs deviations above it.
func checkDeviations(g *graph.Graph, params map[string]safetensors.Tensor) error {
	for _, n := range g.Nodes {
		if n.Op != graph.Standardise || !n.Params[1].Swapped() {
			continue
		}
		v, err := floats(n.Params[1], params)
		if err != nil {
			return err
		}
		for i, x := range v {
			if !(x > 0) {
				return fmt.Errorf("bundle parameter %q, element %d is %g, a deviation is above 0: %w", n.Params[1].Name, i, x, ErrInput)
			}
		}
	}
	return nil
}

// Input is the memory of the i-th of Graph.Inputs, (Batch, shape...) row-major. Write it before Run.
func (s *Session) Input(i int) []float32 { return s.inputs[i].Float32s() }

// Output is the memory of the i-th of Graph.Outputs, (Batch, shape...) row-major, valid until the next Run.
func (s *Session) Output(i int) []float32 { return s.outputs[i] }

// Run fills the outputs from the inputs. It allocates nothing.
func (s *Session) Run() error {
	if s.closed {
		return fmt.Errorf("running a session that is closed: %w", ErrInput)
	}
	return s.model.run(s)
}

// Close ends the session and lets go of its memory.
func (s *Session) Close() error {
	s.model.mu.Lock()
	defer s.model.mu.Unlock()
	if s.model.bound == s {
		s.model.bound = nil
	}
	s.closed, s.params = true, nil
	return nil
}
