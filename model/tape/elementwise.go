package tape

/*
#include "tape.h"
*/
import "C"

import (
	"gorgonia.org/gorgonia"

	"sim2reald/model/graph"
)

// activation is the kernels' number of an op, TAPE_NONE for one that is no activation.
func activation(op graph.Op) C.int {
	switch op {
	case graph.ReLU:
		return C.TAPE_RELU
	case graph.GELU:
		return C.TAPE_GELU
	case graph.QuickGELU:
		return C.TAPE_QUICK_GELU
	case graph.Sigmoid:
		return C.TAPE_SIGMOID
	}
	return C.TAPE_NONE
}

// activate is f(x) of so many numbers.
func (t *tape) activate(name string, kind C.int, size int, x *gorgonia.Node) *gorgonia.Node {
	o := &op{name: name, size: size, over: 0}
	o.run = func(in [][]float32, out []float32) {
		C.tape_activate(t.pool.c, kind, C.long(size), at(in[0]), at(out))
	}
	o.diff = func(in gorgonia.Nodes, _, grad *gorgonia.Node) gorgonia.Nodes {
		dx := &op{name: name + ".dx", size: size, over: 1, run: func(in [][]float32, out []float32) {
			C.tape_slope(t.pool.c, kind, C.long(size), at(in[0]), at(in[1]), at(out))
		}}
		return gorgonia.Nodes{t.apply(dx, in[0], grad)}
	}
	return t.apply(o, x)
}

// add is x + y, where y repeats after period numbers.
func (t *tape) add(name string, size, period int, x, y *gorgonia.Node) *gorgonia.Node {
	o := &op{name: name, size: size, over: 0}
	o.run = func(in [][]float32, out []float32) {
		C.tape_add(t.pool.c, C.long(size), C.long(period), at(in[0]), at(in[1]), at(out))
	}
	o.diff = func(in gorgonia.Nodes, out, grad *gorgonia.Node) gorgonia.Nodes {
		dy := grad
		if period < size && t.learned[in[1]] {
			dy = t.sums(name+".dy", 1, size/period, period, 1, grad)
		}
		return gorgonia.Nodes{grad, dy}
	}
	return t.apply(o, x, y)
}

// shift is base + delta; where delta is 0 it is base to the bit.
func (t *tape) shift(name string, size int, base, delta *gorgonia.Node) *gorgonia.Node {
	o := &op{name: name, size: size, over: -1}
	o.run = func(in [][]float32, out []float32) {
		C.tape_shift(t.pool.c, C.long(size), at(in[0]), at(in[1]), at(out))
	}
	o.diff = func(_ gorgonia.Nodes, _, grad *gorgonia.Node) gorgonia.Nodes { return gorgonia.Nodes{grad, grad} }
	return t.apply(o, base, delta)
}

// gain is factor·x.
func (t *tape) gain(name string, size int, factor float64, x *gorgonia.Node) *gorgonia.Node {
	o := &op{name: name, size: size, over: 0}
	o.run = func(in [][]float32, out []float32) {
		C.tape_gain(t.pool.c, C.long(size), C.float(factor), at(in[0]), at(out))
	}
	o.diff = func(_ gorgonia.Nodes, _, grad *gorgonia.Node) gorgonia.Nodes {
		return gorgonia.Nodes{t.gain(name+".dx", size, factor, grad)}
	}
	return t.apply(o, x)
}

// matrices is a batch of b matrices of rows by cols.
type matrices struct{ b, rows, cols int }

func (m matrices) size() int { return m.b * m.rows * m.cols }

// scale multiplies each matrix's columns by its row of scale (b, cols).
func (t *tape) scale(name string, m matrices, x, scale *gorgonia.Node) *gorgonia.Node {
	o := &op{name: name, size: m.size(), over: 0}
	o.run = func(in [][]float32, out []float32) {
		C.tape_scale(t.pool.c, C.long(m.b), C.long(m.rows), C.long(m.cols), at(in[0]), at(in[1]), at(out))
	}
	o.diff = func(in gorgonia.Nodes, _, grad *gorgonia.Node) gorgonia.Nodes {
		grads := make(gorgonia.Nodes, 2)
		if t.learned[in[0]] {
			grads[0] = t.scale(name+".dx", m, grad, in[1])
		}
		if t.learned[in[1]] {
			grads[1] = t.sums(name+".dw", m.b, m.rows, m.cols, 1, in[0], grad)
		}
		return grads
	}
	return t.apply(o, x, scale)
}

// standardise is (x - mean)/std by columns; its parameters are fitted, not learned.
func (t *tape) standardise(name string, rows, cols int, x, mean, std *gorgonia.Node) *gorgonia.Node {
	o := &op{name: name, size: rows * cols, over: 0}
	o.run = func(in [][]float32, out []float32) {
		C.tape_standardise(t.pool.c, C.long(rows), C.long(cols), at(in[0]), at(in[1]), at(in[2]), at(out))
	}
	o.diff = func(in gorgonia.Nodes, _, grad *gorgonia.Node) gorgonia.Nodes {
		dx := &op{name: name + ".dx", size: rows * cols, over: 0, run: func(in [][]float32, out []float32) {
			C.tape_standardise(t.pool.c, C.long(rows), C.long(cols), at(in[0]), nil, at(in[1]), at(out))
		}}
		return gorgonia.Nodes{t.apply(dx, grad, in[2]), nil, nil}
	}
	return t.apply(o, x, mean, std)
}

// sums adds up the rows of each of b matrices, times factor; with a second input, of their products.
func (t *tape) sums(name string, b, rows, cols int, factor float64, x ...*gorgonia.Node) *gorgonia.Node {
	o := &op{name: name, size: b * cols, over: -1}
	o.run = func(in [][]float32, out []float32) {
		var other []float32
		if len(in) == 2 {
			other = in[1]
		}
		C.tape_sums(t.pool.c, C.long(b), C.long(rows), C.long(cols), C.float(factor), at(in[0]), at(other), at(out))
	}
	o.diff = func(_ gorgonia.Nodes, _, grad *gorgonia.Node) gorgonia.Nodes { // of one input: a mean
		dx := &op{name: name + ".dx", size: b * rows * cols, over: -1, run: func(in [][]float32, out []float32) {
			C.tape_spread(t.pool.c, C.long(b), C.long(rows), C.long(cols), C.float(factor), at(in[0]), at(out))
		}}
		return gorgonia.Nodes{t.apply(dx, grad)}
	}
	return t.apply(o, x...)
}

// turn swaps rows and columns of each matrix.
func (t *tape) turn(name string, m matrices, x *gorgonia.Node) *gorgonia.Node {
	o := &op{name: name, size: m.size(), over: -1}
	o.run = func(in [][]float32, out []float32) {
		C.tape_turn(t.pool.c, C.long(m.b), C.long(m.rows), C.long(m.cols), at(in[0]), at(out))
	}
	o.diff = func(_ gorgonia.Nodes, _, grad *gorgonia.Node) gorgonia.Nodes {
		return gorgonia.Nodes{t.turn(name+".dx", matrices{m.b, m.cols, m.rows}, grad)}
	}
	return t.apply(o, x)
}
