package train

import (
	"fmt"
	"slices"

	"sim2reald/model/graph"
	"sim2reald/model/safetensors"
	"sim2reald/model/tape"
)

// network is what is trained: a graph, its frozen parameters, which nothing here writes to, and those of the
// bundle, which steps change in place.
type network struct {
	graph   *graph.Graph
	frozen  map[string]safetensors.Tensor
	live    map[string][]float32
	threads int
}

// newNetwork copies the bundle's parameters out of their tensors. frozen may be nil for a head alone.
func newNetwork(g *graph.Graph, frozen, start map[string]safetensors.Tensor, threads int) (*network, error) {
	n := &network{graph: g, frozen: frozen, live: map[string][]float32{}, threads: threads}
	for _, p := range g.Swapped() {
		t, ok := start[p.Name]
		if !ok || !slices.Equal(t.Shape, p.Shape) {
			return nil, fmt.Errorf("%w: parameter %s begins as %v, the network wants %v", ErrOptions, p.Name, t.Shape, p.Shape)
		}
		v, err := t.Float32s()
		if err != nil {
			return nil, fmt.Errorf("parameter %s: %w", p.Name, err)
		}
		n.live[p.Name] = v
	}
	return n, nil
}

// tensors are the bundle's parameters as they are now.
func (n *network) tensors() map[string]safetensors.Tensor {
	out := map[string]safetensors.Tensor{}
	for _, p := range n.graph.Swapped() {
		out[p.Name] = safetensors.Float32(p.Shape, n.live[p.Name])
	}
	return out
}

// objective is the network's loss over so many rows, with gradients or without.
func (n *network) objective(rows int, gradients bool) (*batched, error) {
	o, err := tape.NewObjective(n.graph, n.frozen, n.live, tape.Options{Threads: n.threads, Batch: rows}, gradients)
	return &batched{o, rows}, err
}

// batched is a loss over a batch of examples.
type batched struct {
	*tape.Objective
	rows int
}

// load shows it the examples of these indexes; rows beyond them weigh nothing.
func (o *batched) load(ex *examples, indexes []int) error {
	clear(o.Weight())
	for r, i := range indexes {
		if err := ex.show(i, r, o.Input); err != nil {
			return err
		}
		copy(o.Target()[r*ex.out:(r+1)*ex.out], ex.y[i*ex.out:])
		copy(o.Weight()[r*ex.out:(r+1)*ex.out], ex.weight[i*ex.out:])
	}
	return nil
}
