package train

import (
	"fmt"
	"hash"
	"hash/fnv"

	"github.com/chewxy/hm"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// op is a gorgonia.Op of fixed shapes whose result lies in a buffer of its own, written anew at every run: no
// garbage, and no gradient that has to be zeroed. That makes a graph single-goroutine.
//
// Gorgonia's own elementwise and broadcasting ops are not used because they transpose, copy and allocate at
// every step; see BenchmarkStep.
type op struct {
	name  string // unique in its graph: Gorgonia merges ops of one hash
	in    []tensor.Shape
	shape tensor.Shape // nil for a scalar
	wrt   []bool       // inputs that a gradient is wanted for
	run   func(in [][]float32, out []float32)
	diff  func(in gorgonia.Nodes, out, grad *gorgonia.Node) (gorgonia.Nodes, error)

	out  *tensor.Dense // result buffer; nil for a scalar
	args [][]float32
}

// apply adds the op to the graph of its inputs, with the shapes that they have.
func (o *op) apply(in ...*gorgonia.Node) (*gorgonia.Node, error) {
	for _, n := range in {
		o.in = append(o.in, n.Shape())
	}
	if o.shape != nil {
		o.out = tensor.New(tensor.Of(tensor.Float32), tensor.WithShape(o.shape...))
	}
	o.args = make([][]float32, len(in))
	n, err := gorgonia.ApplyOp(o, in...)
	if err != nil {
		return nil, fmt.Errorf("adding %s to the training graph: %w", o.name, err)
	}
	return n, nil
}

// Do computes the result.
func (o *op) Do(values ...gorgonia.Value) (gorgonia.Value, error) {
	for i, v := range values {
		switch data := v.Data().(type) {
		case []float32:
			o.args[i] = data
		case float32:
			o.args[i] = []float32{data}
		default:
			return nil, fmt.Errorf("%s: input %d is %T, want float32", o.name, i, data)
		}
	}
	if o.out == nil {
		var scalar [1]float32
		o.run(o.args, scalar[:])
		return gorgonia.NewF32(scalar[0]), nil
	}
	o.run(o.args, o.out.Float32s())
	return o.out, nil
}

// Type is made anew each time, because Gorgonia recycles it.
func (o *op) Type() hm.Type {
	types := make([]hm.Type, 0, len(o.in)+1)
	for _, s := range append(o.in[:len(o.in):len(o.in)], o.shape) {
		if len(s) == 0 {
			types = append(types, tensor.Float32)
		} else {
			types = append(types, gorgonia.TensorType{Dims: len(s), Of: tensor.Float32})
		}
	}
	return hm.NewFnType(types...)
}

// InferShape gives the shape that was fixed when the op was made.
func (o *op) InferShape(...gorgonia.DimSizer) (tensor.Shape, error) {
	if o.shape == nil {
		return tensor.ScalarShape(), nil
	}
	return o.shape.Clone(), nil
}

// Arity, and what follows, is what Gorgonia asks of an op.
func (o *op) Arity() int           { return len(o.in) }
func (o *op) ReturnsPtr() bool     { return true }
func (o *op) CallsExtern() bool    { return false }
func (o *op) OverwritesInput() int { return -1 }
func (o *op) String() string       { return o.name }

func (o *op) WriteHash(h hash.Hash) { _, _ = h.Write([]byte(o.name)) } // a hash never fails

func (o *op) Hashcode() uint32 {
	h := fnv.New32a()
	o.WriteHash(h)
	return h.Sum32()
}

// DiffWRT says which inputs a gradient is wanted for.
func (o *op) DiffWRT(n int) []bool {
	if o.wrt == nil {
		return make([]bool, n)
	}
	return o.wrt
}

// SymDiff adds the gradient's ops to the graph.
func (o *op) SymDiff(in gorgonia.Nodes, out, grad *gorgonia.Node) (gorgonia.Nodes, error) {
	return o.diff(in, out, grad)
}

var _ gorgonia.SDOp = (*op)(nil)
