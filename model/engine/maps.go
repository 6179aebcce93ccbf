package engine

import "sim2reald/model/graph"

// mapLayer lowers what takes a map (B, C, H, W).
func (l *lowering) mapLayer(n *graph.Node, in []string) string {
	a := n.Attr
	kernel, strides := intsAttr("kernel_shape", a.Kernel, a.Kernel), intsAttr("strides", a.Stride, a.Stride)
	switch n.Op {
	case graph.Conv:
		size := n.Params[0].Shape
		return l.emit("Conv", l.withParams(n, in), intsAttr("kernel_shape", size[2], size[3]), strides,
			padsAttr(a.Pad), intAttr("group", a.Groups))
	case graph.MaxPool:
		return l.emit("MaxPool", in, kernel, strides, padsAttr(a.Pad))
	case graph.AvgPool:
		return l.emit("AveragePool", in, kernel, strides, padsAttr(overhang(n)), intAttr("count_include_pad", 0))
	case graph.MeanMap:
		return l.emit("Reshape", []string{l.emit("GlobalAveragePool", in), l.ints(l.shape(n)...)})
	}
	return l.gate(n, in)
}

// gate multiplies a map by a vector laid out as a map of one pixel.
func (l *lowering) gate(n *graph.Node, in []string) string {
	column := l.emit("Reshape", []string{in[1], l.ints(l.batch, n.Shape[0], 1, 1)})
	return l.emit("Mul", []string{in[0], column})
}

func padsAttr(p graph.Pad) attribute { return intsAttr("pads", p.Top, p.Left, p.Bottom, p.Right) }

// overhang is how far the last windows of an average pool hang over the edge, as padding: it says the same as
// ONNX's ceil_mode, whose averages over the edge have changed between versions.
func overhang(n *graph.Node) graph.Pad {
	in, a := n.In[0].Shape, n.Attr
	over := func(from, to int) int { return max(0, (to-1)*a.Stride+a.Kernel-from) }
	return graph.Pad{Bottom: over(in[1], n.Shape[1]), Right: over(in[2], n.Shape[2])}
}
