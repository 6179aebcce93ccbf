package tape

import (
	"errors"
	"fmt"
	"slices"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Every refusal of this package wraps one of these.
var (
	ErrInput  = errors.New("unusable input")
	ErrLower  = errors.New("cannot be lowered to a tape")
	ErrMemory = errors.New("out of memory")
	ErrTape   = errors.New("tape is inconsistent") // a defect of this package
)

// tape collects ops. Its first error sticks: later calls do nothing, and finish reports it, so that a lowering
// reads as a list of layers.
type tape struct {
	g     *gorgonia.ExprGraph
	pool  *pool
	nodes gorgonia.Nodes // of ops, in the order of their making
	ids   uint32
	// learned marks the nodes that a wanted gradient flows to or through.
	learned map[*gorgonia.Node]bool
	kept    map[*gorgonia.Node]bool // results that are read after the run
	order   []*op                   // of running
	done    int                     // ops of the machine's run so far
	err     error
	machine gorgonia.VM
}

func newTape(p *pool) *tape {
	return &tape{g: gorgonia.NewGraph(), pool: p, learned: map[*gorgonia.Node]bool{}, kept: map[*gorgonia.Node]bool{}}
}

// fail keeps the first error.
func (t *tape) fail(err error) {
	if t.err == nil {
		t.err = err
	}
}

// leaf is a node over the caller's memory, or without any as yet where data is nil.
func (t *tape) leaf(name string, size int, data []float32) *gorgonia.Node {
	if t.err == nil {
		t.err = fits(name, size)
	}
	if t.err != nil {
		return nil
	}
	n := gorgonia.NewTensor(t.g, tensor.Float32, 1, gorgonia.WithShape(size), gorgonia.WithName(name))
	if data != nil {
		t.fail(gorgonia.Let(n, vector(data)))
	}
	return n
}

// vector is Gorgonia's view of memory.
func vector(data []float32) *tensor.Dense {
	return tensor.New(tensor.WithShape(len(data)), tensor.WithBacking(data))
}

// maxFloats bounds the memory of one tape, 64 GiB: beyond it, sizes are mistaken.
const maxFloats = 1 << 34

// fits says whether so many floats can be had at once.
func fits(name string, floats int) error {
	if floats > maxFloats {
		return fmt.Errorf("%s: %d numbers, at most %d; take a smaller batch or smaller pictures: %w", name, floats, maxFloats, ErrMemory)
	}
	return nil
}

// apply adds the op behind its inputs.
func (t *tape) apply(o *op, in ...*gorgonia.Node) *gorgonia.Node {
	if t.err == nil {
		t.err = fits(o.name, max(o.size, o.each, o.common))
	}
	if t.err != nil {
		return nil
	}
	t.ids++
	o.t, o.in, o.id, o.args = t, in, t.ids, make([][]float32, len(in))
	for _, n := range in {
		o.wrt = append(o.wrt, t.learned[n])
	}
	n, err := gorgonia.ApplyOp(o, in...)
	if err != nil {
		t.fail(fmt.Errorf("adding %s: %w", o.name, err))
		return nil
	}
	t.nodes = append(t.nodes, n)
	t.learned[n] = slices.Contains(o.wrt, true)
	return n
}

// finish plans the memory, keeping the results given.
func (t *tape) finish(keep ...*gorgonia.Node) error {
	if t.err != nil {
		return t.err
	}
	for _, n := range keep {
		t.kept[n] = true
	}
	if err := t.plan(); err != nil {
		return err
	}
	each, common := 0, 0
	for _, o := range t.order {
		each, common = max(each, o.each), max(common, o.common)
	}
	return t.pool.reserve(each, common)
}

// run computes every op once, in order. This is what Gorgonia's machine does, without its goroutine and its
// garbage: a robot's loop must do without both.
func (t *tape) run() {
	for _, o := range t.order {
		for i, n := range o.in {
			o.args[i] = result(n)
		}
		o.run(o.args, o.out.Float32s())
	}
}

// runMachine lets Gorgonia's tape machine compute every op once.
func (t *tape) runMachine() error {
	if t.machine == nil {
		t.machine = gorgonia.NewTapeMachine(t.g)
	}
	t.done = 0
	t.machine.Reset()
	if err := t.machine.RunAll(); err != nil {
		return fmt.Errorf("running the tape: %w", err)
	}
	return nil
}

// result is the memory of a node: a leaf's, or what its op has computed.
func result(n *gorgonia.Node) []float32 {
	if o, ok := n.Op().(*op); ok {
		return o.out.Float32s()
	}
	return n.Value().(*tensor.Dense).Float32s()
}

// close ends the machine and the threads.
func (t *tape) close() error {
	defer t.pool.close()
	if t.machine == nil {
		return nil
	}
	return t.machine.Close()
}
