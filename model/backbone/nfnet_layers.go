package backbone

import (
	"fmt"
	"math"

	"sim2reald/model/graph"
)

// normFree builds an NFNet. Constants are folded into the weights behind them: an activation's gain and the
// block's beta into the convolution that takes it, so that what runs is activation and convolution alone.
type normFree struct {
	*stack
	arch *NFNet
	act  nonlinearity
}

// plan adds the layers and says how the parameters are made.
func (n *NFNet) plan(b *graph.Builder, prefix string, image *graph.Node, adapter Adapter) (Outputs, map[string]recipe) {
	net := &normFree{stack: newStack(b, prefix, adapter), arch: n, act: nonlinearities()[n.Activation]}
	x := net.stages(net.stem(image))
	if n.NumFeatures > 0 {
		x = net.conv("final_conv", x, shape{out: n.FeatureLen(), kernel: 1, stride: 1, groups: 1}, 1)
	}
	x = net.activate("final_act", x)
	unpooled := net.Gain(prefix+"unpooled", x, net.act.after)
	pooled := net.Gain(prefix+"pooled", net.MeanMap(prefix+"pooled.mean", x), net.act.after)
	return Outputs{Unpooled: unpooled, Pooled: pooled, Features: pooled}, net.recipes
}

// stem is four 3x3 convolutions that widen to the stem's channels and shrink the picture to a quarter.
func (n *normFree) stem(image *graph.Node) *graph.Node {
	x, factor := image, 1.0
	for i, stride := range []int{2, 1, 1, 2} {
		if i > 0 {
			x, factor = n.activate(fmt.Sprintf("stem.act%d", i+1), x), n.act.after
		}
		x = n.conv(fmt.Sprintf("stem.conv%d", i+1), x,
			shape{out: n.arch.stemWidth() >> (3 - i), kernel: 3, stride: stride, groups: 1}, factor)
	}
	return x
}

// stages are the residual blocks. beta makes the variance of what enters a branch one: the variance grows by
// alpha² with each block and starts anew behind the first of a stage.
func (n *normFree) stages(x *graph.Node) *graph.Node {
	variance := 1.0
	for i, blocks := range n.arch.Depths {
		for k := range blocks {
			stride := 1
			if i > 0 && k == 0 {
				stride = 2
			}
			out := eights(float64(n.arch.Channels[i]), 0.9)
			x = n.block(fmt.Sprintf("stages.%d.%d", i, k), x, out, stride, 1/math.Sqrt(variance))
			if k == 0 {
				variance = 1
			}
			variance += n.arch.Alpha * n.arch.Alpha
			n.blocks++
		}
	}
	return x
}

// block is one residual block, activation first.
func (n *normFree) block(name string, x *graph.Node, out, stride int, beta float64) *graph.Node {
	y, gain := n.activate(name+".act1", x), n.act.after
	shortcut := n.shortcut(name, x, y, out, stride, gain*beta)
	mid, groups := n.arch.inner(out)

	y = n.conv(name+".conv1", y, shape{out: mid, kernel: 1, stride: 1, groups: 1}, gain*beta)
	y = n.conv(name+".conv2", n.activate(name+".act2", y), shape{out: mid, kernel: 3, stride: stride, groups: groups}, gain)
	y = n.middle(name+".conv2", y)
	y = n.conv(name+".conv2b", n.activate(name+".act2b", y), shape{out: mid, kernel: 3, stride: 1, groups: groups}, gain)
	y = n.conv(name+".conv3", n.activate(name+".act3", y), shape{out: out, kernel: 1, stride: 1, groups: 1}, gain)
	return n.Add(n.prefix+name+".add", n.squeeze(name, y), shortcut)
}

// shortcut is what came in, or where its shape changes the activated input y, averaged down and projected.
func (n *normFree) shortcut(name string, x, y *graph.Node, out, stride int, factor float64) *graph.Node {
	if stride == 1 && n.channels(x) == out {
		return x
	}
	if stride > 1 {
		y = n.AvgPool(n.prefix+name+".downsample.pool", y, 2, stride)
	}
	return n.conv(name+".downsample.conv", y, shape{out: out, kernel: 1, stride: 1, groups: 1}, factor)
}

// squeeze is squeeze-and-excite with all that scales the branch folded into the gate: alpha, the attention's
// gain and, if there is one, the branch's own.
func (n *normFree) squeeze(name string, x *graph.Node) *graph.Node {
	out := n.channels(x)
	at := name + ".attn_last"
	hidden := eights(float64(out)*n.arch.SERatio, 0)
	gate := n.MeanMap(n.prefix+at+".mean", x)
	gate = n.dense(at+".fc1", gate, out, hidden)
	gate = n.Activate(n.prefix+at+".act", graph.ReLU, gate)
	gate = n.dense(at+".fc2", gate, hidden, out)
	gate = n.Activate(n.prefix+at+".gate", graph.Sigmoid, gate)
	return n.Gate(n.prefix+at, x, n.branchGain(name, gate, out))
}

// branchGain scales the gate of a branch.
func (n *normFree) branchGain(name string, gate *graph.Node, channels int) *graph.Node {
	constant := n.arch.Alpha * n.arch.AttnGain
	if !n.arch.SkipInit {
		return n.Gain(n.prefix+name+".gain", gate, constant)
	}
	gain := n.derived(name+".skipinit_gain@channels", []int{channels}, recipe{
		from: []source{{name + ".skipinit_gain", nil}},
		cook: func(in [][]float64) []float64 {
			all := make([]float64, channels)
			for i := range all {
				all[i] = constant * in[0][0]
			}
			return all
		},
	})
	return n.Scale(n.prefix+name+".gain", gate, gain)
}

// dense is a 1x1 convolution on a map of one pixel, that is a matrix on its channels.
func (n *normFree) dense(name string, x *graph.Node, in, out int) *graph.Node {
	weight := n.derived(name+".weight@matrix", []int{out, in}, recipe{
		from: []source{{name + ".weight", []int{out, in, 1, 1}}},
		cook: func(in [][]float64) []float64 { return in[0] },
	})
	return n.Linear(n.prefix+name, x, weight, n.Frozen(name+".bias", out))
}

// shape is what a convolution has besides its input.
type shape struct{ out, kernel, stride, groups int }

// conv is a scaled standardised convolution of factor times its input.
func (n *normFree) conv(name string, x *graph.Node, s shape, factor float64) *graph.Node {
	in := n.channels(x) / s.groups
	size := []int{s.out, in, s.kernel, s.kernel}
	epsilon := n.arch.StdConvEps
	weight := n.derived(name+".weight@standardised", size, recipe{
		from: []source{{name + ".weight", size}, {name + ".gain", []int{s.out, 1, 1, 1}}},
		cook: func(in [][]float64) []float64 { return standardise(in[0], in[1], epsilon, factor) },
	})
	bias := n.Frozen(name+".bias", s.out)
	if name == "stem.conv1" {
		n.bottom(name, weight, bias)
	}
	return n.Conv(n.prefix+name, x, weight, bias, s.stride, s.groups, n.padding(x, s.kernel, s.stride))
}

// padding around a map for a window, see NFNet.SamePadding.
func (n *normFree) padding(x *graph.Node, kernel, stride int) graph.Pad {
	if n.Err() != nil || !n.arch.SamePadding {
		return graph.Around((stride - 1 + kernel - 1) / 2)
	}
	same := func(side int) (before, after int) {
		places := (side + stride - 1) / stride
		total := max(0, (places-1)*stride+kernel-side)
		return total / 2, total - total/2
	}
	top, bottom := same(x.Shape[1])
	left, right := same(x.Shape[2])
	return graph.Pad{Top: top, Left: left, Bottom: bottom, Right: right}
}

// activate is the activation without the part of its gain that goes into what follows.
func (n *normFree) activate(name string, x *graph.Node) *graph.Node {
	if n.act.before != 1 {
		x = n.Gain(n.prefix+name+".unit", x, n.act.before)
	}
	return n.Activate(n.prefix+name, n.act.op, x)
}
