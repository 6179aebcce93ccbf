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
	places  map[string]string // of the trained parameters, by name
	threads int
}

// newNetwork takes the graph's parameters from live, in whose memory they are trained. frozen may be nil for a
// head alone.
func newNetwork(g *graph.Graph, frozen map[string]safetensors.Tensor, live map[string][]float32, places map[string]string, threads int) (*network, error) {
	for _, p := range g.Swapped() {
		if len(live[p.Name]) != p.Len() {
			return nil, fmt.Errorf("%w: parameter %s begins as %d numbers, the network wants %v", ErrOptions, p.Name, len(live[p.Name]), p.Shape)
		}
		if p.Trained() && places[p.Name] == "" {
			return nil, fmt.Errorf("%w: nobody says where parameter %s is trained", ErrOptions, p.Name)
		}
	}
	return &network{g, frozen, live, places, threads}, nil
}

// floats copies tensors into memory of their own.
func floats(tensors map[string]safetensors.Tensor) (map[string][]float32, error) {
	out := map[string][]float32{}
	for name, t := range tensors {
		v, err := t.Float32s()
		if err != nil {
			return nil, fmt.Errorf("parameter %s: %w", name, err)
		}
		out[name] = v
	}
	return out, nil
}

// tensors are the parameters of a graph as they are now, in memory of their own.
func tensors(g *graph.Graph, live map[string][]float32) map[string]safetensors.Tensor {
	out := map[string]safetensors.Tensor{}
	for _, p := range g.Swapped() {
		out[p.Name] = safetensors.Float32(p.Shape, live[p.Name])
	}
	return out
}

// objective is the network's loss over so many rows, with gradients or without.
func (n *network) objective(rows int, gradients bool) (*batched, error) {
	o, err := tape.NewObjective(n.graph, n.frozen, n.live, tape.Options{Threads: n.threads, Batch: rows}, gradients)
	if err != nil {
		return nil, err
	}
	b := &batched{Objective: o, rows: rows}
	for i := range n.graph.Inputs {
		b.inputs = append(b.inputs, o.Input(i))
	}
	return b, nil
}

// batched is a loss over a batch of examples.
type batched struct {
	*tape.Objective
	rows   int
	inputs [][]float32
}

// memory is what one step needs.
func (o *batched) memory() batch { return batch{o.inputs, o.Target(), o.Weight()} }

// batch is what a network sees of some examples, and what it should answer.
type batch struct {
	inputs         [][]float32
	target, weight []float32
}

// like is memory of b's size.
func (b batch) like() batch {
	out := batch{target: make([]float32, len(b.target)), weight: make([]float32, len(b.weight))}
	for _, in := range b.inputs {
		out.inputs = append(out.inputs, make([]float32, len(in)))
	}
	return out
}

// copyFrom takes what another of the same size holds.
func (b batch) copyFrom(other batch) {
	for i, in := range b.inputs {
		copy(in, other.inputs[i])
	}
	copy(b.target, other.target)
	copy(b.weight, other.weight)
}

// fill shows it the examples of these indexes; rows beyond them weigh nothing.
func (b batch) fill(ex *examples, epoch int, indexes []int) error {
	clear(b.weight)
	for r, i := range indexes {
		if err := ex.show(epoch, i, r, b.inputs); err != nil {
			return err
		}
		copy(b.target[r*ex.out:(r+1)*ex.out], ex.y[i*ex.out:])
		copy(b.weight[r*ex.out:(r+1)*ex.out], ex.weight[i*ex.out:])
	}
	return nil
}

// feed fills batches in order, one ahead of who takes them.
type feed struct {
	filled chan fed
	spare  chan batch
	stop   chan struct{}
	ended  chan struct{}
}

type fed struct {
	batch
	err error
}

// feedBatches shows the examples of order in batches of so many rows, like b; a rest smaller than that is left out.
func feedBatches(ex *examples, epoch int, order []int, rows int, like batch) *feed {
	f := &feed{make(chan fed), make(chan batch, 2), make(chan struct{}), make(chan struct{})}
	f.spare <- like.like()
	f.spare <- like.like()
	go func() {
		defer close(f.ended)
		for chunk := range slices.Chunk(order, rows) {
			if len(chunk) < rows || !f.send(ex, epoch, chunk) {
				return
			}
		}
	}()
	return f
}

// send fills one batch; false when there is an end.
func (f *feed) send(ex *examples, epoch int, indexes []int) bool {
	var b batch
	select {
	case b = <-f.spare:
	case <-f.stop:
		return false
	}
	err := b.fill(ex, epoch, indexes)
	select {
	case f.filled <- fed{b, err}:
		return err == nil
	case <-f.stop:
		return false
	}
}

// next gives the next batch to b.
func (f *feed) next(b batch) error {
	got := <-f.filled
	if got.err != nil {
		return got.err
	}
	b.copyFrom(got.batch)
	f.spare <- got.batch
	return nil
}

// close ends the work; nobody uses the examples' pictures after it.
func (f *feed) close() {
	close(f.stop)
	<-f.ended
}
