package serving

import (
	"errors"
	"fmt"
	"sync"

	"sim2reald/model"
	"sim2reald/model/graph"
	"sim2reald/model/safetensors"
)

// Base is a frozen base on an engine with places for adapters. Its bundles run one at a time.
type Base struct {
	engine  Engine
	network *network
	model   [headPart]Model // of the frozen and the adapted part; nil for a part without layers
	frozen  Session
	inputs  [][]float32 // of the whole network, in its order

	running sync.Mutex // held while a bundle runs
	looked  bool       // at pictures, once
	ran     Session    // of the adapted part, last

	adding   sync.Mutex // held while a bundle comes or goes; others run meanwhile
	heads    map[string]Model
	zeros    map[string]safetensors.Tensor // of every place for an adapter
	detached Session                       // the adapted part with zeros everywhere; nil until asked for
}

// Options say how a base is kept.
type Options struct {
	// Whole keeps the frozen layers before the first adapter and those behind it in one piece: what lies
	// between them would have to leave a GPU and come back.
	Whole bool
}

// Open loads the base of network g: its pictures, its backbone, and the places of its adapters, which bound
// those of the bundles to come. values are the frozen parameters.
func Open(e Engine, g *graph.Graph, values map[string]safetensors.Tensor, o Options) (*Base, error) {
	b := &Base{engine: e, network: cut(g, o.Whole), heads: map[string]Model{}, zeros: map[string]safetensors.Tensor{}}
	if err := b.open(values); err != nil {
		return nil, errors.Join(err, b.Close())
	}
	return b, nil
}

func (b *Base) open(values map[string]safetensors.Tensor) (err error) {
	for p := range headPart {
		if b.network.part[p] == nil {
			continue
		}
		if b.model[p], err = b.engine.Load(b.network.part[p].Graph, values); err != nil {
			return err
		}
	}
	if b.model[frozenPart] == nil && b.model[adaptedPart] == nil {
		return mismatch("the network has no layer that sees a picture")
	}
	if b.model[frozenPart] != nil {
		if b.frozen, err = b.model[frozenPart].Session(nil); err != nil {
			return err
		}
	}
	for _, n := range b.network.whole.Inputs {
		size := 1
		for _, d := range n.Shape {
			size *= d
		}
		b.inputs = append(b.inputs, make([]float32, size))
	}
	b.makeZeros()
	return nil
}

// makeZeros makes what stands for an adapter that a bundle lacks, once for all bundles.
func (b *Base) makeZeros() {
	if b.network.part[adaptedPart] == nil {
		return
	}
	for _, p := range b.network.part[adaptedPart].Swapped() {
		b.zeros[p.Name] = safetensors.Float32(p.Shape, make([]float32, p.Len()))
	}
}

// Describe says what really runs.
func (b *Base) Describe() model.Description {
	if b.model[adaptedPart] != nil {
		return b.model[adaptedPart].Describe()
	}
	return b.model[frozenPart].Describe()
}

// head is the model of a head, which bundles with heads of one shape share.
func (b *Base) head(g *graph.Graph) (Model, error) {
	key := signature(g)
	if m := b.heads[key]; m != nil {
		return m, nil
	}
	m, err := b.engine.Load(g, nil)
	if err != nil {
		return nil, err
	}
	b.heads[key] = m
	return m, nil
}

// signature tells graphs apart by all that a lowering sees.
func signature(g *graph.Graph) string {
	text := ""
	for _, n := range g.Nodes {
		text += fmt.Sprintf("%q %d %v %v", n.Name, n.Op, n.Attr, n.Shape)
		for _, in := range n.In {
			text += fmt.Sprintf(" %d", in.ID)
		}
		for _, p := range n.Params {
			text += fmt.Sprintf(" %q %v", p.Name, p.Shape)
		}
		text += "\n"
	}
	return text
}

// plain is the adapted part with zeros everywhere, which all bundles without adapters share.
func (b *Base) plain() (Session, error) {
	if b.detached != nil || b.model[adaptedPart] == nil {
		return b.detached, nil
	}
	s, err := b.model[adaptedPart].Session(b.zeros)
	if err != nil {
		return nil, err
	}
	b.detached = s
	return s, nil
}

// Close frees the base, after its bundles.
func (b *Base) Close() error {
	var errs []error
	for _, s := range []Session{b.frozen, b.detached} {
		if s != nil {
			errs = append(errs, s.Close())
		}
	}
	for _, m := range b.model {
		if m != nil {
			errs = append(errs, m.Close())
		}
	}
	for _, m := range b.heads {
		errs = append(errs, m.Close())
	}
	return errors.Join(errs...)
}
