package tape

import (
	"fmt"
	"slices"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"sim2reald/model/graph"
	"sim2reald/model/safetensors"
)

// floats finds a parameter's values, in the file's own memory where they lie there as float32.
func floats(p *graph.Param, values map[string]safetensors.Tensor) ([]float32, error) {
	t, ok := values[p.Name]
	if !ok {
		return nil, fmt.Errorf("parameter %q has no values: %w", p.Name, ErrInput)
	}
	if !slices.Equal(t.Shape, p.Shape) {
		return nil, fmt.Errorf("parameter %q has shape %v, the graph wants %v: %w", p.Name, t.Shape, p.Shape, ErrInput)
	}
	v, err := t.View()
	if err != nil {
		return nil, fmt.Errorf("parameter %q: %w", p.Name, err)
	}
	if len(v) != p.Len() {
		return nil, fmt.Errorf("parameter %q has %d numbers, the graph wants %d: %w", p.Name, len(v), p.Len(), ErrInput)
	}
	return v, nil
}

// shifted is base + delta; where delta is 0 it is base to the bit.
func shifted(base, delta []float32) []float32 {
	out := slices.Clone(base)
	for i, d := range delta {
		if d != 0 {
			out[i] += d
		}
	}
	return out
}

// turned swaps rows and columns of each matrix.
func turned(m matrices, v []float32) []float32 {
	out := make([]float32, len(v))
	for b := range m.b {
		at := b * m.rows * m.cols
		for r := range m.rows {
			for c := range m.cols {
				out[at+c*m.rows+r] = v[at+r*m.cols+c]
			}
		}
	}
	return out
}

// form is a parameter as an op wants it: with its delta, and turned or packed unless that is empty.
type form struct {
	*graph.Param
	turn matrices
	pack packing
}

// made gives the form of values that have their delta, packed into memory of from.
func (f form) made(v []float32, from func(size int) []float32) []float32 {
	switch {
	case f.pack.out > 0:
		return f.pack.made(v, from(f.pack.size()))
	case f.turn.b > 0:
		return turned(f.turn, v)
	}
	return v
}

// slot is a form that each session fills.
type slot struct {
	form
	leaf *gorgonia.Node
}

// fill computes what a session binds to the slot: the file's own memory, or a new one.
func (s slot) fill(frozen, bundle map[string]safetensors.Tensor) (*tensor.Dense, error) {
	from := frozen
	if s.Swapped() {
		from = bundle
	}
	v, err := floats(s.Param, from)
	if err != nil {
		return nil, err
	}
	if s.Delta != nil {
		delta, err := floats(s.Delta, bundle)
		if err != nil {
			return nil, err
		}
		v = shifted(v, delta)
	}
	if s.Swapped() && s.turn.b == 0 && s.pack.out == 0 {
		v = slices.Clone(v) // the bundle's memory stays the caller's
	}
	return vector(s.made(v, aligned)), nil
}

// fixed says whether the tape can hold the values itself.
func (f form) fixed() bool { return !f.Swapped() && f.Delta == nil }

// param is the node of a parameter as it is, nil for none.
func (l *lowering) param(p *graph.Param) *gorgonia.Node {
	if p == nil {
		return nil
	}
	return l.formed(form{Param: p})
}

// formed is the node of a parameter in the form given, the same for all that ask.
func (l *lowering) formed(f form) *gorgonia.Node {
	if l.err != nil {
		return nil
	}
	n, ok := l.params[f]
	if !ok {
		n = l.makeParam(f)
		l.params[f] = n
	}
	return n
}

func (l *lowering) makeParam(f form) *gorgonia.Node {
	name := fmt.Sprintf("%s %v %v", f.Name, f.turn, f.pack)
	switch {
	case f.fixed():
		v, err := floats(f.Param, l.frozen)
		if err != nil {
			l.fail(err)
			return nil
		}
		v = f.made(v, l.slab.take)
		return l.leaf(name, len(v), v)
	case l.live == nil:
		return l.slotParam(name, f)
	case f.turn.b > 0:
		return l.turn(name, f.turn, l.param(f.Param))
	case f.Delta != nil:
		bare := *f.Param
		bare.Delta = nil
		return l.shift(name, f.Len(), l.param(&bare), l.param(f.Delta))
	}
	return l.liveParam(name, f.Param)
}

// slotParam is a parameter that sessions bring. What they do not is looked at now.
func (l *lowering) slotParam(name string, f form) *gorgonia.Node {
	size := f.Len()
	if f.pack.out > 0 {
		size = f.pack.size()
	}
	if !f.Swapped() {
		if _, err := floats(f.Param, l.frozen); err != nil {
			l.fail(err)
		}
	}
	n := l.leaf(name, size, nil)
	l.slots = append(l.slots, slot{f, n})
	return n
}

// liveParam is a parameter in the caller's memory.
func (l *lowering) liveParam(name string, p *graph.Param) *gorgonia.Node {
	v := l.live[p.Name]
	if len(v) != p.Len() {
		l.fail(fmt.Errorf("parameter %q has %d numbers, the graph wants %d: %w", p.Name, len(v), p.Len(), ErrInput))
		return nil
	}
	n := l.leaf(name, len(v), v)
	if l.gradients && p.Trained() {
		l.learned[n] = true
		l.leaves = append(l.leaves, learnable{p, n})
	}
	return n
}

// learnable is a trained parameter and its node.
type learnable struct {
	*graph.Param
	node *gorgonia.Node
}
