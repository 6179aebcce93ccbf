package serving

import (
	"slices"
	"strings"

	"sim2reald/model/adapter"
	"sim2reald/model/graph"
)

// part says where in a network a layer runs. Layers never feed an earlier part.
type part int

const (
	frozenPart  part = iota // what no bundle changes
	adaptedPart             // from the first adapter to the features
	headPart                // what works on the features
	parts
)

// network is a graph cut in parts. A part without layers is nil.
type network struct {
	whole *graph.Graph
	part  [parts]*piece
}

// piece is one part as a graph of its own.
type piece struct {
	*graph.Graph
	from []source // of each input
}

// source says where an input of a piece comes from: an output of an earlier piece, or, with a part of -1, an
// input of the whole network.
type source struct {
	part  part
	index int
}

const outside part = -1

// cut cuts g. With whole set, the frozen and the adapted part stay one: on a GPU what lies between them would
// travel to the host and back.
func cut(g *graph.Graph, whole bool) *network {
	at := places(g, whole)
	n := &network{whole: g}
	made := map[*graph.Node]source{}
	for i, in := range g.Inputs {
		made[in] = source{outside, i}
	}
	for p := range parts {
		n.part[p] = extract(g, p, at, made)
	}
	return n
}

// places gives every layer its part: the latest that its parameters and its inputs ask for.
func places(g *graph.Graph, whole bool) map[*graph.Node]part {
	at := map[*graph.Node]part{}
	for _, n := range g.Nodes {
		p := frozenPart
		if whole {
			p = adaptedPart
		}
		if n.Op == graph.Input && len(n.Shape) != 3 {
			p = headPart // no picture: bundles with and without it can share what the pictures give
		}
		for _, param := range n.Params {
			p = max(p, place(param))
			if param.Delta != nil {
				p = max(p, place(param.Delta))
			}
		}
		for _, in := range n.In {
			p = max(p, at[in])
		}
		at[n] = p
	}
	joinLate(g, at)
	return at
}

// joinLate moves what only puts vectors side by side for the head into the head's part, so that the cut lies
// at the same place whatever a bundle's head is given besides.
func joinLate(g *graph.Graph, at map[*graph.Node]part) {
	early := map[*graph.Node]bool{} // taken by a layer before the head, or by the caller
	for _, n := range g.Outputs {
		early[n] = true
	}
	for _, n := range slices.Backward(g.Nodes) {
		if n.Op == graph.Concat && !early[n] {
			at[n] = headPart
		}
		for _, in := range n.In {
			early[in] = early[in] || at[n] != headPart
		}
	}
}

func place(p *graph.Param) part {
	switch {
	case !p.Swapped():
		return frozenPart
	case strings.HasPrefix(p.Name, adapter.Prefix):
		return adaptedPart
	}
	return headPart
}

// extract makes a graph of the layers of one part. What they take from elsewhere becomes its inputs, what is
// taken elsewhere its outputs. made says where everything comes from that exists so far, and is added to.
func extract(g *graph.Graph, p part, at map[*graph.Node]part, made map[*graph.Node]source) *piece {
	x := extraction{piece: &piece{Graph: &graph.Graph{}}, made: made, here: map[*graph.Node]*graph.Node{}}
	params := map[*graph.Param]bool{}
	for _, n := range g.Nodes {
		if at[n] != p || n.Op == graph.Input {
			continue
		}
		x.add(n)
		for _, param := range n.Params {
			if !params[param] {
				params[param] = true
				x.Params = append(x.Params, param)
				if param.Delta != nil {
					x.Params = append(x.Params, param.Delta)
				}
			}
		}
	}
	if len(x.here) == 0 {
		return nil
	}
	x.outputs(g, p, at)
	return x.piece
}

type extraction struct {
	*piece
	made map[*graph.Node]source
	here map[*graph.Node]*graph.Node // the copy of each layer of this part
}

// add copies a layer.
func (x *extraction) add(n *graph.Node) {
	c := *n
	c.In = nil
	for _, in := range n.In {
		c.In = append(c.In, x.take(in))
	}
	x.put(n, &c)
}

func (x *extraction) put(n, c *graph.Node) {
	c.ID = len(x.Nodes)
	x.Nodes = append(x.Nodes, c)
	x.here[n] = c
}

// take is the copy of a layer of this part, or an input that stands for one of another.
func (x *extraction) take(n *graph.Node) *graph.Node {
	if x.here[n] == nil {
		in := &graph.Node{Name: n.Name, Op: graph.Input, Shape: n.Shape}
		x.put(n, in)
		x.Inputs = append(x.Inputs, in)
		x.from = append(x.from, x.made[n])
	}
	return x.here[n]
}

// outputs are the layers of this part that a later one or the caller takes, in the graph's order.
func (x *extraction) outputs(g *graph.Graph, p part, at map[*graph.Node]part) {
	taken := map[*graph.Node]bool{}
	for _, n := range g.Outputs {
		taken[n] = true
	}
	for _, n := range g.Nodes {
		for _, in := range n.In {
			if at[n] != p {
				taken[in] = true
			}
		}
	}
	for _, n := range g.Nodes {
		if taken[n] && at[n] == p && n.Op != graph.Input {
			x.made[n] = source{p, len(x.Outputs)}
			x.Outputs = append(x.Outputs, x.here[n])
		}
	}
}
