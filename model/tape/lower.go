package tape

import (
	"fmt"

	"gorgonia.org/gorgonia"

	"sim2reald/model/graph"
	"sim2reald/model/safetensors"
)

// maxBatch bounds Options.Batch.
const maxBatch = 4096

// Options says how a model is run.
type Options struct {
	Threads int // of one run, 1 to 256; the caller's is one of them
	Batch   int // examples to a run, 1 to 4096; 1 on the robot
}

// value is a node's result on the tape. planar says how a map lies; vectors and tokens lie one way only.
type value struct {
	node   *gorgonia.Node
	planar bool
}

// lowering turns a graph into a tape.
type lowering struct {
	*tape
	graph     *graph.Graph
	batch     int
	frozen    map[string]safetensors.Tensor
	live      map[string][]float32 // the bundle's parameters; nil where sessions bring them
	gradients bool

	done   []value // by graph.Node.ID
	tails  map[*graph.Node]*tail
	inputs gorgonia.Nodes // as graph.Inputs
	params map[form]*gorgonia.Node
	slab   slab // of packed weights
	slots  []slot
	leaves []learnable
}

// start opens a lowering with threads of its own.
func start(g *graph.Graph, frozen map[string]safetensors.Tensor, o Options) (*lowering, error) {
	if o.Batch < 1 || o.Batch > maxBatch {
		return nil, fmt.Errorf("batch %d is outside 1 to %d: %w", o.Batch, maxBatch, ErrInput)
	}
	p, err := newPool(o.Threads)
	if err != nil {
		return nil, err
	}
	return &lowering{tape: newTape(p), graph: g, batch: o.Batch, frozen: frozen, params: map[form]*gorgonia.Node{},
		slab: slab{left: g.Count(graph.Frozen)}}, nil
}

// lower adds every layer and gives the outputs, as graph.Outputs has them.
func (l *lowering) lower() gorgonia.Nodes {
	l.done = make([]value, len(l.graph.Nodes))
	l.fuse()
	for _, n := range l.graph.Nodes {
		l.done[n.ID] = l.layer(n)
		if l.err != nil {
			l.err = fmt.Errorf("lowering %s: %w", n.Name, l.err)
			return nil
		}
	}
	var out gorgonia.Nodes
	for _, n := range l.graph.Outputs {
		out = append(out, l.take(n, true))
	}
	return out
}

// size is the numbers of a node's result.
func (l *lowering) size(n *graph.Node) int {
	size := l.batch
	for _, d := range n.Shape {
		size *= d
	}
	return size
}

// last is the length of the last axis.
func last(n *graph.Node) int { return n.Shape[len(n.Shape)-1] }

// pixels is the area of a map.
func pixels(n *graph.Node) int { return n.Shape[1] * n.Shape[2] }

// take gives a node's result, a map in the layout asked for.
func (l *lowering) take(n *graph.Node, planar bool) *gorgonia.Node {
	v := l.done[n.ID]
	if len(n.Shape) != 3 || v.planar == planar || l.err != nil {
		return v.node
	}
	m := matrices{l.batch, pixels(n), n.Shape[0]}
	if v.planar {
		m.rows, m.cols = m.cols, m.rows
	}
	return l.turn(fmt.Sprintf("%s turned", n.Name), m, v.node)
}

// layer adds one node. A node in the middle of a fused product gives nothing: nobody else reads it.
func (l *lowering) layer(n *graph.Node) value {
	if t, ok := l.tails[n]; ok {
		if t.last != n {
			return value{}
		}
		return l.product(t)
	}
	switch n.Op {
	case graph.Input:
		x := l.leaf(n.Name, l.size(n), nil)
		l.inputs = append(l.inputs, x)
		return value{x, true}
	case graph.LayerNorm, graph.Scale, graph.Standardise:
		return value{l.byFeature(n), true}
	case graph.Prepend, graph.Position, graph.Tokens, graph.Token, graph.MeanTokens, graph.Attention, graph.Concat:
		return value{node: l.tokens(n)}
	case graph.MaxPool, graph.AvgPool, graph.MeanMap, graph.Gate:
		return value{node: l.mapLayer(n)}
	}
	return l.elementwise(n)
}

// elementwise adds a layer that takes a map as it lies.
func (l *lowering) elementwise(n *graph.Node) value {
	x, size := l.done[n.In[0].ID], l.size(n)
	switch n.Op {
	case graph.Add:
		return value{l.add(n.Name, size, size, x.node, l.take(n.In[1], x.planar)), x.planar}
	case graph.Gain:
		return value{l.gain(n.Name, size, n.Attr.Factor, x.node), x.planar}
	case graph.GELU, graph.QuickGELU, graph.ReLU, graph.Sigmoid:
		return value{l.activate(n.Name, activation(n.Op), size, x.node), x.planar}
	}
	l.fail(fmt.Errorf("%s: %w", n.Op, ErrLower))
	return value{}
}

// byFeature adds a layer with parameters along the last axis, which in a planar map is a row of pixels.
func (l *lowering) byFeature(n *graph.Node) *gorgonia.Node {
	x, cols := l.take(n.In[0], true), last(n)
	rows := l.size(n) / cols
	first := l.param(n.Params[0])
	switch n.Op {
	case graph.Scale:
		return l.scale(n.Name, matrices{1, rows, cols}, x, first)
	case graph.Standardise:
		return l.standardise(n.Name, rows, cols, x, first, l.param(n.Params[1]))
	}
	return l.norm(n.Name, rows, cols, n.Attr.Epsilon, x, first, l.param(n.Params[1]))
}

// tokens adds a layer on (N, W), or on vectors.
func (l *lowering) tokens(n *graph.Node) *gorgonia.Node {
	x, width := l.done[n.In[0].ID].node, last(n)
	size, in := l.size(n)/l.batch, l.size(n.In[0])/l.batch
	switch n.Op {
	case graph.Position:
		return l.add(n.Name, l.size(n), size, x, l.param(n.Params[0]))
	case graph.Prepend:
		rows := n.Params[0].Len()
		return l.join(n.Name, l.batch, size, []piece{{n: rows, out: size}, {n: in, in: in, to: rows, out: size}},
			l.param(n.Params[0]), x)
	case graph.Tokens, graph.Token:
		return l.join(n.Name, l.batch, size, []piece{{n: size, from: n.Attr.From * width, in: in, out: size}}, x)
	case graph.MeanTokens:
		rows := n.In[0].Shape[0]
		return l.sums(n.Name, l.batch, rows, width, 1/float64(rows), x)
	case graph.Attention:
		return l.attention(n.Name, l.batch, n.Shape[0], n.Attr.Heads, width/n.Attr.Heads, x)
	}
	return l.concat(n)
}

func (l *lowering) concat(n *graph.Node) *gorgonia.Node {
	var pieces []piece
	var in gorgonia.Nodes
	to := 0
	for _, x := range n.In {
		pieces = append(pieces, piece{n: last(x), in: last(x), to: to, out: last(n)})
		in, to = append(in, l.done[x.ID].node), to+last(x)
	}
	return l.join(n.Name, l.batch, last(n), pieces, in...)
}

// mapLayer adds a layer on maps but for the products.
func (l *lowering) mapLayer(n *graph.Node) *gorgonia.Node {
	x, in := l.take(n.In[0], false), n.In[0]
	w := windows{b: l.batch, channels: in.Shape[0], height: in.Shape[1], width: in.Shape[2], out: in.Shape[0], kh: n.Attr.Kernel,
		kw: n.Attr.Kernel, stride: n.Attr.Stride, pad: n.Attr.Pad, groups: 1}
	switch n.Op {
	case graph.MeanMap:
		return l.sums(n.Name, l.batch, pixels(in), n.Shape[0], 1/float64(pixels(in)), x)
	case graph.Gate:
		return l.scale(n.Name, matrices{l.batch, pixels(in), n.Shape[0]}, x, l.done[n.In[1].ID].node)
	case graph.MaxPool:
		w.oh, w.ow = n.Shape[1], n.Shape[2]
		return l.maxPool(n.Name, w, x)
	}
	w.oh, w.ow = n.Shape[1], n.Shape[2]
	return l.avgPool(n.Name, w, x)
}
