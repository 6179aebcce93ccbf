package backbone

import (
	"fmt"

	"sim2reald/model/graph"
	"sim2reald/model/safetensors"
)

// maxSide bounds the sides of a picture, in pixels.
const maxSide = 4096

// stack carries what the parts of one convolutional network share while it is built.
type stack struct {
	*graph.Builder
	prefix  string
	adapter Adapter
	recipes map[string]recipe
	blocks  int // so far
}

func newStack(b *graph.Builder, prefix string, adapter Adapter) *stack {
	return &stack{Builder: b, prefix: prefix, adapter: adapter, recipes: map[string]recipe{}}
}

// derived declares a frozen parameter that is made by a recipe.
func (s *stack) derived(name string, shape []int, r recipe) *graph.Param {
	s.recipes[name] = r
	return s.Frozen(name, shape...)
}

// bottom offers the stem's parameters to the adapter.
func (s *stack) bottom(name string, weight, bias *graph.Param) {
	if s.adapter != nil {
		s.adapter.Bottom(s.Builder, name, weight, bias)
	}
}

// middle offers the first 3x3 convolution of the current block to the adapter.
func (s *stack) middle(name string, x *graph.Node) *graph.Node {
	if s.adapter == nil {
		return x
	}
	return s.adapter.Middle(s.Builder, Branch{Block: s.blocks, Name: name, Prefix: s.prefix}, x)
}

// channels of a map, 0 once the builder has failed.
func (s *stack) channels(x *graph.Node) int {
	if s.Err() != nil {
		return 0
	}
	return x.Shape[0]
}

// planned is a convolutional network that says, besides its layers, how its parameters are made.
type planned interface {
	Arch
	plan(b *graph.Builder, prefix string, image *graph.Node, adapter Adapter) (Outputs, map[string]recipe)
}

// parameters lists what a network wants for pictures of this size, and the recipes.
func parameters(a planned, height, width int) ([]*graph.Param, map[string]recipe, error) {
	if err := a.CheckSize(height, width); err != nil {
		return nil, nil, err
	}
	b := graph.NewBuilder()
	out, recipes := a.plan(b, "", b.Input("image", 3, height, width), nil)
	g, err := b.Build(out.Features)
	if err != nil {
		return nil, nil, err
	}
	return g.Params, recipes, nil
}

// valuesOf is Arch.Values of a network whose parameters do not depend on the picture's size.
func valuesOf(a planned, f *safetensors.File, height, width int) (map[string]safetensors.Tensor, error) {
	params, recipes, err := parameters(a, height, width)
	if err != nil {
		return nil, err
	}
	return derive(f, params, recipes)
}

// check is Arch.Check: it looks at every tensor and derives none.
func check(a planned, f *safetensors.File) error {
	params, recipes, err := parameters(a, 224, 224) // any size will do
	if err != nil {
		return err
	}
	for _, s := range sources(params, recipes) {
		if _, err := pick(f, s.name, s.shape); err != nil {
			return err
		}
	}
	return nil
}

// checkSides refuses pictures without pixels and absurd ones; convolutions take every other size.
func checkSides(height, width int) error {
	for _, side := range []int{height, width} {
		if side < 1 || side > maxSide {
			return fmt.Errorf("picture of %dx%d pixels, each side is 1 to %d: %w", width, height, maxSide, ErrArch)
		}
	}
	return nil
}

// bounded is a number of a record with its bounds.
type bounded struct {
	key              string
	value, low, high float64
}

// checkBounds refuses the first number out of its bounds, NaN included.
func checkBounds(all []bounded) error {
	for _, n := range all {
		if !(n.value >= n.low && n.value <= n.high) {
			return fmt.Errorf("architecture: %s %g is outside %g to %g: %w", n.key, n.value, n.low, n.high, ErrArch)
		}
	}
	return nil
}

// eachBounded bounds every number of a list.
func eachBounded(key string, values []int, low, high float64) []bounded {
	var out []bounded
	for i, v := range values {
		out = append(out, bounded{fmt.Sprintf("%s[%d]", key, i), float64(v), low, high})
	}
	return out
}
