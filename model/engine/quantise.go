package engine

import (
	"math"

	"sim2reald/model/graph"
	"sim2reald/model/safetensors"
)

// quantised are the frozen matrices that the int8 path keeps in 8 bits, by node.
type quantised map[*graph.Node]bool

// lower is Lower, with frozen matrices in 8 bits for Int8.
func lower(g *graph.Graph, values map[string]safetensors.Tensor, batch int, precision string) ([]byte, error) {
	if precision != Int8 {
		return Lower(g, values, batch)
	}
	l, err := newLowering(g, batch)
	if err != nil {
		return nil, err
	}
	e := eight{lowering: l, layers: choose(g), values: values, written: map[*graph.Param]bool{}}
	if err := l.parameters(e.layers.others(g), values); err != nil {
		return nil, err
	}
	for _, n := range g.Nodes {
		if err := e.layer(n); err != nil {
			return nil, err
		}
	}
	l.outputs(g)
	return l.model()
}

// choose takes the layers that hold nearly all of a base's arithmetic: every Linear on tokens and every
// convolution in one group whose weight is frozen and stays as it is. The layer that sees the picture is not
// among them.
func choose(g *graph.Graph) quantised {
	q := quantised{}
	for _, n := range g.Nodes {
		matrix := n.Op == graph.Linear && len(n.Shape) == 2
		window := n.Op == graph.Conv && n.Attr.Groups == 1 && n.In[0].Op != graph.Input
		if (matrix || window) && !n.Params[0].Swapped() && n.Params[0].Delta == nil {
			q[n] = true
		}
	}
	return q
}

// others are the parameters that some layer takes as they are.
func (q quantised) others(g *graph.Graph) []*graph.Param {
	alone := map[*graph.Param]bool{}
	for n := range q {
		alone[n.Params[0]] = true
	}
	for _, n := range g.Nodes {
		for _, p := range n.Params {
			if !q[n] || p != n.Params[0] {
				delete(alone, p)
			}
		}
	}
	var out []*graph.Param
	for _, p := range g.Params {
		if !alone[p] {
			out = append(out, p)
		}
	}
	return out
}

const (
	onnxUint8 = 2

	middle8 = 128 // what stands for 0
	reach8  = 127 // steps from there to the largest weight
)

// eight lowers with some layers in 8 bits.
type eight struct {
	*lowering
	layers  quantised
	values  map[string]safetensors.Tensor
	written map[*graph.Param]bool // weights: several pictures share one
}

// layer multiplies in whole numbers: what comes in is rounded to 8 bits between its smallest and largest value,
// at every run anew, the weight once, with a scale for each output. Of matrices ONNX Runtime makes one
// operation of all this.
func (e *eight) layer(n *graph.Node) error {
	if !e.layers[n] {
		return e.lowering.layer(n)
	}
	if err := e.weight(n); err != nil {
		return err
	}
	x := []string{e.fresh(), e.fresh(), e.fresh()}
	e.emitMany(x, "DynamicQuantizeLinear", []string{e.names[n.In[0].ID]})
	floats := e.emit("Cast", []string{e.product(n, x[0], x[2])}, intAttr("to", onnxFloat))
	out := e.emit("Mul", []string{floats, e.emit("Mul", []string{x[1], scaleName(n)})})
	if bias := n.Param(1); bias != nil {
		added := e.param(bias)
		if n.Op == graph.Conv {
			added = e.emit("Reshape", []string{added, e.ints(perOutput(n)...)})
		}
		out = e.emit("Add", []string{out, added})
	}
	e.names[n.ID] = out
	return nil
}

func weightName(n *graph.Node) string { return n.Params[0].Name + "@8" }
func scaleName(n *graph.Node) string  { return n.Params[0].Name + "@8scale" }

// product multiplies x, whose zero is given, with the layer's weight.
func (e *eight) product(n *graph.Node, x, zero string) string {
	middle := e.fresh()
	e.constant(middle, onnxUint8, nil, []byte{middle8})
	in := []string{x, weightName(n), zero, middle}
	if n.Op == graph.Linear {
		return e.emit("MatMulInteger", in)
	}
	size, stride := n.Params[0].Shape, n.Attr.Stride
	return e.emit("ConvInteger", in, intsAttr("kernel_shape", size[2], size[3]), intsAttr("strides", stride, stride), padsAttr(n.Attr.Pad))
}

// weight writes a layer's weight and scales. Bytes are unsigned, as the other side's are: sums of products of
// unsigned and signed bytes overflow on processors that have AVX2 and nothing newer.
func (e *eight) weight(n *graph.Node) error {
	p := n.Params[0]
	if e.written[p] {
		return nil
	}
	e.written[p] = true
	if _, err := rawFloats(p, e.values); err != nil {
		return err
	}
	from, err := e.values[p.Name].View()
	if err != nil {
		return err
	}
	bytes, scale := bytesOf(from, p.Shape[0])
	shape := p.Shape
	if n.Op == graph.Linear {
		bytes, shape = turned(bytes, p.Shape[0]), []int{p.Shape[1], p.Shape[0]}
	}
	e.constant(weightName(n), onnxUint8, shape, bytes)
	e.constant(scaleName(n), onnxFloat, perOutput(n), safetensors.Float32(nil, scale).Data)
	return nil
}

// perOutput is the shape of one number for each output, as the outputs lie.
func perOutput(n *graph.Node) []int {
	if n.Op == graph.Conv {
		return []int{n.Shape[0], 1, 1}
	}
	return n.Shape[1:]
}

// bytesOf rounds each output's weights, one row of from, to steps of its own.
func bytesOf(from []float32, rows int) (bytes []byte, scale []float32) {
	bytes, scale = make([]byte, len(from)), make([]float32, rows)
	cols := len(from) / rows
	for i := range rows {
		row := from[i*cols : (i+1)*cols]
		scale[i] = step8(row)
		for j, v := range row {
			bytes[i*cols+j] = byte(middle8 + int(math.RoundToEven(float64(v/scale[i]))))
		}
	}
	return bytes, scale
}

// step8 is the value of one step: the largest magnitude is reach8 of them. A row of zeros has steps of 1.
func step8(row []float32) float32 {
	largest := float32(0)
	for _, v := range row {
		largest = max(largest, float32(math.Abs(float64(v))))
	}
	if step := largest / reach8; step > 0 {
		return step
	}
	return 1
}

// turned is a matrix (rows, cols) as (cols, rows), which is how MatMulInteger wants it.
func turned(m []byte, rows int) []byte {
	out, cols := make([]byte, len(m)), len(m)/rows
	for i := range rows {
		for j := range cols {
			out[j*rows+i] = m[i*cols+j]
		}
	}
	return out
}
