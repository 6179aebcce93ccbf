package graphtest

import (
	"math"

	"sim2reald/model/graph"
)

// mapLayer evaluates the layers that take a map (C, H, W).
func (e *evaluation) mapLayer(n *graph.Node, x []float64) []float64 {
	shape := n.In[0].Shape
	area := shape[1] * shape[2]
	switch n.Op {
	case graph.Conv:
		return e.conv(n, x)
	case graph.MaxPool:
		return pool(n, x, math.Inf(-1), math.Max, func(v float64, _ int) float64 { return v })
	case graph.AvgPool:
		return pool(n, x, 0, func(a, b float64) float64 { return a + b }, func(v float64, k int) float64 { return v / float64(k) })
	case graph.MeanMap:
		out := make([]float64, shape[0])
		for i, v := range x {
			out[i/area] += v / float64(area)
		}
		return out
	case graph.Gate:
		out, gate := make([]float64, len(x)), e.done[n.In[1].ID]
		for i, v := range x {
			out[i] = v * gate[i/area]
		}
		return out
	}
	return nil
}

// conv is the sum over the window, pixel by pixel.
func (e *evaluation) conv(n *graph.Node, x []float64) []float64 {
	in, weight := n.In[0].Shape, n.Params[0].Shape
	perGroup := n.Shape[0] / n.Attr.Groups
	var out []float64
	for o := range n.Shape[0] {
		first := o / perGroup * weight[1] // channel that the group begins with
		for oy := range n.Shape[1] {
			for ox := range n.Shape[2] {
				sum := e.bias(n, o)
				for c := range weight[1] {
					for ky := range weight[2] {
						for kx := range weight[3] {
							y, col := oy*n.Attr.Stride+ky-n.Attr.Pad.Top, ox*n.Attr.Stride+kx-n.Attr.Pad.Left
							if y < 0 || y >= in[1] || col < 0 || col >= in[2] {
								continue
							}
							w := e.params[n.Params[0]][((o*weight[1]+c)*weight[2]+ky)*weight[3]+kx]
							sum += w * x[((first+c)*in[1]+y)*in[2]+col]
						}
					}
				}
				out = append(out, sum)
			}
		}
	}
	return out
}

// pool folds the values under each window, starting from start, and finishes with their number.
func pool(n *graph.Node, x []float64, start float64, fold func(a, b float64) float64, finish func(v float64, count int) float64) []float64 {
	in, k := n.In[0].Shape, n.Attr.Kernel
	var out []float64
	for c := range n.Shape[0] {
		for oy := range n.Shape[1] {
			for ox := range n.Shape[2] {
				sum, count := start, 0
				for y := oy*n.Attr.Stride - n.Attr.Pad.Top; y < oy*n.Attr.Stride-n.Attr.Pad.Top+k; y++ {
					for col := ox*n.Attr.Stride - n.Attr.Pad.Left; col < ox*n.Attr.Stride-n.Attr.Pad.Left+k; col++ {
						if y >= 0 && y < in[1] && col >= 0 && col < in[2] {
							sum, count = fold(sum, x[(c*in[1]+y)*in[2]+col]), count+1
						}
					}
				}
				out = append(out, finish(sum, count))
			}
		}
	}
	return out
}
