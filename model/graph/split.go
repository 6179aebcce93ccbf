package graph

import "slices"

// Split cuts g before the first layers that a bundle changes. early computes what depends on frozen parameters
// alone; rest computes the outputs of g. The inputs of rest are the outputs of early, by their names and in their
// order, and behind them those inputs of g that it takes itself. early is nil where no layer comes before.
func (g *Graph) Split() (early, rest *Graph) {
	late := g.late()
	cuts := g.cuts(late)
	if len(cuts) == 0 {
		return nil, g
	}
	e, r := newPart(), newPart()
	for _, n := range cuts {
		r.put(n, &Node{Name: n.Name, Op: Input, Shape: n.Shape})
		r.graph.Inputs = append(r.graph.Inputs, r.here[n])
	}
	for _, n := range g.Nodes {
		if !late[n] && n.Op != Input {
			e.add(n)
		}
	}
	for _, n := range g.Nodes {
		if late[n] {
			r.add(n)
		}
	}
	e.outputs(cuts)
	r.outputs(g.Outputs)
	return e.graph, r.graph
}

// late marks the layers that depend on a parameter of the bundle.
func (g *Graph) late() map[*Node]bool {
	late := map[*Node]bool{}
	swapped := func(p *Param) bool { return p.Swapped() || p.Delta != nil }
	for _, n := range g.Nodes {
		late[n] = slices.ContainsFunc(n.Params, swapped) || slices.ContainsFunc(n.In, func(in *Node) bool { return late[in] })
	}
	return late
}

// cuts are the early layers that a late one or the caller takes, in order.
func (g *Graph) cuts(late map[*Node]bool) []*Node {
	taken := map[*Node]bool{}
	for _, n := range g.Nodes {
		for _, in := range n.In {
			taken[in] = taken[in] || late[n]
		}
	}
	var out []*Node
	for _, n := range g.Nodes {
		if !late[n] && n.Op != Input && (taken[n] || slices.Contains(g.Outputs, n)) {
			out = append(out, n)
		}
	}
	return out
}

// part is a graph in the making, with the copies of another's layers.
type part struct {
	graph  *Graph
	here   map[*Node]*Node
	params map[*Param]bool
}

func newPart() *part {
	return &part{&Graph{}, map[*Node]*Node{}, map[*Param]bool{}}
}

func (p *part) put(n, c *Node) {
	c.ID = len(p.graph.Nodes)
	p.graph.Nodes = append(p.graph.Nodes, c)
	p.here[n] = c
}

// add copies a layer, and the inputs that it takes.
func (p *part) add(n *Node) {
	c := *n
	c.In = nil
	for _, in := range n.In {
		if p.here[in] == nil { // an input: every other layer has been added before
			p.put(in, &Node{Name: in.Name, Op: Input, Shape: in.Shape})
			p.graph.Inputs = append(p.graph.Inputs, p.here[in])
		}
		c.In = append(c.In, p.here[in])
	}
	for _, param := range n.Params {
		p.declare(param)
	}
	p.put(n, &c)
}

func (p *part) declare(param *Param) {
	if p.params[param] {
		return
	}
	p.params[param] = true
	p.graph.Params = append(p.graph.Params, param)
	if param.Delta != nil {
		p.graph.Params = append(p.graph.Params, param.Delta)
	}
}

func (p *part) outputs(of []*Node) {
	for _, n := range of {
		p.graph.Outputs = append(p.graph.Outputs, p.here[n])
	}
}
