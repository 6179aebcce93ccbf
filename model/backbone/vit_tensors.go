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
			out[derived], err = v.derivedPosition(f, rows, cols)
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
	out := v.Build(b, "", b.Input("image", 3, height, width), nil)
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

// derivedPosition is the base's position embedding for another grid of patches. The rows of class token and
// registers stay as they are, and are zero where the base has none.
func (v *ViT) derivedPosition(f *safetensors.File, rows, cols int) (safetensors.Tensor, error) {
	side := v.grid()
	own, err := v.ownPosition(f)
	if err != nil || rows == side && cols == side && own.Shape[1] == v.prefixTokens()+side*side {
		return own, err
	}
	values, err := own.Float32s()
	if err != nil {
		return own, fmt.Errorf("tensor %q: %w", positionTensor, err)
	}
	covered := len(values) - side*side*v.Width
	grid := values[covered:]
	if rows != side || cols != side {
		grid = resample(grid, side, side, rows, cols, v.Width)
	}
	out := make([]float32, v.prefixTokens()*v.Width, v.prefixTokens()*v.Width+len(grid))
	copy(out, values[:covered])
	return safetensors.Float32([]int{1, v.prefixTokens() + rows*cols, v.Width}, append(out, grid...)), nil
}

// ownPosition picks the base's position embedding: of every token, or of the patches alone.
func (v *ViT) ownPosition(f *safetensors.File) (safetensors.Tensor, error) {
	patches := v.grid() * v.grid()
	if bare := []int{1, patches, v.Width}; slices.Equal(f.Tensors[positionTensor].Shape, bare) {
		return pick(f, positionTensor, bare)
	}
	return pick(f, positionTensor, []int{1, v.prefixTokens() + patches, v.Width})
}
