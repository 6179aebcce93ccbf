package engine

import (
	"fmt"

	"sim2reald/model"
	"sim2reald/model/graph"
)

// Policy runs a session as a model.Policy: pictures and proprioception in, one action chunk out.
type Policy struct {
	session   *Session
	images    []int // inputs that are pictures, in Observation.Images' order
	proprio   int   // input that is proprioception, -1 for none
	rows, dim int
}

// The interface is satisfied, or this does not compile.
var _ model.Policy = (*Policy)(nil)

// NewPolicy wraps a session of batch 1 whose graph has pictures (3, H, W), at most one vector of
// proprioception, and one output of rows·dim numbers. Closing the session stays the caller's.
func NewPolicy(s *Session, rows, dim int) (*Policy, error) {
	p := &Policy{session: s, proprio: -1, rows: rows, dim: dim}
	if s.model.batch != 1 {
		return nil, fmt.Errorf("policy: model is loaded for batches of %d, a policy needs 1: %w", s.model.batch, ErrInput)
	}
	g := s.model.graph
	for i, n := range g.Inputs {
		if err := p.claim(i, n); err != nil {
			return nil, err
		}
	}
	if len(g.Outputs) != 1 || rows < 1 || dim < 1 || len(s.Output(0)) != rows*dim {
		return nil, fmt.Errorf("policy: model has %d outputs, the first of %d numbers, a chunk wants %d rows of %d: %w",
			len(g.Outputs), len(s.Output(0)), rows, dim, ErrInput)
	}
	return p, nil
}

// claim sorts one input by its axes.
func (p *Policy) claim(i int, n *graph.Node) error {
	switch {
	case len(n.Shape) == 3:
		p.images = append(p.images, i)
	case len(n.Shape) == 1 && p.proprio < 0:
		p.proprio = i
	default:
		return fmt.Errorf("policy: input %q of shape %v is neither picture nor proprioception: %w", n.Name, n.Shape, ErrInput)
	}
	return nil
}

// Describe says what really runs.
func (p *Policy) Describe() Description { return p.session.model.Describe() }

// Predict runs the network once. out.Data is filled in place; it must hold the chunk, or be nil to be made
// once. An output that is not finite is ErrOutput, and out is then not to be used.
func (p *Policy) Predict(obs *model.Observation, out *model.ActionChunk) error {
	if err := p.fill(obs); err != nil {
		return err
	}
	if err := p.session.Run(); err != nil {
		return err
	}
	actions := p.session.Output(0)
	if i := firstNotFinite(actions); i >= 0 {
		return fmt.Errorf("policy: row %d, number %d of the actions is %g: %w", i/p.dim, i%p.dim, actions[i], ErrOutput)
	}
	if cap(out.Data) < len(actions) {
		out.Data = make([]float32, len(actions))
	}
	out.Rows, out.Dim, out.Data = p.rows, p.dim, out.Data[:len(actions)]
	copy(out.Data, actions)
	return nil
}

// fill copies the observation into the session's tensors.
func (p *Policy) fill(obs *model.Observation) error {
	if len(obs.Images) != len(p.images) {
		return fmt.Errorf("policy: observation of %d pictures, the model wants %d: %w", len(obs.Images), len(p.images), ErrInput)
	}
	for k, i := range p.images {
		if err := p.put(i, obs.Images[k]); err != nil {
			return err
		}
	}
	if p.proprio >= 0 {
		return p.put(p.proprio, obs.Proprio)
	}
	if len(obs.Proprio) != 0 {
		return fmt.Errorf("policy: observation has %d numbers of proprioception, the model takes none: %w", len(obs.Proprio), ErrInput)
	}
	return nil
}

func (p *Policy) put(i int, values []float32) error {
	into := p.session.Input(i)
	name := p.session.model.graph.Inputs[i].Name
	if len(values) != len(into) {
		return fmt.Errorf("policy: %s has %d numbers, the model wants %d: %w", name, len(values), len(into), ErrInput)
	}
	if k := firstNotFinite(values); k >= 0 {
		return fmt.Errorf("policy: %s, number %d is %g: %w", name, k, values[k], ErrInput)
	}
	copy(into, values)
	return nil
}
