package graph

import (
	"errors"
	"fmt"
	"slices"
)

// ErrGraph is wrapped by every refusal of a Builder.
var ErrGraph = errors.New("malformed graph")

// maxElements bounds one tensor of one example, so that products of shapes stay far from overflow.
const maxElements = 1 << 31

// Builder collects layers; it is spent after Build. Its first error sticks: later calls do nothing, and Build reports it, so that a
// network reads as a list of layers.
type Builder struct {
	nodes  []*Node
	names  map[string]bool
	params map[string]*Param
	err    error
}

// NewBuilder starts an empty graph.
func NewBuilder() *Builder {
	return &Builder{names: map[string]bool{}, params: map[string]*Param{}}
}

// Err is the first error so far.
func (b *Builder) Err() error { return b.err }

// Build closes the graph with its outputs and leaves out every layer and parameter that no output needs. An
// input that no output needs is an error: it would be filled for nothing.
func (b *Builder) Build(outputs ...*Node) (*Graph, error) {
	if len(outputs) == 0 {
		b.fail("graph", "has no output")
	}
	for _, n := range outputs {
		if b.err == nil && !b.owns(n) {
			b.fail("graph", "an output belongs to another graph")
		}
	}
	if b.err != nil {
		return nil, b.err
	}
	g := b.collect(needed(outputs), outputs)
	return g, b.err
}

// needed marks the layers that the outputs need, themselves included.
func needed(outputs []*Node) map[*Node]bool {
	seen := map[*Node]bool{}
	var visit func(*Node)
	visit = func(n *Node) {
		if seen[n] {
			return
		}
		seen[n] = true
		for _, in := range n.In {
			visit(in)
		}
	}
	for _, n := range outputs {
		visit(n)
	}
	return seen
}

// collect copies the needed part into a Graph and numbers it anew.
func (b *Builder) collect(keep map[*Node]bool, outputs []*Node) *Graph {
	g := &Graph{Outputs: outputs}
	seen := map[*Param]bool{}
	for _, n := range b.nodes {
		if !keep[n] {
			if n.Op == Input {
				b.fail(n.Name, "no output needs this input")
			}
			continue
		}
		n.ID = len(g.Nodes)
		g.Nodes = append(g.Nodes, n)
		if n.Op == Input {
			g.Inputs = append(g.Inputs, n)
		}
		for _, p := range n.Params {
			if seen[p] {
				continue
			}
			seen[p] = true
			g.Params = append(g.Params, p)
			if p.Delta != nil {
				g.Params = append(g.Params, p.Delta)
			}
		}
	}
	return g
}

// Frozen declares a parameter of the base.
func (b *Builder) Frozen(name string, shape ...int) *Param { return b.param(Frozen, name, shape) }

// Fitted declares a parameter of the bundle that is set from data.
func (b *Builder) Fitted(name string, shape ...int) *Param { return b.param(Fitted, name, shape) }

// Trained declares a parameter of the bundle that is learned.
func (b *Builder) Trained(name string, shape ...int) *Param { return b.param(Trained, name, shape) }

// Adapt adds to a frozen parameter what is learned under the given name, see Param.Delta. It may be said
// more than once, for each picture that shares the parameter.
func (b *Builder) Adapt(p *Param, name string) {
	if b.err != nil || p == nil {
		return
	}
	if p.Kind != Frozen || p.Delta != nil && p.Delta.Name != name {
		b.fail(name, "adapts %s, which is not frozen or adapted already", p.Name)
		return
	}
	p.Delta = b.Trained(name, p.Shape...)
}

// param gives the parameter of that name: the one declared before if it is the same, so that two cameras can
// share a backbone.
func (b *Builder) param(kind Kind, name string, shape []int) *Param {
	p := &Param{Name: name, Shape: slices.Clone(shape), Kind: kind}
	if old, ok := b.params[name]; ok {
		if old.Kind != kind || !slices.Equal(old.Shape, shape) {
			b.fail(name, "parameter declared as %v and as %v", old.Shape, shape)
		}
		return old
	}
	if name == "" || b.names[name] {
		b.fail(name, "parameter name is empty or a node's")
	}
	if !positive(shape) {
		b.fail(name, "parameter shape %v", shape)
	}
	b.params[name] = p
	return p
}

// add appends a node, or gives a placeholder once something has failed.
func (b *Builder) add(n *Node) *Node {
	if b.err == nil && (n.Name == "" || b.names[n.Name] || b.params[n.Name] != nil) {
		b.fail(n.Name, "layer name is empty or taken")
	}
	for _, in := range n.In {
		if b.err == nil && !b.owns(in) {
			b.fail(n.Name, "takes a layer of another graph")
		}
	}
	if b.err == nil && !positive(n.Shape) {
		b.fail(n.Name, "%s gives shape %v", n.Op, n.Shape)
	}
	if b.err != nil {
		return n
	}
	n.ID = len(b.nodes)
	b.names[n.Name] = true
	b.nodes = append(b.nodes, n)
	return n
}

// owns says whether n was added here.
func (b *Builder) owns(n *Node) bool {
	return n != nil && n.ID < len(b.nodes) && b.nodes[n.ID] == n
}

// fail keeps the first error.
func (b *Builder) fail(name, format string, args ...any) {
	if b.err == nil {
		b.err = fmt.Errorf("%s: %s: %w", name, fmt.Sprintf(format, args...), ErrGraph)
	}
}

// want fails the layer unless in has rank axes; false once anything has failed.
func (b *Builder) want(name string, in *Node, rank int) bool {
	if b.err == nil && in == nil {
		b.fail(name, "takes a layer that is nil")
	}
	if b.err == nil && len(in.Shape) != rank {
		b.fail(name, "takes %d axes, %s gives %v", rank, in.Name, in.Shape)
	}
	return b.err == nil
}

// wantParam fails the layer unless p has the shape.
func (b *Builder) wantParam(name string, p *Param, shape ...int) bool {
	if b.err == nil && p == nil {
		b.fail(name, "lacks a parameter of shape %v", shape)
	}
	if b.err == nil && !slices.Equal(p.Shape, shape) {
		b.fail(name, "wants parameter %s of shape %v, declared as %v", p.Name, shape, p.Shape)
	}
	return b.err == nil
}

// last is the size of the last axis, 0 for a placeholder.
func (b *Builder) last(name string, in *Node) int {
	if b.err == nil && (in == nil || len(in.Shape) == 0) {
		b.fail(name, "takes a layer without axes")
	}
	if b.err != nil {
		return 0
	}
	return in.Shape[len(in.Shape)-1]
}

// positive says whether every axis is at least 1 and their product is at most maxElements.
func positive(shape []int) bool {
	n := 1
	for _, d := range shape {
		if d < 1 || d > maxElements/n {
			return false
		}
		n *= d
	}
	return len(shape) > 0
}
