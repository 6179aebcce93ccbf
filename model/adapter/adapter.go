// Package adapter adds the trained parts of a policy to a frozen backbone, as layers of the same graph, and
// composes the two into the whole policy network.
//
// What belongs here: where trained layers sit, their names, shapes and first values. What does not: the
// backbone's own layers (model/backbone), how they are trained (model/train) and run (model/engine), and the
// file they are kept in (model/bundle).
//
// The top is a small MLP on the backbone's features, or one linear map. Below it, a Placement says what is
// trained inside the backbone: a delta of the layer that sees the picture (bottom), residual adapters in its
// blocks (middle), deltas of its LayerNorms (norms). All of these begin as nothing: the untrained network is
// the frozen one.
package adapter

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"

	"sim2reald/model/graph"
	"sim2reald/model/safetensors"
)

// ErrHead is wrapped by every refusal of this package.
var ErrHead = errors.New("unusable head")

// FeaturesInput is the name of the input of a head's own graph.
const FeaturesInput = "features"

// Bounds of a head, far beyond what a policy needs: they keep a file from asking for gigabytes.
const (
	maxWidth  = 1 << 16
	maxLayers = 16
)

// Head is the top adapter: features are standardised with the training data's mean and deviation, pass
// hidden layers of linear map and activation, and a last linear map gives the actions. Without hidden layers
// it is a linear head.
//
// Parameters: head.mean and head.std (In), fitted; head.I.weight (out, in) and head.I.bias (out), trained,
// I counting from 0 through the hidden layers to the last.
type Head struct {
	In         int   // length of the features
	Hidden     []int // width of each hidden layer, base to tip
	Out        int   // rows of the action chunk times numbers in an action
	Activation graph.Op
}

// Validate is ErrHead for sizes out of bounds or an unknown activation.
func (h Head) Validate() error {
	sizes := h.sizes()
	if len(sizes) > maxLayers {
		return fmt.Errorf("head of %d layers, at most %d: %w", len(sizes)-1, maxLayers-1, ErrHead)
	}
	for i, s := range sizes {
		if s < 1 || s > maxWidth {
			return fmt.Errorf("head: size %d of layer %d is outside 1 to %d: %w", s, i, maxWidth, ErrHead)
		}
	}
	if h.Activation != graph.GELU && h.Activation != graph.ReLU {
		return fmt.Errorf("head: activation %s is neither gelu nor relu: %w", h.Activation, ErrHead)
	}
	return nil
}

// sizes runs from In through Hidden to Out.
func (h Head) sizes() []int {
	return append(append([]int{h.In}, h.Hidden...), h.Out)
}

// Build adds the head to b behind the features and gives the actions (Out).
func (h Head) Build(b *graph.Builder, features *graph.Node) *graph.Node {
	x := b.Standardise("head.standardise", features, b.Fitted("head.mean", h.In), b.Fitted("head.std", h.In))
	sizes := h.sizes()
	for i := range len(sizes) - 1 {
		name := fmt.Sprintf("head.%d", i)
		weight := b.Trained(name+".weight", sizes[i+1], sizes[i])
		x = b.Linear(name, x, weight, b.Trained(name+".bias", sizes[i+1]))
		if i < len(h.Hidden) {
			x = b.Activate(name+".act", h.Activation, x)
		}
	}
	return x
}

// Graph is the head alone, from the input FeaturesInput (In) to the actions (Out): what is trained on cached
// features.
func (h Head) Graph() (*graph.Graph, error) {
	if err := h.Validate(); err != nil {
		return nil, err
	}
	b := graph.NewBuilder()
	return b.Build(h.Build(b, b.Input(FeaturesInput, h.In)))
}

// Start says how a head begins.
type Start struct {
	Seed uint64
	// ZeroLast makes the last layer zero, so that the untrained head answers zero to everything.
	ZeroLast bool
}

// Init gives first values for every parameter, the same for the same seed on every machine: mean 0 and
// deviation 1, weights and biases uniform within ±1/√in, as torch.nn.Linear starts.
func (h Head) Init(start Start) (map[string]safetensors.Tensor, error) {
	if err := h.Validate(); err != nil {
		return nil, err
	}
	out := map[string]safetensors.Tensor{
		"head.mean": safetensors.Float32([]int{h.In}, make([]float32, h.In)),
		"head.std":  safetensors.Float32([]int{h.In}, filled(h.In, func() float32 { return 1 })),
	}
	rng := rand.New(rand.NewPCG(start.Seed, 0x73696d3272656164)) // any fixed stream
	sizes := h.sizes()
	for i := range len(sizes) - 1 {
		in, width := sizes[i], sizes[i+1]
		draw := uniform(rng, 1/math.Sqrt(float64(in)))
		if start.ZeroLast && i == len(h.Hidden) {
			draw = func() float32 { return 0 }
		}
		name := fmt.Sprintf("head.%d", i)
		out[name+".weight"] = safetensors.Float32([]int{width, in}, filled(width*in, draw))
		out[name+".bias"] = safetensors.Float32([]int{width}, filled(width, draw))
	}
	return out, nil
}

// uniform draws within ±bound. The conversion keeps the compiler from fusing the two operations, which would
// round otherwise on some machines.
func uniform(rng *rand.Rand, bound float64) func() float32 {
	return func() float32 {
		unit := float64(2*rng.Float64()) - 1
		return float32(float64(unit * bound))
	}
}

func filled(n int, draw func() float32) []float32 {
	out := make([]float32, n)
	for i := range out {
		out[i] = draw()
	}
	return out
}
