package serving

import (
	"slices"

	"sim2reald/model/adapter"
	"sim2reald/model/graph"
	"sim2reald/model/safetensors"
)

// widened is a tensor in the shape of the resident network's parameter, with zeros where the bundle's is
// narrower: what they add to a bottleneck is nothing.
func widened(p *graph.Param, t safetensors.Tensor) (safetensors.Tensor, error) {
	if slices.Equal(p.Shape, t.Shape) {
		return t, nil
	}
	from, err := t.View()
	if err != nil {
		return t, err
	}
	if !fits(t.Shape, p.Shape) || len(from) == 0 {
		return t, mismatch("%q has shape %v, the resident network has room for %v", p.Name, t.Shape, p.Shape)
	}
	to := make([]float32, p.Len())
	for i, v := range from {
		at, rest, stride := 0, i, 1
		for axis := len(p.Shape) - 1; axis >= 0; axis-- {
			at += rest % t.Shape[axis] * stride
			rest /= t.Shape[axis]
			stride *= p.Shape[axis]
		}
		to[at] = v
	}
	return safetensors.Float32(p.Shape, to), nil
}

// Union is the smallest placement that has a place for every adapter of all of them: what a base must be
// opened with to take bundles of each.
func Union(placements ...adapter.Placement) (adapter.Placement, error) {
	var out adapter.Placement
	for _, p := range placements {
		out.Bottom, out.Norms = out.Bottom || p.Bottom, out.Norms || p.Norms
		if p.Middle == nil {
			continue
		}
		if out.Middle == nil {
			m := *p.Middle
			out.Middle = &m
			continue
		}
		if (p.Middle.Width == 0) != (out.Middle.Width == 0) {
			return out, mismatch("one bundle has bottlenecks in the middle and another dense convolutions at the same places; run them by themselves")
		}
		out.Middle = &adapter.Middle{
			Blocks: joined(out.Middle.Blocks, p.Middle.Blocks), Branches: joined(out.Middle.Branches, p.Middle.Branches),
			Width: max(out.Middle.Width, p.Middle.Width),
		}
	}
	return out, nil
}

// joined is every element of both, ascending; an empty list means all.
func joined[T int | string](a, b []T) []T {
	if len(a) == 0 || len(b) == 0 {
		return nil
	}
	all := append(slices.Clone(a), b...)
	slices.Sort(all)
	return slices.Compact(all)
}
