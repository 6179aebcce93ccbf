package graph

import (
	"math"
	"slices"
)

// maxStride and maxPad bound what a window can be asked to do, far beyond any backbone.
const (
	maxStride = 64
	maxPad    = 64
)

// Conv adds a layer, see the Op; bias may be nil.
func (b *Builder) Conv(name string, in *Node, weight, bias *Param, stride, groups int, pad Pad) *Node {
	n := &Node{Name: name, Op: Conv, In: []*Node{in}, Attr: Attr{Stride: stride, Groups: groups, Pad: pad}}
	if !b.want(name, in, 3) || !b.wantRank(name, weight, 4) {
		return n
	}
	out := weight.Shape[0]
	if groups < 1 || in.Shape[0]%groups != 0 || out%groups != 0 {
		b.fail(name, "%d and %d channels do not divide into %d groups", in.Shape[0], out, groups)
		return n
	}
	b.wantParam(name, weight, out, in.Shape[0]/groups, weight.Shape[2], weight.Shape[3])
	height, width, ok := b.windows(name, in, weight.Shape[2], weight.Shape[3], stride, pad)
	if !ok {
		return n
	}
	n.Params = b.withBias(name, weight, bias, out)
	n.Shape = []int{out, height, width}
	return b.add(n)
}

// windows counts the places of a window of rows by cols that lies inside the padded map.
func (b *Builder) windows(name string, in *Node, rows, cols, stride int, pad Pad) (height, width int, ok bool) {
	for _, p := range []int{pad.Top, pad.Left, pad.Bottom, pad.Right} {
		if p < 0 || p > maxPad {
			b.fail(name, "padding %d is outside 0 to %d", p, maxPad)
		}
	}
	if stride < 1 || stride > maxStride {
		b.fail(name, "stride %d is outside 1 to %d", stride, maxStride)
	}
	if b.err != nil {
		return 0, 0, false
	}
	tall, wide := in.Shape[1]+pad.Top+pad.Bottom, in.Shape[2]+pad.Left+pad.Right
	if rows < 1 || cols < 1 || rows > tall || cols > wide {
		b.fail(name, "window of %dx%d on a padded map of %dx%d", cols, rows, wide, tall)
		return 0, 0, false
	}
	return (tall-rows)/stride + 1, (wide-cols)/stride + 1, true
}

// MaxPool adds a layer, see the Op.
func (b *Builder) MaxPool(name string, in *Node, kernel, stride int, pad Pad) *Node {
	n := &Node{Name: name, Op: MaxPool, In: []*Node{in}, Attr: Attr{Kernel: kernel, Stride: stride, Pad: pad}}
	if !b.want(name, in, 3) {
		return n
	}
	if max(pad.Top, pad.Left, pad.Bottom, pad.Right) >= kernel {
		b.fail(name, "padding %v leaves windows of %d pixels empty", pad, kernel)
		return n
	}
	height, width, ok := b.windows(name, in, kernel, kernel, stride, pad)
	if !ok {
		return n
	}
	n.Shape = []int{in.Shape[0], height, width}
	return b.add(n)
}

// AvgPool adds a layer, see the Op.
func (b *Builder) AvgPool(name string, in *Node, kernel, stride int) *Node {
	n := &Node{Name: name, Op: AvgPool, In: []*Node{in}, Attr: Attr{Kernel: kernel, Stride: stride}}
	if !b.want(name, in, 3) {
		return n
	}
	if kernel < 1 || kernel > maxStride || stride < 1 || stride > kernel {
		b.fail(name, "window of %d pixels moving by %d", kernel, stride)
		return n
	}
	places := func(side int) int { return max(0, (side-kernel+stride-1)/stride) + 1 }
	n.Shape = []int{in.Shape[0], places(in.Shape[1]), places(in.Shape[2])}
	return b.add(n)
}

// MeanMap adds a layer, see the Op.
func (b *Builder) MeanMap(name string, in *Node) *Node {
	n := &Node{Name: name, Op: MeanMap, In: []*Node{in}}
	if !b.want(name, in, 3) {
		return n
	}
	n.Shape = []int{in.Shape[0]}
	return b.add(n)
}

// Gate adds a layer, see the Op.
func (b *Builder) Gate(name string, in, gate *Node) *Node {
	n := &Node{Name: name, Op: Gate, In: []*Node{in, gate}}
	if !b.want(name, in, 3) || !b.want(name, gate, 1) {
		return n
	}
	if in.Shape[0] != gate.Shape[0] {
		b.fail(name, "%d numbers gate %d channels", gate.Shape[0], in.Shape[0])
		return n
	}
	n.Shape = slices.Clone(in.Shape)
	return b.add(n)
}

// Gain adds a layer, see the Op.
func (b *Builder) Gain(name string, in *Node, factor float64) *Node {
	n := b.perFeature(name, Gain, in)
	n.Attr.Factor = factor
	if math.IsNaN(factor) || math.IsInf(factor, 0) {
		b.fail(name, "factor %g is not finite", factor)
	}
	return n
}
