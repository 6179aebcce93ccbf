package train

import (
	"errors"
	"fmt"
	"slices"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"sim2reald/model/graph"
	"sim2reald/model/safetensors"
)

// ErrLower is wrapped when a graph holds what this package cannot train.
var ErrLower = errors.New("cannot be lowered to Gorgonia")

// weights are parameters by name, in memory that is shared by every lowering of them and changed in place.
type weights map[string][]float32

// unpack copies tensors out of their files' bytes.
func unpack(g *graph.Graph, tensors map[string]safetensors.Tensor) (weights, error) {
	w := weights{}
	for _, p := range g.Params {
		t, ok := tensors[p.Name]
		if !ok || !slices.Equal(t.Shape, p.Shape) {
			return nil, fmt.Errorf("parameter %s is %v, want %v: %w", p.Name, t.Shape, p.Shape, ErrLower)
		}
		v, err := t.Float32s()
		if err != nil {
			return nil, fmt.Errorf("parameter %s: %w", p.Name, err)
		}
		w[p.Name] = v
	}
	return w, nil
}

// pack is the inverse of unpack.
func (w weights) pack(g *graph.Graph) map[string]safetensors.Tensor {
	out := map[string]safetensors.Tensor{}
	for _, p := range g.Params {
		out[p.Name] = safetensors.Float32(p.Shape, w[p.Name])
	}
	return out
}

// lowered is a graph with one input and one output as Gorgonia computes it, for a fixed number of rows.
type lowered struct {
	g      *gorgonia.ExprGraph
	w      weights
	x      []float32 // (rows, in), filled by the caller
	rows   int
	params map[string]*gorgonia.Node
	done   map[int]*gorgonia.Node // by graph.Node.ID
	learns map[int]bool           // some parameter at or before the node is trained
	out    *gorgonia.Node         // (rows, out)
}

// lower builds g over w. It knows what heads are made of.
func lower(g *graph.Graph, w weights, rows int) (*lowered, error) {
	if len(g.Inputs) != 1 || len(g.Outputs) != 1 {
		return nil, fmt.Errorf("%d inputs and %d outputs, want one each: %w", len(g.Inputs), len(g.Outputs), ErrLower)
	}
	l := &lowered{g: gorgonia.NewGraph(), w: w, rows: rows, params: map[string]*gorgonia.Node{},
		done: map[int]*gorgonia.Node{}, learns: map[int]bool{}}
	for _, p := range g.Params {
		l.params[p.Name] = l.leaf(p.Name, p.Shape, w[p.Name])
	}
	for _, n := range g.Nodes {
		node, err := l.layer(n)
		if err != nil {
			return nil, fmt.Errorf("layer %s: %w", n.Name, err)
		}
		l.done[n.ID], l.learns[n.ID] = node, l.learnsAt(n)
	}
	l.out = l.done[g.Outputs[0].ID]
	return l, nil
}

// leaf is a node over the caller's memory.
func (l *lowered) leaf(name string, shape []int, data []float32) *gorgonia.Node {
	t := tensor.New(tensor.WithShape(shape...), tensor.WithBacking(data))
	return gorgonia.NodeFromAny(l.g, t, gorgonia.WithName(name))
}

func (l *lowered) learnsAt(n *graph.Node) bool {
	for _, in := range n.In {
		if l.learns[in.ID] {
			return true
		}
	}
	return slices.ContainsFunc(n.Params, (*graph.Param).Trained)
}

func (l *lowered) layer(n *graph.Node) (*gorgonia.Node, error) {
	if n.Op == graph.Input {
		if len(n.Shape) != 1 {
			return nil, fmt.Errorf("input of %v, want a vector: %w", n.Shape, ErrLower)
		}
		l.x = make([]float32, l.rows*n.Shape[0])
		return l.leaf(n.Name, []int{l.rows, n.Shape[0]}, l.x), nil
	}
	x := l.done[n.In[0].ID]
	switch n.Op {
	case graph.Standardise:
		if l.learns[n.In[0].ID] {
			return nil, fmt.Errorf("%s behind a trained layer: %w", n.Op, ErrLower)
		}
		return standardise(n.Name, x, l.params[n.Params[0].Name], l.params[n.Params[1].Name])
	case graph.Linear:
		if n.Param(1) == nil {
			return nil, fmt.Errorf("%s without bias: %w", n.Op, ErrLower)
		}
		return linear(n.Name, x, l.params[n.Params[0].Name], l.params[n.Params[1].Name], l.learns[n.In[0].ID])
	case graph.ReLU:
		return activation(n.Name, x, relu, reluSlope)
	case graph.GELU:
		return activation(n.Name, x, gelu, geluSlope)
	}
	return nil, fmt.Errorf("%s: %w", n.Op, ErrLower)
}

// objective is a lowered graph with its loss, and its gradients if asked for.
type objective struct {
	*lowered
	target, weight []float32 // (rows, out), filled by the caller
	loss           *gorgonia.Node
	learned        []string // parameters with a gradient
	grads          gorgonia.Nodes
	machine        gorgonia.VM
}

func newObjective(g *graph.Graph, w weights, rows int, gradients bool) (*objective, error) {
	l, err := lower(g, w, rows)
	if err != nil {
		return nil, err
	}
	o := &objective{lowered: l}
	size := l.out.Shape().TotalSize()
	o.target, o.weight = make([]float32, size), make([]float32, size)
	target := l.leaf("target", l.out.Shape(), o.target)
	weight := l.leaf("weight", l.out.Shape(), o.weight)
	if o.loss, err = meanSquares("loss", l.out, target, weight); err != nil {
		return nil, err
	}
	if gradients {
		if err := o.differentiate(g); err != nil {
			return nil, err
		}
	}
	o.machine = gorgonia.NewTapeMachine(l.g)
	return o, nil
}

// differentiate seeds the backward pass itself: Gorgonia's Grad keeps its seed in a package variable.
func (o *objective) differentiate(g *graph.Graph) error {
	var nodes gorgonia.Nodes
	for _, p := range g.Params {
		if p.Trained() {
			o.learned = append(o.learned, p.Name)
			nodes = append(nodes, o.params[p.Name])
		}
	}
	one := o.g.AddNode(gorgonia.NewConstant(float32(1), gorgonia.WithName("one")))
	var err error
	if o.grads, err = gorgonia.Backpropagate(gorgonia.Nodes{o.loss}, gorgonia.Nodes{one}, nodes); err != nil {
		return fmt.Errorf("differentiating the head: %w", err)
	}
	return nil
}

// run computes the loss, and the gradients, of what x, target and weight hold.
func (o *objective) run() (float64, error) {
	o.machine.Reset()
	if err := o.machine.RunAll(); err != nil {
		return 0, fmt.Errorf("running the training graph: %w", err)
	}
	loss, ok := o.loss.Value().Data().(float32)
	if !ok {
		return 0, fmt.Errorf("loss is %T, want float32", o.loss.Value().Data())
	}
	return float64(loss), nil
}

// gradient of the i-th of learned, after run; valid until the next.
func (o *objective) gradient(i int) []float32 { return o.grads[i].Value().Data().([]float32) }

// Close frees the machine.
func (o *objective) Close() error { return o.machine.Close() }
