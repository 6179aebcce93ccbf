package engine

import (
	"fmt"
	"maps"
	"slices"

	"sim2reald/model/graph"
	"sim2reald/model/safetensors"
)

// maxFolded bounds the convolutions that a bundle's are folded into, in numbers of a weight: 1 MB. Each is one more
// weight that the bundle keeps.
const maxFolded = 1 << 18

// made is a parameter of a convolution that is computed when a bundle's session is made, out of the bundle's and the
// base's.
type made struct {
	param  *graph.Param   // of the rewritten graph
	from   []*graph.Param // of the bundle
	recipe recipe
	places []*place // in the optimised model, see blocked.go
}

// recipe computes the values out of those of made.from, which it leaves as they are and may return.
type recipe func(from [][]float32) ([]float32, error)

// multiplier makes the function that multiplies matrices (rows, rows) with w (rows, cols).
type multiplier func(w []float32, rows, cols int) (func(a []float32) ([]float32, error), error)

// rewriter makes a graph in which all that convolutions take of a bundle is made. A 1x1 convolution of x that is added to
// x becomes one layer with it; and where x is itself a small frozen convolution, that nothing else takes, all three do.
type rewriter struct {
	values   map[string]safetensors.Tensor // of the base
	multiply multiplier
	uses     map[*graph.Node]int
	done     map[*graph.Node]*graph.Node
	made     map[string]*made // by name
	err      error            // the first
}

// rewrite gives the graph, and what it wants made in place of parameters of the bundle.
func rewrite(g *graph.Graph, values map[string]safetensors.Tensor, multiply multiplier) (*graph.Graph, []*made, error) {
	r := &rewriter{values: values, multiply: multiply, uses: map[*graph.Node]int{}, done: map[*graph.Node]*graph.Node{}, made: map[string]*made{}}
	for _, n := range g.Nodes {
		for _, in := range n.In {
			r.uses[in]++
		}
	}
	for _, n := range g.Outputs {
		r.uses[n]++
	}
	out := &graph.Graph{Inputs: r.nodes(g.Inputs), Outputs: r.nodes(g.Outputs)}
	collect(out)
	var all []*made
	for _, p := range out.Params {
		if m := r.made[p.Name]; m != nil {
			all = append(all, m)
		}
	}
	return out, all, r.err
}

// collect lists the layers that the outputs need, each after those that it takes, and their parameters.
func collect(g *graph.Graph) {
	nodes, params := map[*graph.Node]bool{}, map[*graph.Param]bool{}
	var visit func(n *graph.Node)
	visit = func(n *graph.Node) {
		if nodes[n] {
			return
		}
		nodes[n] = true
		for _, in := range n.In {
			visit(in)
		}
		n.ID, g.Nodes = len(g.Nodes), append(g.Nodes, n)
		for _, p := range n.Params {
			if params[p] {
				continue
			}
			params[p] = true
			g.Params = append(g.Params, p)
			if p.Delta != nil {
				g.Params = append(g.Params, p.Delta)
			}
		}
	}
	for _, n := range append(slices.Clone(g.Inputs), g.Outputs...) {
		visit(n)
	}
}

func (r *rewriter) nodes(of []*graph.Node) []*graph.Node {
	var out []*graph.Node
	for _, n := range of {
		if r.done[n] == nil {
			r.done[n] = r.rewritten(n)
		}
		out = append(out, r.done[n])
	}
	return out
}

// rewritten is a layer as the new graph has it.
func (r *rewriter) rewritten(n *graph.Node) *graph.Node {
	if c := r.skipping(n); c != nil {
		return r.joined(n, c)
	}
	out := *n
	out.In = r.nodes(n.In)
	switch {
	case changed(n):
		out.Params = r.each(n.Params, r.own)
	case n.Op == graph.Gain && r.uses[n.In[0]] == 1 && out.In[0].Op == graph.Conv && r.made[out.In[0].Params[0].Name] != nil:
		// ONNX Runtime multiplies the constants of such a convolution itself, and their marks with them.
		out = *out.In[0]
		out.Name, out.Params = n.Name, r.each(out.Params, func(p *graph.Param) *graph.Param { return r.scaled(p, n.Attr.Factor) })
	}
	return &out
}

// changed says whether a layer is a convolution with something of a bundle's in it.
func changed(n *graph.Node) bool {
	return n.Op == graph.Conv && slices.ContainsFunc(n.Params, func(p *graph.Param) bool { return p.Swapped() || p.Delta != nil })
}

// skipping is the 1x1 convolution of x by the bundle that n adds to x and nothing else takes, nil if there is none.
func (r *rewriter) skipping(n *graph.Node) *graph.Node {
	if n.Op != graph.Add || n.In[1].Op != graph.Conv {
		return nil
	}
	x, c := n.In[0], n.In[1]
	shape := c.Params[0].Shape
	plain := c.Attr == graph.Attr{Stride: 1, Groups: 1} && slices.Equal(shape, []int{shape[0], shape[0], 1, 1})
	if !plain || c.In[0] != x || r.uses[c] != 1 || !c.Params[0].Swapped() {
		return nil
	}
	return c
}

// joined is x + c(x) as one convolution.
func (r *rewriter) joined(n, c *graph.Node) *graph.Node {
	x := n.In[0]
	out := &graph.Node{Name: n.Name, Op: graph.Conv, Shape: n.Shape}
	if r.folds(x, c) {
		out.In, out.Attr = r.nodes(x.In), x.Attr
		out.Params = []*graph.Param{r.folded(x.Params[0], c.Params[0]), r.foldedBias(x.Params[1], c.Params[0], c.Params[1])}
		return out
	}
	out.In, out.Attr = r.nodes(c.In), c.Attr
	out.Params = append([]*graph.Param{r.skip(c.Params[0])}, r.each(c.Params[1:], r.own)...)
	return out
}

// folds says whether x is a convolution that c can go into: in one group, because c mixes all channels.
func (r *rewriter) folds(x, c *graph.Node) bool {
	return x.Op == graph.Conv && !changed(x) && r.uses[x] == 2 && x.Attr.Groups == 1 &&
		len(x.Params) == 2 && len(c.Params) == 2 && c.Params[1].Swapped() && x.Params[0].Len() <= maxFolded
}

// each maps the parameters of a layer.
func (r *rewriter) each(params []*graph.Param, f func(*graph.Param) *graph.Param) []*graph.Param {
	var out []*graph.Param
	for _, p := range params {
		out = append(out, f(p))
	}
	return out
}

// make declares what is made, once for several pictures that share it. Its name begins with a colon, as no layer's and
// no parameter's does.
func (r *rewriter) make(name string, shape []int, from []*graph.Param, how func() (recipe, error)) *graph.Param {
	name = ":" + name
	if m := r.made[name]; m != nil {
		return m.param
	}
	m := &made{param: &graph.Param{Name: name, Shape: shape}, from: from}
	r.made[name] = m
	var err error
	if m.recipe, err = how(); err != nil && r.err == nil {
		r.err = err
	}
	return m.param
}

// own is a parameter of a changed convolution: the bundle's, the base's with what the bundle adds, or the base's.
func (r *rewriter) own(p *graph.Param) *graph.Param {
	switch {
	case p.Swapped():
		return r.make(p.Name, p.Shape, []*graph.Param{p}, func() (recipe, error) {
			return func(from [][]float32) ([]float32, error) { return from[0], nil }, nil
		})
	case p.Delta != nil:
		return r.make(p.Name, p.Shape, []*graph.Param{p.Delta}, func() (recipe, error) {
			base, err := r.frozen(p)
			return func(from [][]float32) ([]float32, error) { return sum(base, from[0]), nil }, err
		})
	}
	return r.make(p.Name, p.Shape, nil, func() (recipe, error) {
		base, err := r.frozen(p)
		return func([][]float32) ([]float32, error) { return base, nil }, err
	})
}

// frozen copies values of the base, whose file need not stay in memory for them.
func (r *rewriter) frozen(p *graph.Param) ([]float32, error) {
	if _, err := rawFloats(p, r.values); err != nil {
		return nil, err
	}
	return r.values[p.Name].Float32s()
}

// skip is a weight (O, O, 1, 1) with the identity added.
func (r *rewriter) skip(p *graph.Param) *graph.Param {
	return r.make(p.Name+" with skip", p.Shape, []*graph.Param{p}, func() (recipe, error) {
		return func(from [][]float32) ([]float32, error) {
			out := slices.Clone(from[0])
			for i := range p.Shape[0] {
				out[i*p.Shape[0]+i]++
			}
			return out, nil
		}, nil
	})
}

// folded is the weight w with what the 1x1 convolution by a, which has a skip, makes of it: w + a·w.
func (r *rewriter) folded(w, a *graph.Param) *graph.Param {
	return r.make(a.Name+" in "+w.Name, w.Shape, []*graph.Param{a}, func() (recipe, error) {
		base, err := r.frozen(w)
		if err != nil {
			return nil, err
		}
		times, err := r.multiply(base, w.Shape[0], w.Len()/w.Shape[0])
		return func(from [][]float32) ([]float32, error) {
			product, err := times(from[0])
			if err != nil {
				return nil, err
			}
			return sum(base, product), nil
		}, err
	})
}

// foldedBias is b + a·b + c.
func (r *rewriter) foldedBias(b, a, c *graph.Param) *graph.Param {
	return r.make(c.Name+" in "+b.Name, b.Shape, []*graph.Param{a, c}, func() (recipe, error) {
		base, err := r.frozen(b)
		return func(from [][]float32) ([]float32, error) {
			delta := make([]float32, len(base))
			for i := range delta {
				product := float64(from[1][i])
				for j, v := range base {
					product += float64(from[0][i*len(base)+j]) * float64(v)
				}
				delta[i] = float32(product)
			}
			return sum(base, delta), nil
		}, err
	})
}

// scaled is factor times what is made already.
func (r *rewriter) scaled(p *graph.Param, factor float64) *graph.Param {
	m := r.made[p.Name]
	return r.make(fmt.Sprintf("%g times %s", factor, p.Name), p.Shape, m.from, func() (recipe, error) {
		return func(from [][]float32) ([]float32, error) {
			values, err := m.recipe(from)
			if err != nil {
				return nil, err
			}
			out := slices.Clone(values)
			for i := range out {
				out[i] *= float32(factor)
			}
			return out, nil
		}, nil
	})
}

// lowerable are the base's values with something in place of what is made.
func lowerable(values map[string]safetensors.Tensor, all []*made, of func(i int) []float32) map[string]safetensors.Tensor {
	out := maps.Clone(values)
	for i, m := range all {
		out[m.param.Name] = safetensors.Float32(m.param.Shape, of(i))
	}
	return out
}
