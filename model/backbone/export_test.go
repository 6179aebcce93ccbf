package backbone

import (
	"sim2reald/model/safetensors"
)

// ExactValues is Values with derived parameters in float64, where Values rounds them: what is left of a
// difference to timm is then no rounding.
func ExactValues(a Arch, f *safetensors.File, height, width int) (map[string]safetensors.Tensor, error) {
	out, err := a.Values(f, height, width)
	p, ok := a.(planned)
	if !ok || err != nil {
		return out, err
	}
	params, recipes, err := parameters(p, height, width)
	if err != nil {
		return nil, err
	}
	for _, p := range params {
		r, ok := recipes[p.Name]
		if !ok {
			continue
		}
		in := make([][]float64, len(r.from))
		for i, s := range r.from {
			if in[i], err = f.Tensors[s.name].Float64s(); err != nil {
				return nil, err
			}
		}
		out[p.Name] = safetensors.Float64(p.Shape, r.cook(in))
	}
	return out, nil
}

// Source is a tensor that an architecture wants of a base.
type Source struct {
	Name  string
	Shape []int
}

// Sources lists what Check looks for, in no order.
func Sources(a Arch) ([]Source, error) {
	var out []Source
	if v, ok := a.(*ViT); ok {
		params, err := v.params(v.ImageSize, v.ImageSize)
		for _, p := range params {
			out = append(out, Source{p.Name, p.Shape})
		}
		return out, err
	}
	params, recipes, err := parameters(a.(planned), 224, 224)
	seen := map[string]bool{}
	for _, s := range sources(params, recipes) {
		if !seen[s.name] {
			seen[s.name] = true
			out = append(out, Source{s.name, s.shape})
		}
	}
	return out, err
}
