package tape

import (
	"encoding/binary"
	"fmt"
	"hash"
	"hash/fnv"

	"github.com/chewxy/hm"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// op is a gorgonia.Op on vectors of fixed lengths: Gorgonia orders and runs the ops, and what the numbers mean
// is between the kernels. The result lies in memory that the plan gives to the op for as long as it is needed.
type op struct {
	name string
	size int // numbers of the result
	run  func(in [][]float32, out []float32)
	// diff gives what each input gets of the gradient, nil where wrt says none. It adds to t and in.
	diff func(in gorgonia.Nodes, out, grad *gorgonia.Node) gorgonia.Nodes
	// over is the input whose memory the result may take, where that input is not needed again; -1 for none.
	over         int
	each, common int // floats of scratch that run needs

	t     *tape
	in    gorgonia.Nodes
	id    uint32 // unique on the tape: Gorgonia merges ops of one hash
	place int    // among the ops, in the order of running
	wrt   []bool // inputs that a gradient goes to
	out   *tensor.Dense
	args  [][]float32
}

// Do computes the result. Memory is shared between ops by the order that the plan saw, so another order would
// give wrong numbers in silence: it is an error.
func (o *op) Do(values ...gorgonia.Value) (gorgonia.Value, error) {
	if o.out == nil || o.t.done != o.place {
		return nil, fmt.Errorf("%s ran as op %d, planned as %d: %w", o.name, o.t.done, o.place, ErrTape)
	}
	for i, v := range values {
		d, ok := v.(*tensor.Dense)
		if !ok {
			return nil, fmt.Errorf("%s: input %d is %T: %w", o.name, i, v, ErrTape)
		}
		o.args[i] = d.Float32s()
	}
	o.run(o.args, o.out.Float32s())
	o.t.done++
	return o.out, nil
}

// Type is made anew each time, because Gorgonia recycles it.
func (o *op) Type() hm.Type {
	types := make([]hm.Type, 0, len(o.args)+1)
	for range len(o.args) + 1 {
		types = append(types, gorgonia.TensorType{Dims: 1, Of: tensor.Float32})
	}
	return hm.NewFnType(types...)
}

// InferShape gives the length that was fixed when the op was made.
func (o *op) InferShape(...gorgonia.DimSizer) (tensor.Shape, error) { return tensor.Shape{o.size}, nil }

// Arity, and what follows, is what Gorgonia asks of an op.
func (o *op) Arity() int           { return len(o.args) }
func (o *op) ReturnsPtr() bool     { return true }
func (o *op) CallsExtern() bool    { return false }
func (o *op) OverwritesInput() int { return -1 }
func (o *op) String() string       { return o.name }

// WriteHash writes what no other op of the tape writes.
func (o *op) WriteHash(h hash.Hash) { _, _ = h.Write(binary.LittleEndian.AppendUint32(nil, o.id)) } // a hash never fails

// Hashcode is WriteHash's.
func (o *op) Hashcode() uint32 {
	h := fnv.New32a()
	o.WriteHash(h)
	return h.Sum32()
}

// DiffWRT says which inputs a gradient goes to.
func (o *op) DiffWRT(int) []bool { return o.wrt }

// SymDiff adds the gradient's ops to the tape.
func (o *op) SymDiff(in gorgonia.Nodes, out, grad *gorgonia.Node) (gorgonia.Nodes, error) {
	if o.diff == nil {
		return nil, fmt.Errorf("%s has no gradient: %w", o.name, ErrTape)
	}
	grads := o.diff(in, out, grad)
	return grads, o.t.err
}

var _ gorgonia.SDOp = (*op)(nil)
