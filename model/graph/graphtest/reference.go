// Package graphtest evaluates a graph naively in float64: the reference that tests hold the lowerings to.
//
// What belongs here: the plainest possible arithmetic of every layer, written from its definition. What does
// not: speed, and any use outside tests.
package graphtest

import (
	"fmt"
	"math"

	"sim2reald/model/graph"
	"sim2reald/model/safetensors"
)

// Run evaluates g for one example. inputs are by name, (shape...) row-major; values hold every parameter. The
// result has one slice per output.
func Run(g *graph.Graph, inputs map[string][]float64, values map[string]safetensors.Tensor) ([][]float64, error) {
	e := &evaluation{done: make([][]float64, len(g.Nodes)), params: map[*graph.Param][]float64{}}
	for _, p := range g.Params {
		v, err := values[p.Name].Float64s()
		if err != nil || len(v) != p.Len() {
			return nil, fmt.Errorf("parameter %q: %d numbers, want %d: %w", p.Name, len(v), p.Len(), err)
		}
		e.params[p] = v
	}
	for _, p := range g.Params {
		if p.Delta != nil {
			e.params[p] = pairs(e.params[p], e.params[p.Delta], func(a, b float64) float64 { return a + b })
		}
	}
	for _, n := range g.Nodes {
		if n.Op == graph.Input {
			e.done[n.ID] = inputs[n.Name]
		} else {
			e.done[n.ID] = e.layer(n)
		}
		if len(e.done[n.ID]) != size(n.Shape) {
			return nil, fmt.Errorf("layer %q: %d numbers, its shape is %v", n.Name, len(e.done[n.ID]), n.Shape)
		}
	}
	var out [][]float64
	for _, n := range g.Outputs {
		out = append(out, e.done[n.ID])
	}
	return out, nil
}

type evaluation struct {
	done   [][]float64
	params map[*graph.Param][]float64
}

// layer evaluates one node; an op that is missing here gives nothing, which Run reports.
func (e *evaluation) layer(n *graph.Node) []float64 {
	x := e.done[n.In[0].ID]
	width := n.Shape[len(n.Shape)-1]
	switch n.Op {
	case graph.PatchEmbed:
		return e.patchEmbed(n, x)
	case graph.Prepend:
		return append(append([]float64{}, e.params[n.Params[0]]...), x...)
	case graph.Position:
		return pairs(x, e.params[n.Params[0]], func(a, b float64) float64 { return a + b })
	case graph.Add:
		return pairs(x, e.done[n.In[1].ID], func(a, b float64) float64 { return a + b })
	case graph.Scale:
		return pairs(x, e.params[n.Params[0]], func(a, b float64) float64 { return a * b })
	case graph.Standardise:
		centred := pairs(x, e.params[n.Params[0]], func(a, b float64) float64 { return a - b })
		return pairs(centred, e.params[n.Params[1]], func(a, b float64) float64 { return a / b })
	case graph.LayerNorm:
		return e.layerNorm(n, x)
	case graph.Linear:
		return e.linear(n, x)
	case graph.Attention:
		return attention(n, x)
	case graph.Tokens:
		return x[n.Attr.From*width : n.Attr.To*width]
	case graph.Token:
		return x[n.Attr.From*width : (n.Attr.From+1)*width]
	case graph.MeanTokens:
		return meanTokens(x, width)
	case graph.Concat:
		var out []float64
		for _, in := range n.In {
			out = append(out, e.done[in.ID]...)
		}
		return out
	case graph.Gain:
		return pairs(x, []float64{n.Attr.Factor}, func(a, b float64) float64 { return a * b })
	case graph.Conv, graph.MaxPool, graph.AvgPool, graph.MeanMap, graph.Gate:
		return e.mapLayer(n, x)
	}
	return activate(n.Op, x)
}

// pairs combines x with y, which repeats.
func pairs(x, y []float64, f func(a, b float64) float64) []float64 {
	out := make([]float64, len(x))
	for i := range x {
		out[i] = f(x[i], y[i%len(y)])
	}
	return out
}

func activate(op graph.Op, x []float64) []float64 {
	f := map[graph.Op]func(float64) float64{
		graph.GELU:      func(v float64) float64 { return 0.5 * v * (1 + math.Erf(v/math.Sqrt2)) },
		graph.QuickGELU: func(v float64) float64 { return v / (1 + math.Exp(-1.702*v)) },
		graph.ReLU:      func(v float64) float64 { return math.Max(v, 0) },
		graph.Sigmoid:   func(v float64) float64 { return 1 / (1 + math.Exp(-v)) },
	}[op]
	if f == nil {
		return nil
	}
	return pairs(x, []float64{0}, func(a, _ float64) float64 { return f(a) })
}

func (e *evaluation) patchEmbed(n *graph.Node, x []float64) []float64 {
	channels, height, width := n.In[0].Shape[0], n.In[0].Shape[1], n.In[0].Shape[2]
	p, weight := n.Attr.Patch, e.params[n.Params[0]]
	var out []float64
	for top := 0; top < height; top += p {
		for left := 0; left < width; left += p {
			for f := range n.Shape[1] {
				sum := e.bias(n, f)
				for c := range channels {
					for dy := range p {
						for dx := range p {
							sum += weight[((f*channels+c)*p+dy)*p+dx] * x[(c*height+top+dy)*width+left+dx]
						}
					}
				}
				out = append(out, sum)
			}
		}
	}
	return out
}

// bias is the f-th of the optional second parameter.
func (e *evaluation) bias(n *graph.Node, f int) float64 {
	if p := n.Param(1); p != nil {
		return e.params[p][f]
	}
	return 0
}

func (e *evaluation) layerNorm(n *graph.Node, x []float64) []float64 {
	width := n.Shape[len(n.Shape)-1]
	weight, bias := e.params[n.Params[0]], e.params[n.Params[1]]
	var out []float64
	for r := 0; r < len(x); r += width {
		row := x[r : r+width]
		mean := meanTokens(row, 1)[0]
		variance := 0.0
		for _, v := range row {
			variance += (v - mean) * (v - mean) / float64(width)
		}
		for i, v := range row {
			out = append(out, (v-mean)/math.Sqrt(variance+n.Attr.Epsilon)*weight[i]+bias[i])
		}
	}
	return out
}

func (e *evaluation) linear(n *graph.Node, x []float64) []float64 {
	outLen, inLen := n.Params[0].Shape[0], n.Params[0].Shape[1]
	weight := e.params[n.Params[0]]
	var out []float64
	for r := 0; r < len(x); r += inLen {
		for f := range outLen {
			sum := e.bias(n, f)
			for i := range inLen {
				sum += weight[f*inLen+i] * x[r+i]
			}
			out = append(out, sum)
		}
	}
	return out
}

// attention takes rows of query, key, value, each of heads times size features.
func attention(n *graph.Node, x []float64) []float64 {
	tokens, width := n.Shape[0], n.Shape[1]
	size := width / n.Attr.Heads
	out := make([]float64, tokens*width)
	for head := range n.Attr.Heads {
		at := func(part, token int) []float64 {
			return x[token*3*width+part*width+head*size:][:size]
		}
		for t := range tokens {
			weights := make([]float64, tokens)
			total := 0.0
			for u := range tokens {
				weights[u] = math.Exp(dot(at(0, t), at(1, u)) / math.Sqrt(float64(size)))
				total += weights[u]
			}
			for u := range tokens {
				for i, v := range at(2, u) {
					out[t*width+head*size+i] += weights[u] / total * v
				}
			}
		}
	}
	return out
}

func dot(a, b []float64) float64 {
	sum := 0.0
	for i := range a {
		sum += a[i] * b[i]
	}
	return sum
}

func meanTokens(x []float64, width int) []float64 {
	out := make([]float64, width)
	for i, v := range x {
		out[i%width] += v / float64(len(x)/width)
	}
	return out
}

func size(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}
