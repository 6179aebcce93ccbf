package engine

import (
	"math"

	"sim2reald/model/graph"
)

// Tokens lie between layers as matrices, because the product of ONNX that adds a bias as it goes, and takes the
// weight as it lies in the file, takes nothing else: told apart by example only where a layer must, they need no layer
// that only says so around every product.

// flat is a value told apart by example as a layer's result lies: of tokens one matrix, of all else the value.
func (l *lowering) flat(n *graph.Node, apart string) string {
	if len(n.Shape) != 2 {
		return apart
	}
	return l.emit("Reshape", []string{apart, l.ints(l.batch*n.Shape[0], n.Shape[1])})
}

// apart is a layer's result told apart by example, (B, shape...).
func (l *lowering) apart(n *graph.Node) string {
	if len(n.Shape) != 2 {
		return l.value(n)
	}
	return l.emit("Reshape", []string{l.value(n), l.ints(l.shape(n)...)})
}

// patchEmbed convolves with stride equal to kernel and lays the patches out as rows.
func (l *lowering) patchEmbed(n *graph.Node, in string) string {
	p := n.Attr.Patch
	x := l.emit("Conv", l.withParams(n, []string{in}), intsAttr("kernel_shape", p, p), intsAttr("strides", p, p))
	tokens, width := n.Shape[0], n.Shape[1]
	x = l.emit("Reshape", []string{x, l.ints(l.batch, width, tokens)})
	return l.flat(n, l.emit("Transpose", []string{x}, intsAttr("perm", 0, 2, 1)))
}

// prepend repeats the rows for every example of the batch.
func (l *lowering) prepend(n *graph.Node) string {
	rows := l.param(n.Params[0])
	if l.batch > 1 {
		shape := l.ints(l.batch, n.Params[0].Shape[1], n.Shape[1])
		rows = l.emit("Expand", []string{rows, shape})
	}
	return l.flat(n, l.emit("Concat", []string{rows, l.apart(n.In[0])}, intAttr("axis", 1)))
}

// linear multiplies matrices; a layer of more axes is one while it does.
func (l *lowering) linear(n *graph.Node, in string) string {
	from := n.In[0]
	width, rows := from.Shape[len(from.Shape)-1], l.batch
	for _, d := range from.Shape[:len(from.Shape)-1] {
		rows *= d
	}
	if len(n.Shape) > 2 {
		in = l.emit("Reshape", []string{in, l.ints(rows, width)})
	}
	out := l.emit("Gemm", l.withParams(n, []string{in}), intAttr("transB", 1))
	if len(n.Shape) > 2 {
		out = l.emit("Reshape", []string{out, l.ints(l.shape(n)...)})
	}
	return out
}

// attention splits (B·N, 3W) into heads, attends, and joins them.
func (l *lowering) attention(n *graph.Node, in string) string {
	tokens, width, heads := n.Shape[0], n.Shape[1], n.Attr.Heads
	size := width / heads
	x := l.emit("Reshape", []string{in, l.ints(l.batch, tokens, 3, heads, size)})
	part := func(i int, perm ...int) string { // of (B, N, heads, size)
		p := l.emit("Gather", []string{x, l.index(i)}, intAttr("axis", 2))
		return l.emit("Transpose", []string{p}, intsAttr("perm", perm...))
	}
	query, key, value := part(0, 0, 2, 1, 3), part(1, 0, 2, 3, 1), part(2, 0, 2, 1, 3)
	scores := l.emit("MatMul", []string{query, key})
	scores = l.emit("Mul", []string{scores, l.scalar(1 / math.Sqrt(float64(size)))})
	weights := l.emit("Softmax", []string{scores}, intAttr("axis", -1))
	x = l.emit("MatMul", []string{weights, value})
	x = l.emit("Transpose", []string{x}, intsAttr("perm", 0, 2, 1, 3))
	return l.emit("Reshape", []string{x, l.ints(l.batch*tokens, width)})
}

func (l *lowering) tokens(n *graph.Node) string {
	x := l.emit("Slice", []string{l.apart(n.In[0]), l.ints(n.Attr.From), l.ints(n.Attr.To), l.ints(1)})
	return l.flat(n, x)
}

func (l *lowering) token(n *graph.Node) string {
	return l.emit("Gather", []string{l.apart(n.In[0]), l.index(n.Attr.From)}, intAttr("axis", 1))
}
