package tape

import (
	"fmt"
	"slices"

	"gorgonia.org/gorgonia"
)

// backpropagate adds the gradients, given the loss's by from, and gives those of the leaves. Gorgonia's own
// Backpropagate is not used, because it sums what several readers of a node send back with an op that
// allocates at every run.
func (t *tape) backpropagate(from, grad *gorgonia.Node) map[*gorgonia.Node]*gorgonia.Node {
	parts := map[*gorgonia.Node]gorgonia.Nodes{from: {grad}}
	for _, n := range slices.Backward(slices.Clone(t.nodes)) {
		if t.err != nil {
			return nil
		}
		if !t.learned[n] || len(parts[n]) == 0 {
			continue
		}
		o := n.Op().(*op)
		grads, err := o.SymDiff(o.in, n, t.total(o.name, parts[n]))
		if err != nil {
			t.fail(fmt.Errorf("differentiating %s: %w", o.name, err))
			return nil
		}
		delete(parts, n)
		for i, in := range o.in {
			if o.wrt[i] {
				parts[in] = append(parts[in], grads[i])
			}
		}
	}
	out := map[*gorgonia.Node]*gorgonia.Node{}
	for n, p := range parts {
		out[n] = t.total(n.Name(), p)
	}
	return out
}

// total is the sum of gradients, in order.
func (t *tape) total(name string, parts gorgonia.Nodes) *gorgonia.Node {
	sum := parts[0]
	for _, p := range parts[1:] {
		if t.err != nil {
			return nil
		}
		size := sum.Shape()[0]
		sum = t.add(name+".sum", size, size, sum, p)
	}
	return sum
}
