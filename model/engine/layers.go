package engine

import (
	"fmt"

	"sim2reald/model/graph"
)

// layer writes one graph node as ONNX nodes. The tokens (N, W) of all examples are the rows of one matrix (B·N, W)
// between layers, see tokens.go.
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
		return l.flat(n, n.Name), nil
	case graph.PatchEmbed:
		return l.patchEmbed(n, in[0]), nil
	case graph.Prepend:
		return l.prepend(n), nil
	case graph.LayerNorm:
		return l.emit("LayerNormalization", l.withParams(n, in), intAttr("axis", -1), floatAttr("epsilon", n.Attr.Epsilon)), nil
	case graph.Linear:
		return l.linear(n, in[0]), nil
	case graph.Attention:
		return l.attention(n, in[0]), nil
	case graph.Tokens:
		return l.tokens(n), nil
	case graph.Token:
		return l.token(n), nil
	case graph.MeanTokens:
		return l.emit("ReduceMean", []string{l.apart(n.In[0]), l.ints(1)}, intAttr("keepdims", 0)), nil
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
	case graph.Position:
		return l.flat(n, l.emit("Add", l.withParams(n, []string{l.apart(n.In[0])}))), nil
	case graph.Add:
		return l.emit("Add", in), nil
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
