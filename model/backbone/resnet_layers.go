package backbone

import (
	"fmt"

	"sim2reald/model/graph"
)

// residual builds a ResNet.
type residual struct {
	*stack
	arch *ResNet
}

// plan adds the layers and says how the parameters are made.
func (r *ResNet) plan(b *graph.Builder, prefix string, image *graph.Node, adapter Adapter) (Outputs, map[string]recipe) {
	n := &residual{stack: newStack(b, prefix, adapter), arch: r}
	x := n.stem(image)
	for i, blocks := range r.Layers {
		for k := range blocks {
			stride := 1
			if i > 0 && k == 0 {
				stride = 2
			}
			x = n.block(fmt.Sprintf("layer%d.%d", i+1, k), x, r.Channels[i], stride)
			n.blocks++
		}
	}
	pooled := n.MeanMap(prefix+"pooled", x)
	return Outputs{Unpooled: x, Pooled: pooled, Features: pooled}, n.recipes
}

// stem is the 7x7 convolution and the pooling behind it.
func (n *residual) stem(image *graph.Node) *graph.Node {
	weight, bias := n.folded("conv1", "bn1", stemChannels, n.channels(image), 7)
	n.bottom("conv1", weight, bias)
	x := n.Conv(n.prefix+"conv1", image, weight, bias, 2, 1, graph.Around(3))
	x = n.relu("act1", x)
	return n.MaxPool(n.prefix+"maxpool", x, 3, 2, graph.Around(1))
}

// block is one residual block of so many channels: the branch, and what came in, projected where its shape
// changes.
func (n *residual) block(name string, x *graph.Node, channels, stride int) *graph.Node {
	out := channels * n.arch.expansion()
	shortcut := x
	if stride != 1 || n.channels(x) != out {
		shortcut = n.conv(name+".downsample.0", name+".downsample.1", x, out, 1, stride)
	}
	var y *graph.Node
	var last string
	if n.arch.Block == "basic" {
		y, last = n.basic(name, x, channels, stride), "2"
	} else {
		y, last = n.bottleneck(name, x, channels, stride), "3"
	}
	return n.relu(name+".act"+last, n.Add(n.prefix+name+".add", y, shortcut))
}

// basic is the branch of two 3x3 convolutions.
func (n *residual) basic(name string, x *graph.Node, channels, stride int) *graph.Node {
	y := n.conv(name+".conv1", name+".bn1", x, channels, 3, stride)
	y = n.relu(name+".act1", n.middle(name+".conv1", y))
	return n.conv(name+".conv2", name+".bn2", y, channels, 3, 1)
}

// bottleneck is the branch of a 3x3 convolution between two 1x1.
func (n *residual) bottleneck(name string, x *graph.Node, channels, stride int) *graph.Node {
	y := n.relu(name+".act1", n.conv(name+".conv1", name+".bn1", x, channels, 1, 1))
	y = n.conv(name+".conv2", name+".bn2", y, channels, 3, stride)
	y = n.relu(name+".act2", n.middle(name+".conv2", y))
	return n.conv(name+".conv3", name+".bn3", y, channels*n.arch.expansion(), 1, 1)
}

// conv is a convolution with its norm folded in.
func (n *residual) conv(name, norm string, x *graph.Node, out, kernel, stride int) *graph.Node {
	weight, bias := n.folded(name, norm, out, n.channels(x), kernel)
	return n.Conv(n.prefix+name, x, weight, bias, stride, 1, graph.Around((kernel-1)/2))
}

// folded declares weight and bias of a convolution with its norm folded in: "conv1.weight@bn1", where the
// base has conv1.weight and bn1's tensors.
func (n *residual) folded(name, norm string, out, in, kernel int) (weight, bias *graph.Param) {
	shape := []int{out, in, kernel, kernel}
	of := normSources(norm, out)
	weight = n.derived(name+".weight@"+norm, shape, recipe{
		from: append([]source{{name + ".weight", shape}}, of...),
		cook: func(in [][]float64) []float64 { return foldWeight(in[0], in[1], in[4]) },
	})
	bias = n.derived(name+".bias@"+norm, []int{out}, recipe{
		from: of,
		cook: func(in [][]float64) []float64 { return foldBias(in[0], in[1], in[2], in[3]) },
	})
	return weight, bias
}

func (n *residual) relu(name string, x *graph.Node) *graph.Node {
	return n.Activate(n.prefix+name, graph.ReLU, x)
}
