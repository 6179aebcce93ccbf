package tape

import (
	"errors"
	"fmt"

	"gorgonia.org/gorgonia"

	"sim2reald/model/graph"
	"sim2reald/model/safetensors"
)

// Objective is a graph with a loss over its one output: the mean over all numbers of the batch of
// weight·(output - target)². Weights are 0 for padding.
type Objective struct {
	l              *lowering
	inputs         [][]float32
	target, weight []float32
	output, loss   *gorgonia.Node
	learned        []learnable
	grads          gorgonia.Nodes // as learned
}

// NewObjective lowers g. frozen are its frozen parameters; live are the fitted and the trained ones, by name,
// in memory that every run reads anew, so that an optimiser changes them in place. Gradients go through frozen
// layers as far back as the first parameter that is trained, and are computed for no other.
func NewObjective(g *graph.Graph, frozen map[string]safetensors.Tensor, live map[string][]float32, o Options, gradients bool) (*Objective, error) {
	if len(g.Outputs) != 1 {
		return nil, fmt.Errorf("objective: %d outputs, want one: %w", len(g.Outputs), ErrLower)
	}
	l, err := start(g, frozen, o)
	if err != nil {
		return nil, fmt.Errorf("objective: %w", err)
	}
	if live == nil {
		live = map[string][]float32{}
	}
	l.live, l.gradients = live, gradients
	t := &Objective{l: l}
	if err := t.build(); err != nil {
		return nil, fmt.Errorf("objective: %w", errors.Join(err, l.close()))
	}
	return t, nil
}

func (t *Objective) build() error {
	out := t.l.lower()
	if t.l.err != nil {
		return t.l.err
	}
	for i, n := range t.l.inputs {
		t.inputs = append(t.inputs, aligned(t.l.size(t.l.graph.Inputs[i])))
		t.l.fail(gorgonia.Let(n, vector(t.inputs[i])))
	}
	t.output = out[0]
	size := t.l.size(t.l.graph.Outputs[0])
	t.target, t.weight = make([]float32, size), make([]float32, size)
	target, weight := t.l.leaf("target", size, t.target), t.l.leaf("weight", size, t.weight)
	t.loss = t.l.meanSquares(size, t.output, target, weight)
	keep := gorgonia.Nodes{t.output, t.loss}
	if t.l.gradients {
		if err := t.differentiate(size, target, weight); err != nil {
			return err
		}
		keep = append(keep, t.grads...)
	}
	return t.l.finish(keep...)
}

// meanSquares is the loss, summed in float64.
func (t *tape) meanSquares(size int, y, target, weight *gorgonia.Node) *gorgonia.Node {
	return t.apply(&op{name: "loss", size: 1, over: -1, run: func(in [][]float32, out []float32) {
		sum := 0.0
		for i, a := range in[0] {
			d := float64(a - in[1][i])
			sum += float64(in[2][i]) * d * d
		}
		out[0] = float32(sum / float64(size))
	}}, y, target, weight)
}

// differentiate adds the gradients by what is trained.
func (t *Objective) differentiate(size int, target, weight *gorgonia.Node) error {
	dy := t.l.apply(&op{name: "loss.dy", size: size, over: -1, run: func(in [][]float32, out []float32) {
		scale := float32(2 / float64(size))
		for i, a := range in[0] {
			out[i] = scale * in[2][i] * (a - in[1][i])
		}
	}}, t.output, target, weight)
	if t.l.err != nil {
		return t.l.err
	}
	grads := t.l.backpropagate(t.output, dy)
	for _, p := range t.l.graph.Params {
		for _, leaf := range t.l.leaves {
			if leaf.Name == p.Name && grads[leaf.node] != nil {
				t.learned, t.grads = append(t.learned, leaf), append(t.grads, grads[leaf.node])
			}
		}
	}
	if len(t.learned) == 0 {
		return errors.Join(t.l.err, fmt.Errorf("the output depends on no trained parameter: %w", ErrLower))
	}
	return t.l.err
}

// Input is the memory of the i-th of Graph.Inputs, (Batch, shape...) row-major. Write it before Run.
func (t *Objective) Input(i int) []float32 { return t.inputs[i] }

// Target and Weight are the memory of what the output is compared with, (Batch, shape...). Write it before Run.
func (t *Objective) Target() []float32 { return t.target }

// Weight is 1 for numbers that count and 0 for those that do not.
func (t *Objective) Weight() []float32 { return t.weight }

// Run computes the loss, and the gradients, of what Input, Target and Weight hold.
func (t *Objective) Run() (float64, error) {
	if err := t.l.runMachine(); err != nil {
		return 0, err
	}
	return float64(result(t.loss)[0]), nil
}

// Output is the memory of the output, valid after Run until the next.
func (t *Objective) Output() []float32 { return result(t.output) }

// Learned are the trained parameters, in the graph's order.
func (t *Objective) Learned() []*graph.Param {
	out := make([]*graph.Param, len(t.learned))
	for i, p := range t.learned {
		out[i] = p.Param
	}
	return out
}

// Gradient of the i-th of Learned, valid after Run until the next.
func (t *Objective) Gradient(i int) []float32 { return result(t.grads[i]) }

// Close frees the objective.
func (t *Objective) Close() error { return t.l.close() }
