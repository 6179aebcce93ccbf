package tape

/*
#include "tape.h"
*/
import "C"

import (
	"gorgonia.org/gorgonia"
)

// piece is a part of each of a batch of vectors: n numbers, at from in those of length in, at to in those of
// length out.
type piece struct{ n, from, in, to, out int }

// back is the piece on its way back.
func (p piece) back() piece { return piece{p.n, p.to, p.out, p.from, p.in} }

// move copies the piece of each example.
func (t *tape) move(b int, p piece, from, to []float32) {
	C.tape_move(t.pool.c, C.long(b), C.long(p.n), at(from[p.from:]), C.long(p.in), at(to[p.to:]), C.long(p.out))
}

// join puts pieces of its inputs together, (b, out); what no piece covers is 0. A piece with in 0 is the same
// for every example.
func (t *tape) join(name string, b, out int, pieces []piece, in ...*gorgonia.Node) *gorgonia.Node {
	covered := 0
	for _, p := range pieces {
		covered += p.n
	}
	o := &op{name: name, size: b * out, over: -1}
	o.run = func(in [][]float32, out []float32) {
		if b*covered < len(out) {
			clear(out)
		}
		for i, p := range pieces {
			t.move(b, p, in[i], out)
		}
	}
	o.diff = func(in gorgonia.Nodes, _, grad *gorgonia.Node) gorgonia.Nodes {
		grads := make(gorgonia.Nodes, len(in))
		for i, p := range pieces {
			if t.learned[in[i]] {
				grads[i] = t.joined(name, b, p, grad)
			}
		}
		return grads
	}
	return t.apply(o, in...)
}

// joined is the gradient of one piece.
func (t *tape) joined(name string, b int, p piece, grad *gorgonia.Node) *gorgonia.Node {
	if p.in > 0 {
		return t.join(name+".dx", b, p.in, []piece{p.back()}, grad)
	}
	each := t.join(name+".each", b, p.n, []piece{{p.n, p.to, p.out, 0, p.n}}, grad)
	return t.sums(name+".dw", 1, b, p.n, 1, each)
}

// norm normalises rows, then multiplies by w and adds bias.
func (t *tape) norm(name string, rows, cols int, epsilon float64, x, w, bias *gorgonia.Node) *gorgonia.Node {
	e, r, c := C.float(epsilon), C.long(rows), C.long(cols)
	o := &op{name: name, size: rows * cols, over: -1}
	o.run = func(in [][]float32, out []float32) {
		C.tape_norm(t.pool.c, r, c, e, at(in[0]), at(in[1]), at(in[2]), at(out))
	}
	o.diff = func(in gorgonia.Nodes, _, grad *gorgonia.Node) gorgonia.Nodes {
		grads := make(gorgonia.Nodes, 3)
		if t.learned[in[0]] {
			grads[0] = t.apply(&op{name: name + ".dx", size: rows * cols, over: -1, run: func(in [][]float32, out []float32) {
				C.tape_norm_dx(t.pool.c, r, c, e, at(in[0]), at(in[1]), at(in[2]), at(out))
			}}, in[0], in[1], grad)
		}
		if t.learned[in[1]] {
			grads[1] = t.apply(&op{name: name + ".dw", size: cols, over: -1, common: 2 * rows, run: func(in [][]float32, out []float32) {
				C.tape_norm_dw(t.pool.c, r, c, e, at(in[0]), at(in[1]), at(out))
			}}, in[0], grad)
		}
		if t.learned[in[2]] {
			grads[2] = t.sums(name+".db", 1, rows, cols, 1, grad)
		}
		return grads
	}
	return t.apply(o, x, w, bias)
}

// attention is softmax(q·kᵀ/√size)·v for each head of b examples of n tokens.
func (t *tape) attention(name string, b, n, heads, size int, qkv *gorgonia.Node) *gorgonia.Node {
	cb, cn, ch, cs := C.long(b), C.long(n), C.long(heads), C.long(size)
	width := heads * size
	o := &op{name: name, size: b * n * width, over: -1, each: int(C.tape_attention_scratch(cn, cs))}
	o.run = func(in [][]float32, out []float32) {
		C.tape_attention(t.pool.c, cb, cn, ch, cs, at(in[0]), at(out))
	}
	o.diff = func(in gorgonia.Nodes, _, grad *gorgonia.Node) gorgonia.Nodes {
		dx := &op{name: name + ".dx", size: 3 * b * n * width, over: -1, each: 2 * n * n, run: func(in [][]float32, out []float32) {
			C.tape_attention_dx(t.pool.c, cb, cn, ch, cs, at(in[0]), at(in[1]), at(out))
		}}
		return gorgonia.Nodes{t.apply(dx, in[0], grad)}
	}
	return t.apply(o, qkv)
}
