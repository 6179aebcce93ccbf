package tape

/*
#include "tape.h"
*/
import "C"

import (
	"gorgonia.org/gorgonia"

	"sim2reald/model/graph"
)

// tileFloats bounds what is laid out of a map at a time: 2 MiB, which the last cache holds beside the weights.
const tileFloats = 1 << 19

// windows is what a product or a pool looks at.
type windows struct {
	b, channels, height, width int // of the input
	planar, packed             bool
	out, kh, kw, stride        int
	pad                        graph.Pad
	oh, ow, groups             int
}

// vectors are the windows of a linear layer: each row by itself.
func vectors(rows, in, out int) windows {
	return windows{b: 1, channels: in, height: rows, width: 1, out: out, kh: 1, kw: 1, stride: 1, oh: rows, ow: 1, groups: 1}
}

// under is the numbers under a window, of one group.
func (w windows) under() int { return w.channels / w.groups * w.kh * w.kw }

// lies says whether the windows are read where they lie: all are by a packed weight, but from a planar map.
func (w windows) lies() bool {
	alone := w.kh*w.kw == 1 && w.stride == 1 && w.pad == (graph.Pad{})
	return (alone || w.packed) && !w.planar
}

// tile is the number of windows laid out at a time, 0 where they lie as they are.
func (w windows) tile() int {
	if w.lies() {
		return 0
	}
	return min(w.b*w.oh*w.ow, max(64, tileFloats/(w.under()*w.groups)))
}

func (w windows) in() int     { return w.b * w.channels * w.height * w.width }
func (w windows) result() int { return w.b * w.out * w.oh * w.ow }

// c is the kernels' view.
func (w windows) c() *C.tape_shape {
	s := &C.tape_shape{b: C.long(w.b), channels: C.long(w.channels), height: C.long(w.height), width: C.long(w.width),
		out: C.long(w.out), kh: C.long(w.kh), kw: C.long(w.kw), stride: C.long(w.stride), top: C.long(w.pad.Top),
		left: C.long(w.pad.Left), oh: C.long(w.oh), ow: C.long(w.ow), groups: C.long(w.groups), tile: C.long(w.tile())}
	if w.planar {
		s.planar = 1
	}
	if w.packed {
		s.packed = 1
	}
	return s
}

// reversed are the windows by which a gradient goes back through a product of stride 1: a product itself, with
// the kernel turned about.
func (w windows) reversed() windows {
	r := w
	r.channels, r.height, r.width, r.out, r.oh, r.ow = w.out, w.oh, w.ow, w.channels, w.height, w.width
	r.pad = graph.Pad{Top: w.kh - 1 - w.pad.Top, Left: w.kw - 1 - w.pad.Left} // the other two follow from oh and ow
	return r
}

// product is x*w and what follows it: act2(act1(x*w + bias)·gamma + plus). All but x and w may be absent.
type product struct {
	windows
	x, w, bias, gamma, plus *gorgonia.Node
	act1, act2              C.int
	// Of a packed product: its weight as it is, and packed for the way back.
	plain, back func() *gorgonia.Node
}

// operands are the inputs that are there.
func (p *product) operands() gorgonia.Nodes {
	var in gorgonia.Nodes
	for _, n := range []*gorgonia.Node{p.x, p.w, p.bias, p.gamma, p.plus} {
		if n != nil {
			in = append(in, n)
		}
	}
	return in
}

// memory sorts operands' values to their places.
func (p *product) memory(in [][]float32) (x, w, bias, gamma, plus []float32) {
	x, w, in = in[0], in[1], in[2:]
	for _, o := range []struct {
		n  *gorgonia.Node
		to *[]float32
	}{{p.bias, &bias}, {p.gamma, &gamma}, {p.plus, &plus}} {
		if o.n != nil {
			*o.to, in = in[0], in[1:]
		}
	}
	return x, w, bias, gamma, plus
}

// product adds the op. One with a gradient has neither activation nor gamma.
func (t *tape) product(name string, p product) *gorgonia.Node {
	s := p.c()
	o := &op{name: name, size: p.result(), over: -1, common: p.tile() * p.under() * p.groups, each: int(C.tape_product_scratch(s))}
	o.run = func(in [][]float32, out []float32) {
		x, w, bias, gamma, plus := p.memory(in)
		C.tape_product(t.pool.c, s, at(x), at(w), at(bias), p.act1, at(gamma), at(plus), p.act2, at(out))
	}
	o.diff = func(_ gorgonia.Nodes, _, grad *gorgonia.Node) gorgonia.Nodes { return t.productGrads(name, p, grad) }
	return t.apply(o, p.operands()...)
}

// productGrads are the gradients of the operands, in their order.
func (t *tape) productGrads(name string, p product, grad *gorgonia.Node) gorgonia.Nodes {
	s := p.c()
	grads := gorgonia.Nodes{nil, nil}
	if t.learned[p.x] {
		grads[0] = t.productBack(name+".dx", p, grad)
	}
	if t.learned[p.w] {
		grads[1] = t.apply(&op{name: name + ".dw", size: p.out * p.under(), over: -1, common: p.tile() * p.under() * p.groups,
			run: func(in [][]float32, out []float32) {
				C.tape_product_dw(t.pool.c, s, at(in[0]), at(in[1]), at(out))
			}}, p.x, grad)
	}
	if p.bias != nil {
		var db *gorgonia.Node
		if t.learned[p.bias] {
			db = t.sums(name+".db", 1, p.result()/p.out, p.out, 1, grad)
		}
		grads = append(grads, db)
	}
	if p.plus != nil {
		grads = append(grads, grad)
	}
	return grads
}

// productBack is the gradient by x.
func (t *tape) productBack(name string, p product, grad *gorgonia.Node) *gorgonia.Node {
	if p.packed && p.stride == 1 {
		return t.product(name, product{windows: p.reversed(), x: grad, w: p.back()})
	}
	w := p.w
	if p.packed {
		w, p.packed = p.plain(), false
	}
	s := p.c()
	return t.apply(&op{name: name, size: p.in(), over: -1, each: p.tile() * p.under(), run: func(in [][]float32, out []float32) {
		C.tape_product_dx(t.pool.c, s, at(in[0]), at(in[1]), at(out))
	}}, grad, w)
}

// maxPool takes the largest under each window.
func (t *tape) maxPool(name string, w windows, x *gorgonia.Node) *gorgonia.Node {
	s := w.c()
	o := &op{name: name, size: w.result(), over: -1, run: func(in [][]float32, out []float32) {
		C.tape_max_pool(t.pool.c, s, at(in[0]), at(out))
	}}
	o.diff = func(in gorgonia.Nodes, _, grad *gorgonia.Node) gorgonia.Nodes {
		dx := &op{name: name + ".dx", size: w.in(), over: -1, run: func(in [][]float32, out []float32) {
			C.tape_max_pool_dx(t.pool.c, s, at(in[0]), at(in[1]), at(out))
		}}
		return gorgonia.Nodes{t.apply(dx, in[0], grad)}
	}
	return t.apply(o, x)
}

// avgPool averages under each window.
func (t *tape) avgPool(name string, w windows, x *gorgonia.Node) *gorgonia.Node {
	s := w.c()
	o := &op{name: name, size: w.result(), over: -1, run: func(in [][]float32, out []float32) {
		C.tape_avg_pool(t.pool.c, s, at(in[0]), at(out))
	}}
	o.diff = func(_ gorgonia.Nodes, _, grad *gorgonia.Node) gorgonia.Nodes {
		dx := &op{name: name + ".dx", size: w.in(), over: -1, run: func(in [][]float32, out []float32) {
			C.tape_avg_pool_dx(t.pool.c, s, at(in[0]), at(out))
		}}
		return gorgonia.Nodes{t.apply(dx, grad)}
	}
	return t.apply(o, x)
}
