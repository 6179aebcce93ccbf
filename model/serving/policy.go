package serving

import (
	"fmt"
	"slices"

	"sim2reald/model"
	"sim2reald/model/graph"
	"sim2reald/model/safetensors"
)

// Policy asks a resident bundle: pictures and proprioception in, one action chunk out.
type Policy struct {
	bundle    *Resident
	images    []int // inputs of the base that are pictures, in Observation.Images' order
	proprio   int   // input of the base that is proprioception, -1 for none
	rows, dim int
}

// The interface is satisfied, or this does not compile.
var _ model.Policy = (*Policy)(nil)

// NewPolicy wraps a bundle whose network has pictures (3, H, W), at most one vector of proprioception, and one
// output of rows·dim numbers. Closing the bundle stays the caller's.
func NewPolicy(r *Resident, rows, dim int) (*Policy, error) {
	p := &Policy{bundle: r, proprio: -1, rows: rows, dim: dim}
	for i, n := range r.network.whole.Inputs {
		if err := p.claim(r.inputs[i], n); err != nil {
			return nil, err
		}
	}
	if rows < 1 || dim < 1 || len(r.head.Output(0)) != rows*dim {
		return nil, fmt.Errorf("policy: model gives %d numbers, a chunk wants %d rows of %d: %w", len(r.head.Output(0)), rows, dim, ErrInput)
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
func (p *Policy) Describe() model.Description { return p.bundle.base.Describe() }

// Predict runs the network once. out.Data is filled in place; it must hold the chunk, or be nil to be made
// once. An output that is not finite is ErrOutput, and out is then not to be used. While another bundle of
// the base runs, it waits.
func (p *Policy) Predict(obs *model.Observation, out *model.ActionChunk) error {
	b := p.bundle.base
	b.running.Lock()
	defer b.running.Unlock()
	if err := p.fill(obs); err != nil {
		return err
	}
	if err := b.runFrozen(); err != nil {
		return err
	}
	if err := b.runAdapted(p.bundle.adapted); err != nil {
		return err
	}
	return p.answer(out)
}

// Together asks several policies of one base about one observation, each into its place of out, and runs what
// they have in common once: the frozen layers before the first adapter, and for those that share their
// adapters, or have none, everything but the head.
func Together(policies []*Policy, obs *model.Observation, out []model.ActionChunk) error {
	if len(policies) == 0 || len(policies) != len(out) {
		return fmt.Errorf("asking %d policies into %d answers: %w", len(policies), len(out), ErrInput)
	}
	b := policies[0].bundle.base
	b.running.Lock()
	defer b.running.Unlock()
	for _, p := range policies {
		if p.bundle.base != b {
			return fmt.Errorf("asking policies of two bases at once: %w", ErrInput)
		}
		if err := p.fill(obs); err != nil {
			return err
		}
	}
	if err := b.runFrozen(); err != nil {
		return err
	}
	for i, p := range policies {
		shared := func(q *Policy) bool { return q.bundle.adapted == p.bundle.adapted }
		if slices.ContainsFunc(policies[:i], shared) {
			continue
		}
		if err := b.runAdapted(p.bundle.adapted); err != nil {
			return err
		}
		for k := i; k < len(policies); k++ {
			if !shared(policies[k]) {
				continue
			}
			if err := policies[k].answer(&out[k]); err != nil {
				return err
			}
		}
	}
	return nil
}

// fill copies the observation into the base's inputs.
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
	into := p.bundle.base.inputs[i]
	name := p.bundle.base.network.whole.Inputs[i].Name
	if len(values) != len(into) {
		return fmt.Errorf("policy: %s has %d numbers, the model wants %d: %w", name, len(values), len(into), ErrInput)
	}
	if k := safetensors.FirstNotFinite(values); k >= 0 {
		return fmt.Errorf("policy: %s, number %d is %g: %w", name, k, values[k], ErrInput)
	}
	copy(into, values)
	return nil
}

// answer runs the head on what the parts before it gave last.
func (p *Policy) answer(out *model.ActionChunk) error {
	actions, err := p.bundle.runHead()
	if err != nil {
		return err
	}
	if i := safetensors.FirstNotFinite(actions); i >= 0 {
		return fmt.Errorf("policy: row %d, number %d of the actions is %g: %w", i/p.dim, i%p.dim, actions[i], ErrOutput)
	}
	if cap(out.Data) < len(actions) {
		out.Data = make([]float32, len(actions))
	}
	out.Rows, out.Dim, out.Data = p.rows, p.dim, out.Data[:len(actions)]
	copy(out.Data, actions)
	return nil
}
