package tape

import (
	"slices"

	"sim2reald/model/graph"
)

// tail is a product layer with the layers that it computes on its way: an activation, a scale, a sum with
// another layer, and an activation, each at most once and in this order.
type tail struct {
	first, last *graph.Node
	act1, act2  graph.Op
	gamma       *graph.Param
	plus        *graph.Node
}

// isProduct says whether the layer is a matrix product.
func isProduct(n *graph.Node) bool {
	return n.Op == graph.Linear || n.Op == graph.Conv || n.Op == graph.PatchEmbed
}

// fuse finds the tails. A layer joins one when nothing but the layer before it is in its way: it is that
// layer's only reader, and no gradient needs the number in between.
func (l *lowering) fuse() {
	l.tails = map[*graph.Node]*tail{}
	readers := readersOf(l.graph)
	learns := l.learnsAt()
	for _, n := range l.graph.Nodes {
		if !isProduct(n) {
			continue
		}
		t := &tail{first: n, last: n}
		l.tails[n] = t
		for _, step := range []func(*graph.Node) bool{t.activate1, t.scaleBy, t.addTo, t.activate2} {
			next := readers[t.last]
			if next == nil || l.tails[next] != nil || learns[next] && next.Op != graph.Add || !step(next) {
				continue
			}
			t.last, l.tails[next] = next, t
		}
	}
}

func isActivation(n *graph.Node) bool { return activation(n.Op) != 0 }

func (t *tail) activate1(n *graph.Node) bool {
	if isActivation(n) {
		t.act1 = n.Op
	}
	return isActivation(n)
}

// scaleBy wants rows of features: on a map, Scale goes along the pixels.
func (t *tail) scaleBy(n *graph.Node) bool {
	if n.Op != graph.Scale || len(n.Shape) == 3 {
		return false
	}
	t.gamma = n.Params[0]
	return true
}

func (t *tail) addTo(n *graph.Node) bool {
	if n.Op != graph.Add || n.In[0] == n.In[1] {
		return false
	}
	t.plus = n.In[0]
	if t.plus == t.last {
		t.plus = n.In[1]
	}
	return true
}

func (t *tail) activate2(n *graph.Node) bool {
	if t.plus == nil || !isActivation(n) {
		return false
	}
	t.act2 = n.Op
	return true
}

// readersOf gives for each node the one that reads it, nil where none or several do, or the outside.
func readersOf(g *graph.Graph) map[*graph.Node]*graph.Node {
	one, many := map[*graph.Node]*graph.Node{}, map[*graph.Node]bool{}
	for _, n := range g.Nodes {
		for _, in := range n.In {
			many[in] = many[in] || one[in] != nil
			one[in] = n
		}
	}
	for _, n := range g.Nodes {
		if many[n] || slices.Contains(g.Outputs, n) {
			delete(one, n)
		}
	}
	return one
}

// learnsAt marks the nodes that a gradient goes through.
func (l *lowering) learnsAt() map[*graph.Node]bool {
	learns := map[*graph.Node]bool{}
	for _, n := range l.graph.Nodes {
		trained := func(p *graph.Param) bool { return p.Trained() || p.Delta != nil }
		learns[n] = l.gradients && (slices.ContainsFunc(n.Params, trained) ||
			slices.ContainsFunc(n.In, func(in *graph.Node) bool { return learns[in] }))
	}
	return learns
}

// product adds a product with its tail.
func (l *lowering) product(t *tail) value {
	p := product{windows: l.windows(t.first), act1: activation(t.act1), act2: activation(t.act2)}
	n := t.first
	planar := n.Op == graph.Linear && len(n.Shape) == 3
	if n.Op != graph.Linear {
		p.planar = l.done[n.In[0].ID].planar && n.In[0].Op == graph.Input && p.groups == 1
	}
	p.x = l.take(n.In[0], p.planar || n.Op == graph.Linear)
	l.weight(&p, n.Params[0])
	p.bias, p.gamma = l.param(n.Param(1)), l.param(t.gamma)
	if t.plus != nil {
		p.plus = l.take(t.plus, planar)
	}
	if l.err != nil {
		return value{}
	}
	return value{l.tape.product(t.last.Name, p), planar}
}

// windows of a product layer.
func (l *lowering) windows(n *graph.Node) windows {
	in := n.In[0].Shape
	if n.Op == graph.Linear {
		return vectors(l.size(n)/last(n), in[len(in)-1], last(n))
	}
	kernel := n.Params[0].Shape
	w := windows{b: l.batch, channels: in[0], height: in[1], width: in[2], out: kernel[0], kh: kernel[2], kw: kernel[3],
		stride: n.Attr.Stride, pad: n.Attr.Pad, groups: n.Attr.Groups}
	if n.Op == graph.PatchEmbed {
		w.stride, w.groups = n.Attr.Patch, 1
		w.oh, w.ow = in[1]/w.stride, in[2]/w.stride
		return w
	}
	w.oh, w.ow = n.Shape[1], n.Shape[2]
	return w
}
