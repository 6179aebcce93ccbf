package engine

import (
	"fmt"
	"maps"
	"slices"

	ort "github.com/yalue/onnxruntime_go"

	"sim2reald/model/graph"
	"sim2reald/model/safetensors"
)

// adaptedValues are the base's values of every parameter that a bundle adds to, by the name of what is added.
func adaptedValues(g *graph.Graph, values map[string]safetensors.Tensor) (map[string][]float32, error) {
	out := map[string][]float32{}
	for _, p := range g.Params {
		if p.Delta == nil {
			continue
		}
		if _, err := rawFloats(p, values); err != nil {
			return nil, err
		}
		v, err := values[p.Name].Float32s()
		if err != nil {
			return nil, fmt.Errorf("parameter %q: %w", p.Name, err)
		}
		out[p.Delta.Name] = v
	}
	return out, nil
}

// inputValues are what the lowered model takes for a parameter of the bundle: the parameter, or where it is added to
// one of the base, the sum.
func (m *Model) inputValues(p *graph.Param, params map[string]safetensors.Tensor) ([]float32, error) {
	values, err := paramValues(p, params)
	if err != nil {
		return nil, err
	}
	base, ok := m.adapted[p.Name]
	if !ok {
		return values, nil
	}
	values = sum(base, values)
	if i := safetensors.FirstNotFinite(values); i >= 0 {
		return nil, fmt.Errorf("bundle parameter %q, element %d makes the base's %g %g: %w", p.Name, i, base[i], values[i], ErrInput)
	}
	return values, nil
}

// sum is base + delta: the base's own memory where delta is zero throughout, and its bits wherever it is.
func sum(base, delta []float32) []float32 {
	if !slices.ContainsFunc(delta, func(d float32) bool { return d != 0 }) {
		return base
	}
	out := slices.Clone(base)
	for i, d := range delta {
		if d != 0 {
			out[i] += d
		}
	}
	return out
}

// bake makes an engine for one bundle, its parameters as constants, where they cannot be inputs.
func (m *Model) bake(params map[string]safetensors.Tensor) (*ort.DynamicAdvancedSession, error) {
	all := maps.Clone(m.values)
	for _, p := range m.graph.Swapped() {
		values, err := m.inputValues(p, params)
		if err != nil {
			return nil, err
		}
		all[p.Name] = safetensors.Float32(p.Shape, values)
	}
	return m.load(frozen(m.graph), all)
}

// frozen is the same network with every parameter a constant. Of a parameter and what is added to it there is one,
// under the name of the latter.
func frozen(g *graph.Graph) *graph.Graph {
	params := map[*graph.Param]*graph.Param{nil: nil}
	out := &graph.Graph{}
	for _, p := range g.Params {
		if p.Delta != nil {
			continue
		}
		params[p] = &graph.Param{Name: p.Name, Shape: p.Shape}
		out.Params = append(out.Params, params[p])
	}
	nodes := map[*graph.Node]*graph.Node{}
	mapped := func(from []*graph.Node) (to []*graph.Node) {
		for _, n := range from {
			to = append(to, nodes[n])
		}
		return to
	}
	for _, n := range g.Nodes {
		c := *n
		c.In, c.Params = mapped(n.In), nil
		for _, p := range n.Params {
			if p.Delta != nil {
				p = p.Delta
			}
			c.Params = append(c.Params, params[p])
		}
		nodes[n] = &c
		out.Nodes = append(out.Nodes, &c)
	}
	out.Inputs, out.Outputs = mapped(g.Inputs), mapped(g.Outputs)
	return out
}

// checkDeviations refuses to divide by zero: what is standardised needs deviations above it.
func checkDeviations(g *graph.Graph, params map[string]safetensors.Tensor) error {
	for _, n := range g.Nodes {
		if n.Op != graph.Standardise || !n.Params[1].Swapped() {
			continue
		}
		values, err := paramValues(n.Params[1], params)
		if err != nil {
			return err
		}
		for i, v := range values {
			if !(v > 0) {
				return fmt.Errorf("bundle parameter %q, element %d is %g, a deviation is above 0: %w", n.Params[1].Name, i, v, ErrInput)
			}
		}
	}
	return nil
}

// paramValues finds and checks the values of one parameter.
func paramValues(p *graph.Param, params map[string]safetensors.Tensor) ([]float32, error) {
	t, ok := params[p.Name]
	if !ok {
		return nil, fmt.Errorf("bundle parameter %q is missing: %w", p.Name, ErrInput)
	}
	if !slices.Equal(t.Shape, p.Shape) {
		return nil, fmt.Errorf("bundle parameter %q has shape %v, the graph wants %v: %w", p.Name, t.Shape, p.Shape, ErrInput)
	}
	values, err := t.View()
	if err != nil {
		return nil, fmt.Errorf("bundle parameter %q: %w", p.Name, err)
	}
	if len(values) != p.Len() {
		return nil, fmt.Errorf("bundle parameter %q has %d numbers, its shape %v wants %d: %w", p.Name, len(values), p.Shape, p.Len(), ErrInput)
	}
	if i := safetensors.FirstNotFinite(values); i >= 0 {
		return nil, fmt.Errorf("bundle parameter %q, element %d is %g: %w", p.Name, i, values[i], ErrInput)
	}
	return values, nil
}
