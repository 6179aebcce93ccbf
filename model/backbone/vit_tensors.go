package backbone

import (
	"fmt"
	"slices"

	"sim2reald/model/graph"
	"sim2reald/model/safetensors"
)

const positionTensor = "pos_embed"

// Check says whether f is a base of this architecture. Tensors beyond it (a classifier) are let be.
func (v *ViT) Check(f *safetensors.File) error {
	_, err := v.Values(f, v.ImageSize, v.ImageSize)
	return err
}

// Values picks and derives the frozen parameters, see Arch.
func (v *ViT) Values(f *safetensors.File, height, width int) (map[string]safetensors.Tensor, error) {
	params, err := v.params(height, width)
	if err != nil {
		return nil, err
	}
	rows, cols := height/v.PatchSize, width/v.PatchSize
	derived := v.positionName(rows, cols)
	out := make(map[string]safetensors.Tensor, len(params))
	for _, p := range params {
		if p.Name == derived {
			out[derived], err = v.resampledPosition(f, rows, cols)
		} else {
			out[p.Name], err = pick(f, p.Name, p.Shape)
		}
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// params asks the graph itself, so that what is checked is what is built.
func (v *ViT) params(height, width int) ([]*graph.Param, error) {
	if err := v.CheckSize(height, width); err != nil {
		return nil, err
	}
	b := graph.NewBuilder()
	out := v.Build(b, "", b.Input("image", 3, height, width))
	g, err := b.Build(out.Features)
	if err != nil {
		return nil, err
	}
	return g.Params, nil
}

// pick finds a tensor and checks shape and dtype.
func pick(f *safetensors.File, name string, shape []int) (safetensors.Tensor, error) {
	t, ok := f.Tensors[name]
	if !ok {
		return t, fmt.Errorf("tensor %q is missing: %w", name, ErrTensor)
	}
	if !slices.Equal(t.Shape, shape) {
		return t, fmt.Errorf("tensor %q has shape %v, the architecture wants %v: %w", name, t.Shape, shape, ErrTensor)
	}
	switch t.DType {
	case safetensors.F16, safetensors.BF16, safetensors.F32, safetensors.F64:
		return t, nil
	}
	return t, fmt.Errorf("tensor %q is of %s, weights are floats: %w", name, t.DType, ErrTensor)
}

// resampledPosition is the base's position embedding for another grid of patches; the class token's row, if
// there is one, stays as it is.
func (v *ViT) resampledPosition(f *safetensors.File, rows, cols int) (safetensors.Tensor, error) {
	side := v.grid()
	own, err := pick(f, positionTensor, []int{1, v.positions(side * side), v.Width})
	if err != nil || rows == side && cols == side {
		return own, err
	}
	values, err := own.Float32s()
	if err != nil {
		return own, fmt.Errorf("tensor %q: %w", positionTensor, err)
	}
	prefix := (v.positions(0)) * v.Width
	grid := resample(values[prefix:], side, side, rows, cols, v.Width)
	out := append(slices.Clone(values[:prefix]), grid...)
	return safetensors.Float32([]int{1, v.positions(rows * cols), v.Width}, out), nil
}
