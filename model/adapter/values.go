package adapter

import (
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"strings"

	"sim2reald/model/graph"
	"sim2reald/model/safetensors"
)

// Init gives first values for every parameter of the bundle, the same for the same seed on every machine: the
// head's as Head.Init has them, and adapters that change nothing yet. Every up-projection and every delta is
// zero; the weights of down-projections are uniform within ±1/√in, each tensor drawn from seed and name alone,
// so that it does not depend on what else is trained. Those of a full network's backbone are the base's, not these.
func (n Network) Init(start Start) (map[string]safetensors.Tensor, error) {
	g, a, err := n.graph()
	if err != nil {
		return nil, err
	}
	out, err := n.Head.Init(start)
	if err != nil {
		return nil, err
	}
	for _, p := range g.Swapped() {
		if _, ok := a.places[p.Name]; ok {
			out[p.Name] = safetensors.Float32(p.Shape, filled(p.Len(), firstDraw(p, start.Seed)))
		}
	}
	return out, nil
}

func firstDraw(p *graph.Param, seed uint64) func() float32 {
	if !strings.HasSuffix(p.Name, ".down.weight") {
		return func() float32 { return 0 }
	}
	stream := fnv.New64a()
	_, _ = stream.Write([]byte(p.Name)) // a hash never fails
	fanIn := p.Len() / p.Shape[0]
	return uniform(rand.New(rand.NewPCG(seed, stream.Sum64())), 1/math.Sqrt(float64(fanIn)))
}

// Zero gives zeros for every adapter parameter of g: put over a bundle's, they detach it from the backbone
// and leave the head.
func Zero(g *graph.Graph) map[string]safetensors.Tensor {
	out := map[string]safetensors.Tensor{}
	for _, p := range g.Swapped() {
		if strings.HasPrefix(p.Name, Prefix) {
			out[p.Name] = safetensors.Float32(p.Shape, make([]float32, p.Len()))
		}
	}
	return out
}

// Counts are numbers of parameters by where they are trained; Base is as the network uses it, frozen unless Full.
type Counts struct {
	Base, Bottom, Middle, Norms, Top int
	Full                             bool
}

// Count counts the network's parameters.
func (n Network) Count() (Counts, error) {
	c := Counts{Full: n.Full}
	g, a, err := n.graph()
	if err != nil {
		return c, err
	}
	for _, p := range g.Params {
		switch {
		case !p.Swapped(), strings.HasPrefix(p.Name, BasePrefix):
			c.Base += p.Len()
		case a.places[p.Name] == PlaceBottom:
			c.Bottom += p.Len()
		case a.places[p.Name] == PlaceMiddle:
			c.Middle += p.Len()
		case a.places[p.Name] == PlaceNorms:
			c.Norms += p.Len()
		default:
			c.Top += p.Len()
		}
	}
	return c, nil
}

// Trained is how many parameters learn.
func (c Counts) Trained() int {
	n := c.Bottom + c.Middle + c.Norms + c.Top
	if c.Full {
		n += c.Base
	}
	return n
}

// String is one line, each place with its share of the base.
func (c Counts) String() string {
	text := fmt.Sprintf("base %d frozen", c.Base)
	if c.Full {
		text = fmt.Sprintf("base %d trained", c.Base)
	}
	for _, part := range []struct {
		name string
		n    int
	}{{PlaceBottom, c.Bottom}, {PlaceMiddle, c.Middle}, {PlaceNorms, c.Norms}, {PlaceTop, c.Top}} {
		text += fmt.Sprintf(", %s %d (%.2f %%)", part.name, part.n, 100*float64(part.n)/float64(max(c.Base, 1)))
	}
	return text
}

// PlaceBase stands beside the places of adapters for the backbone's own parameters, which a full network trains.
const PlaceBase = "base"

// Places says where each trained parameter of the network sits, by name: one of the places, or PlaceBase.
func (n Network) Places() (map[string]string, error) {
	g, a, err := n.graph()
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	for _, p := range g.Params {
		if !p.Trained() {
			continue
		}
		out[p.Name] = PlaceTop
		if place, ok := a.places[p.Name]; ok {
			out[p.Name] = place
		} else if strings.HasPrefix(p.Name, BasePrefix) {
			out[p.Name] = PlaceBase
		}
	}
	return out, nil
}
