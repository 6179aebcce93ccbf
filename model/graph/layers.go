package graph

import (
	"math"
	"slices"
)

// Input adds a source of examples of the given shape.
func (b *Builder) Input(name string, shape ...int) *Node {
	return b.add(&Node{Name: name, Op: Input, Shape: slices.Clone(shape)})
}

// PatchEmbed adds a layer, see the Op; bias may be nil.
func (b *Builder) PatchEmbed(name string, in *Node, weight, bias *Param, patch int) *Node {
	n := &Node{Name: name, Op: PatchEmbed, In: []*Node{in}, Attr: Attr{Patch: patch}}
	if !b.want(name, in, 3) || !b.wantRank(name, weight, 4) {
		return n
	}
	if patch < 1 || in.Shape[1]%patch != 0 || in.Shape[2]%patch != 0 {
		b.fail(name, "picture %dx%d is not whole patches of %d pixels", in.Shape[2], in.Shape[1], patch)
		return n
	}
	width := weight.Shape[0]
	b.wantParam(name, weight, width, in.Shape[0], patch, patch)
	n.Params = b.withBias(name, weight, bias, width)
	n.Shape = []int{in.Shape[1] / patch * (in.Shape[2] / patch), width}
	return b.add(n)
}

// Prepend adds a layer, see the Op.
func (b *Builder) Prepend(name string, in *Node, tokens *Param) *Node {
	n := &Node{Name: name, Op: Prepend, In: []*Node{in}, Params: []*Param{tokens}}
	if !b.want(name, in, 2) || !b.wantRank(name, tokens, 3) {
		return n
	}
	b.wantParam(name, tokens, 1, tokens.Shape[1], in.Shape[1])
	n.Shape = []int{in.Shape[0] + tokens.Shape[1], in.Shape[1]}
	return b.add(n)
}

// Position adds a layer, see the Op.
func (b *Builder) Position(name string, in *Node, embedding *Param) *Node {
	n := &Node{Name: name, Op: Position, In: []*Node{in}, Params: []*Param{embedding}}
	if !b.want(name, in, 2) {
		return n
	}
	b.wantParam(name, embedding, 1, in.Shape[0], in.Shape[1])
	n.Shape = slices.Clone(in.Shape)
	return b.add(n)
}

// LayerNorm adds a layer, see the Op.
func (b *Builder) LayerNorm(name string, in *Node, weight, bias *Param, epsilon float64) *Node {
	n := b.perFeature(name, LayerNorm, in, weight, bias)
	n.Attr.Epsilon = epsilon
	if !(epsilon > 0 && epsilon < 1) {
		b.fail(name, "epsilon %g is not between 0 and 1", epsilon)
	}
	return n
}

// Scale adds a layer, see the Op.
func (b *Builder) Scale(name string, in *Node, gamma *Param) *Node {
	return b.perFeature(name, Scale, in, gamma)
}

// Standardise adds a layer, see the Op.
func (b *Builder) Standardise(name string, in *Node, mean, std *Param) *Node {
	return b.perFeature(name, Standardise, in, mean, std)
}

// perFeature is a layer that keeps its shape and whose parameters hold one number per feature.
func (b *Builder) perFeature(name string, op Op, in *Node, params ...*Param) *Node {
	n := &Node{Name: name, Op: op, In: []*Node{in}, Params: params}
	width := b.last(name, in)
	for _, p := range params {
		b.wantParam(name, p, width)
	}
	if b.err != nil {
		return n
	}
	n.Shape = slices.Clone(in.Shape)
	return b.add(n)
}

// Linear adds a layer, see the Op; bias may be nil.
func (b *Builder) Linear(name string, in *Node, weight, bias *Param) *Node {
	n := &Node{Name: name, Op: Linear, In: []*Node{in}}
	width := b.last(name, in)
	if b.err != nil || !b.wantRank(name, weight, 2) {
		return n
	}
	out := weight.Shape[0]
	b.wantParam(name, weight, out, width)
	n.Params = b.withBias(name, weight, bias, out)
	n.Shape = slices.Clone(in.Shape)
	n.Shape[len(n.Shape)-1] = out
	return b.add(n)
}

// Attention adds a layer, see the Op.
func (b *Builder) Attention(name string, qkv *Node, heads int) *Node {
	n := &Node{Name: name, Op: Attention, In: []*Node{qkv}, Attr: Attr{Heads: heads}}
	if !b.want(name, qkv, 2) {
		return n
	}
	if heads < 1 || qkv.Shape[1]%(3*heads) != 0 {
		b.fail(name, "%d features are not 3 parts of %d heads", qkv.Shape[1], heads)
		return n
	}
	n.Shape = []int{qkv.Shape[0], qkv.Shape[1] / 3}
	return b.add(n)
}

// Add adds a layer, see the Op.
func (b *Builder) Add(name string, x, y *Node) *Node {
	n := &Node{Name: name, Op: Add, In: []*Node{x, y}}
	if b.err == nil && (x == nil || y == nil || !slices.Equal(x.Shape, y.Shape)) {
		b.fail(name, "sums layers of different shapes")
	}
	if b.err != nil {
		return n
	}
	n.Shape = slices.Clone(x.Shape)
	return b.add(n)
}

// Activate adds GELU, QuickGELU, ReLU or Sigmoid.
func (b *Builder) Activate(name string, op Op, in *Node) *Node {
	if op != GELU && op != QuickGELU && op != ReLU && op != Sigmoid {
		b.fail(name, "%s is not an activation", op)
	}
	return b.perFeature(name, op, in)
}

// Tokens adds a layer, see the Op.
func (b *Builder) Tokens(name string, in *Node, from, to int) *Node {
	n := &Node{Name: name, Op: Tokens, In: []*Node{in}, Attr: Attr{From: from, To: to}}
	if !b.want(name, in, 2) {
		return n
	}
	if from < 0 || to > in.Shape[0] || from >= to {
		b.fail(name, "rows [%d, %d) of %d", from, to, in.Shape[0])
		return n
	}
	n.Shape = []int{to - from, in.Shape[1]}
	return b.add(n)
}

// Token adds a layer, see the Op.
func (b *Builder) Token(name string, in *Node, row int) *Node {
	n := &Node{Name: name, Op: Token, In: []*Node{in}, Attr: Attr{From: row}}
	if !b.want(name, in, 2) {
		return n
	}
	if row < 0 || row >= in.Shape[0] {
		b.fail(name, "row %d of %d", row, in.Shape[0])
		return n
	}
	n.Shape = []int{in.Shape[1]}
	return b.add(n)
}

// MeanTokens adds a layer, see the Op.
func (b *Builder) MeanTokens(name string, in *Node) *Node {
	n := &Node{Name: name, Op: MeanTokens, In: []*Node{in}}
	if !b.want(name, in, 2) {
		return n
	}
	n.Shape = []int{in.Shape[1]}
	return b.add(n)
}

// Concat adds a layer, see the Op.
func (b *Builder) Concat(name string, in ...*Node) *Node {
	n := &Node{Name: name, Op: Concat, In: slices.Clone(in)}
	width := 0
	for _, x := range in {
		if !b.want(name, x, 1) {
			return n
		}
		width = min(width+x.Shape[0], math.MaxInt32)
	}
	n.Shape = []int{width}
	return b.add(n)
}

// wantRank fails the layer unless p has rank axes.
func (b *Builder) wantRank(name string, p *Param, rank int) bool {
	if b.err == nil && (p == nil || len(p.Shape) != rank) {
		b.fail(name, "lacks a parameter of %d axes", rank)
	}
	return b.err == nil
}

// withBias checks the optional bias and lists the parameters that are there.
func (b *Builder) withBias(name string, weight, bias *Param, width int) []*Param {
	if bias == nil {
		return []*Param{weight}
	}
	b.wantParam(name, bias, width)
	return []*Param{weight, bias}
}
