package engine

import (
	"fmt"
	"math"

	"sim2reald/model/graph"
)

// layer writes one graph node as ONNX nodes.
func (l *lowering) layer(n *graph.Node) error {
	in := make([]string, len(n.In))
	for i, x := range n.In {
		in[i] = l.value(x)
	}
	out, err := l.lowered(n, in)
	if err != nil {
		return err
	}
	l.names[n.ID] = out
	return nil
}

// lowered dispatches on the op.
func (l *lowering) lowered(n *graph.Node, in []string) (string, error) {
	switch n.Op {
	case graph.Input:
		l.part(graphInput, valueInfo(n.Name, l.shape(n)))
		return n.Name, nil
	case graph.PatchEmbed:
		return l.patchEmbed(n, in[0]), nil
	case graph.Prepend:
		return l.prepend(n, in[0]), nil
	case graph.LayerNorm:
		return l.emit("LayerNormalization", l.withParams(n, in), intAttr("axis", -1), floatAttr("epsilon", n.Attr.Epsilon)), nil
	case graph.Linear:
		return l.linear(n, in[0]), nil
	case graph.Attention:
		return l.attention(n, in[0]), nil
	case graph.Tokens:
		return l.emit("Slice", []string{in[0], l.ints(n.Attr.From), l.ints(n.Attr.To), l.ints(1)}), nil
	case graph.Token:
		return l.token(n, in[0]), nil
	case graph.MeanTokens:
		return l.emit("ReduceMean", []string{in[0], l.ints(1)}, intAttr("keepdims", 0)), nil
	case graph.Concat:
		return l.emit("Concat", in, intAttr("axis", 1)), nil
	case graph.Conv, graph.MaxPool, graph.AvgPool, graph.MeanMap, graph.Gate:
		return l.mapLayer(n, in), nil
	}
	return l.elementwise(n, in)
}

// elementwise lowers what ONNX has an op of its own for, or nearly.
func (l *lowering) elementwise(n *graph.Node, in []string) (string, error) {
	switch n.Op {
	case graph.Position, graph.Add:
		return l.emit("Add", l.withParams(n, in)), nil
	case graph.Scale:
		return l.emit("Mul", l.withParams(n, in)), nil
	case graph.GELU:
		return l.emit("Gelu", in), nil
	case graph.QuickGELU:
		gate := l.emit("Sigmoid", []string{l.emit("Mul", []string{in[0], l.scalar(1.702)})})
		return l.emit("Mul", []string{in[0], gate}), nil
	case graph.ReLU:
		return l.emit("Relu", in), nil
	case graph.Sigmoid:
		return l.emit("Sigmoid", in), nil
	case graph.Gain:
		return l.emit("Mul", []string{in[0], l.scalar(n.Attr.Factor)}), nil
	case graph.Standardise:
		centred := l.emit("Sub", []string{in[0], l.param(n.Params[0])})
		return l.emit("Div", []string{centred, l.param(n.Params[1])}), nil
	}
	return "", fmt.Errorf("layer %q: ONNX lowering lacks %s: %w", n.Name, n.Op, ErrLower)
}

func (l *lowering) withParams(n *graph.Node, in []string) []string {
	out := append([]string{}, in...)
	for _, p := range n.Params {
		out = append(out, l.param(p))
	}
	return out
}

// patchEmbed convolves with stride equal to kernel and lays the patches out as rows.
func (l *lowering) patchEmbed(n *graph.Node, in string) string {
	p := n.Attr.Patch
	x := l.emit("Conv", l.withParams(n, []string{in}), intsAttr("kernel_shape", p, p), intsAttr("strides", p, p))
	tokens, width := n.Shape[0], n.Shape[1]
	x = l.emit("Reshape", []string{x, l.ints(l.batch, width, tokens)})
	return l.emit("Transpose", []string{x}, intsAttr("perm", 0, 2, 1))
}

// prepend repeats the rows for every example of the batch.
func (l *lowering) prepend(n *graph.Node, in string) string {
	rows := l.param(n.Params[0])
	if l.batch > 1 {
		shape := l.ints(l.batch, n.Params[0].Shape[1], n.Shape[1])
		rows = l.emit("Expand", []string{rows, shape})
	}
	return l.emit("Concat", []string{rows, in}, intAttr("axis", 1))
}

// linear flattens to a matrix, because Gemm takes the weight as it lies in the file and adds the bias as it
// goes.
func (l *lowering) linear(n *graph.Node, in string) string {
	from := n.In[0]
	width, rows := from.Shape[len(from.Shape)-1], l.batch
	for _, d := range from.Shape[:len(from.Shape)-1] {
		rows *= d
	}
	if len(n.Shape) > 1 {
		in = l.emit("Reshape", []string{in, l.ints(rows, width)})
	}
	out := l.emit("Gemm", l.withParams(n, []string{in}), intAttr("transB", 1))
	if len(n.Shape) > 1 {
		out = l.emit("Reshape", []string{out, l.ints(l.shape(n)...)})
	}
	return out
}

// attention splits (B, N, 3W) into heads, attends, and joins them.
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
	return l.emit("Reshape", []string{x, l.ints(l.shape(n)...)})
}

func (l *lowering) token(n *graph.Node, in string) string {
	return l.emit("Gather", []string{in, l.index(n.Attr.From)}, intAttr("axis", 1))
}

// index is a whole number without axes.
func (l *lowering) index(i int) string {
	name := l.fresh()
	l.constant(name, onnxInt64, nil, int64Bytes([]int{i}))
	return name
}

// scalar is a float without axes.
func (l *lowering) scalar(v float64) string {
	name := l.fresh()
	l.constant(name, onnxFloat, nil, float32Bytes(float32(v)))
	return name
}
