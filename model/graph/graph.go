// Package graph is the one definition of a network: named layers, their parameters and their shapes.
//
// What belongs here: the layers that the project's models are made of, shape inference with its errors, and
// the order in which layers are evaluated. What does not: arithmetic. Two lowerings give a graph its
// arithmetic, model/engine for ONNX Runtime and model/tape for Gorgonia, and both start from the same Graph,
// so that what was trained is what runs.
//
// Shapes are those of ONE example; a lowering puts the batch axis in front. A graph holds no weights either:
// a parameter is a name, a shape and a kind, and the lowering is handed a map from name to values.
package graph

import "fmt"

// Op is what a node computes. The comments give shapes of one example: N tokens, W features.
type Op uint8

const (
	// Input is filled from outside.
	Input Op = iota
	// PatchEmbed cuts (C, H, W') into patches of Attr.Patch pixels, row by row, and maps each linearly to W
	// features. Params: weight (W, C, Patch, Patch) and, if there, bias (W).
	PatchEmbed
	// Prepend puts parameter rows in front of the tokens. Param: tokens (1, K, W).
	Prepend
	// Position adds a parameter of the tokens' own shape. Param: embedding (1, N, W).
	Position
	// LayerNorm normalises the last axis with Attr.Epsilon. Params: weight (W), bias (W).
	LayerNorm
	// Linear is x·weightᵀ + bias on the last axis. Params: weight (out, in) and, if there, bias (out).
	Linear
	// Attention takes queries, keys and values side by side (N, 3W), splits each into Attr.Heads heads, and
	// gives softmax(q·kᵀ/√(W/Heads))·v as (N, W).
	Attention
	// Scale multiplies the last axis by a parameter. Param: gamma (W).
	Scale
	// Add sums two inputs of one shape.
	Add
	// GELU is x·Φ(x) with the exact error function.
	GELU
	// QuickGELU is x·sigmoid(1.702 x).
	QuickGELU
	// ReLU is max(x, 0).
	ReLU
	// Tokens keeps the rows [Attr.From, Attr.To) of (N, W).
	Tokens
	// Token takes row Attr.From of (N, W) as (W).
	Token
	// MeanTokens averages (N, W) over its rows to (W).
	MeanTokens
	// Concat joins vectors (W1), (W2), ... to one.
	Concat
	// Standardise is (x - mean)/std on the last axis. Params: mean (W), std (W), std > 0.
	Standardise
	// Sigmoid is 1/(1 + exp(-x)).
	Sigmoid
	// Conv correlates a map (C, H, W) with weight (O, C/Attr.Groups, Kh, Kw), moving by Attr.Stride over the map
	// padded with zeros by Attr.Pad. Params: weight and, if there, bias (O).
	Conv
	// MaxPool takes the largest value under a window of Attr.Kernel pixels that moves by Attr.Stride; padding
	// by Attr.Pad is never the largest.
	MaxPool
	// AvgPool averages under a window of Attr.Kernel pixels that moves by Attr.Stride. The last window may hang
	// over the edge, and averages what is there (torch's ceil_mode without count_include_pad).
	AvgPool
	// MeanMap averages each channel of (C, H, W) to (C).
	MeanMap
	// Gate multiplies each channel of a map (C, H, W) by its number in a vector (C).
	Gate
	// Gain multiplies by the constant Attr.Factor.
	Gain
)

// String names the op in errors.
func (op Op) String() string {
	names := [...]string{
		Input: "input", PatchEmbed: "patch embed", Prepend: "prepend", Position: "position", LayerNorm: "layer norm",
		Linear: "linear", Attention: "attention", Scale: "scale", Add: "add", GELU: "gelu", QuickGELU: "quick gelu",
		ReLU: "relu", Tokens: "tokens", Token: "token", MeanTokens: "mean of tokens", Concat: "concat",
		Standardise: "standardise", Sigmoid: "sigmoid", Conv: "convolution", MaxPool: "max pool", AvgPool: "average pool",
		MeanMap: "mean of map", Gate: "gate", Gain: "gain",
	}
	if int(op) < len(names) {
		return names[op]
	}
	return fmt.Sprintf("op %d", uint8(op))
}

// Kind says where a parameter's values come from.
type Kind uint8

const (
	// Frozen values come from the base and never change: constants of a lowered model.
	Frozen Kind = iota
	// Fitted values come from the bundle and are set once from data, not by gradient: the mean and deviation
	// that features are standardised with.
	Fitted
	// Trained values come from the bundle and are learned by gradient.
	Trained
)

// Param is a parameter of one or more nodes.
type Param struct {
	Name  string
	Shape []int
	Kind  Kind
	// Delta, of the same shape, is added to the values before any node sees them: how a bundle changes a
	// frozen parameter without touching the base. A delta of zeros changes no bit. It is nil where there is
	// none, and never has one itself.
	Delta *Param
}

// Swapped says whether the parameter belongs to the bundle, so that it is an input of a lowered model: a
// swap of bundles is then a change of inputs.
func (p *Param) Swapped() bool { return p.Kind != Frozen }

// Trained says whether the parameter is learned by gradient.
func (p *Param) Trained() bool { return p.Kind == Trained }

// Len is the number of elements.
func (p *Param) Len() int {
	n := 1
	for _, d := range p.Shape {
		n *= d
	}
	return n
}

// Attr holds the constants of a node; those that its Op does not name are zero.
type Attr struct {
	Patch    int     // PatchEmbed: pixels along each side
	Heads    int     // Attention
	Epsilon  float64 // LayerNorm
	From, To int     // Tokens, Token
	Stride   int     // Conv, MaxPool, AvgPool: pixels, along both axes
	Groups   int     // Conv
	Kernel   int     // MaxPool, AvgPool: pixels along each side
	Pad      Pad     // Conv, MaxPool
	Factor   float64 // Gain
}

// Pad is what is laid around a map, in pixels.
type Pad struct{ Top, Left, Bottom, Right int }

// Around is the same padding on every side.
func Around(pixels int) Pad { return Pad{pixels, pixels, pixels, pixels} }

// Node is one layer.
type Node struct {
	ID     int // place in Graph.Nodes
	Name   string
	Op     Op
	In     []*Node
	Params []*Param // in the order that the Op states
	Attr   Attr
	Shape  []int // of one example
}

// Param is the i-th parameter, nil where an optional one is absent.
func (n *Node) Param(i int) *Param {
	if i >= len(n.Params) {
		return nil
	}
	return n.Params[i]
}

// Graph is a checked network. It is not changed after Build.
type Graph struct {
	Nodes   []*Node // each after the nodes it takes
	Inputs  []*Node
	Outputs []*Node
	Params  []*Param // each once, in order of first use, its Delta right behind it
}

// Swapped lists the parameters that belong to the bundle.
func (g *Graph) Swapped() []*Param {
	var out []*Param
	for _, p := range g.Params {
		if p.Swapped() {
			out = append(out, p)
		}
	}
	return out
}

// Count is the number of elements of all parameters of the kinds given.
func (g *Graph) Count(kinds ...Kind) int {
	n := 0
	for _, p := range g.Params {
		for _, k := range kinds {
			if p.Kind == k {
				n += p.Len()
			}
		}
	}
	return n
}
