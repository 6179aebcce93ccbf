package adapter

import (
	"fmt"
	"strings"

	"sim2reald/model/backbone"
	"sim2reald/model/graph"
)

// Prefix begins the name of every tensor that is trained inside the backbone. All of them zero is the frozen
// network, bit for bit.
const Prefix = "adapter."

// attachment puts a Placement into one graph, which may hold the backbone several times, and remembers where
// everything went.
type attachment struct {
	Placement
	places   map[string]string // of each trained parameter
	blocks   map[int]bool      // that have a middle adapter
	branches map[string]bool
	err      error // the first that the graph's builder cannot see
}

var _ backbone.Adapter = (*attachment)(nil)

func newAttachment(p Placement) *attachment {
	return &attachment{Placement: p, places: map[string]string{}, blocks: map[int]bool{}, branches: map[string]bool{}}
}

// Bottom adapts the layer that sees the picture.
func (a *attachment) Bottom(b *graph.Builder, name string, weight, bias *graph.Param) {
	if a.Placement.Bottom {
		a.adapt(b, PlaceBottom, name+".weight", weight)
		a.adapt(b, PlaceBottom, name+".bias", bias)
	}
}

// Norm adapts scale and offset of a LayerNorm.
func (a *attachment) Norm(b *graph.Builder, name string, scale, offset *graph.Param) {
	if a.Norms {
		a.adapt(b, PlaceNorms, name+".weight", scale)
		a.adapt(b, PlaceNorms, name+".bias", offset)
	}
}

// adapt declares a delta; p is nil where the backbone has no such parameter.
func (a *attachment) adapt(b *graph.Builder, place, name string, p *graph.Param) {
	if p != nil {
		b.Adapt(p, Prefix+name)
		a.places[Prefix+name] = place
	}
}

// Middle adds a residual adapter behind a branch, if there is to be one.
func (a *attachment) Middle(b *graph.Builder, at backbone.Branch, x *graph.Node) *graph.Node {
	branch := at.Name[strings.LastIndexByte(at.Name, '.')+1:]
	if a.Placement.Middle == nil || b.Err() != nil || !a.Placement.Middle.covers(at.Block, branch) {
		return x
	}
	a.blocks[at.Block], a.branches[branch] = true, true
	name, width := Prefix+at.Name, a.Placement.Middle.Width
	y := x
	if width > 0 {
		y = a.linear(b, at.Prefix, name+".down", y, width)
		y = b.Activate(at.Prefix+name+".act", graph.GELU, y)
		y = a.linear(b, at.Prefix, name+".up", y, channels(x))
	} else {
		y = a.dense(b, at.Prefix, name, x)
	}
	return b.Add(at.Prefix+name+".add", x, y)
}

// dense is a full 1x1 convolution; of tokens it would have as many parameters as what it adapts.
func (a *attachment) dense(b *graph.Builder, prefix, name string, x *graph.Node) *graph.Node {
	if len(x.Shape) != 3 && a.err == nil {
		a.err = fmt.Errorf("middle adapters of width 0 are for convolutional backbones; give a width, like 64: %w", ErrPlacement)
	}
	return a.linear(b, prefix, name, x, channels(x))
}

// linear maps features of tokens (N, W), or channels of a map (C, H, W), to out of them.
func (a *attachment) linear(b *graph.Builder, prefix, name string, x *graph.Node, out int) *graph.Node {
	shape := []int{out, channels(x)}
	if len(x.Shape) == 3 {
		shape = append(shape, 1, 1)
	}
	a.places[name+".weight"], a.places[name+".bias"] = PlaceMiddle, PlaceMiddle
	weight, bias := b.Trained(name+".weight", shape...), b.Trained(name+".bias", out)
	if len(x.Shape) == 3 {
		return b.Conv(prefix+name, x, weight, bias, 1, 1, graph.Pad{})
	}
	return b.Linear(prefix+name, x, weight, bias)
}

// channels is C of a map (C, H, W), W of tokens (N, W), and 0 once the builder has failed.
func channels(x *graph.Node) int {
	switch len(x.Shape) {
	case 2:
		return x.Shape[1]
	case 3:
		return x.Shape[0]
	}
	return 0
}

// check says whether everything that was asked for found its place.
func (a *attachment) check(arch backbone.Arch) error {
	if a.err != nil {
		return a.err
	}
	if err := a.checkMiddle(arch); err != nil {
		return err
	}
	found := map[string]bool{}
	for _, place := range a.places {
		found[place] = true
	}
	for _, place := range strings.Split(a.String(), ",") {
		if place != PlaceTop && !found[place] {
			return fmt.Errorf("adapters %q: a backbone of family %q has no place for these: %w", place, arch.Family(), ErrPlacement)
		}
	}
	return nil
}

func (a *attachment) checkMiddle(arch backbone.Arch) error {
	if a.Placement.Middle == nil {
		return nil
	}
	for _, block := range a.Placement.Middle.Blocks {
		if !a.blocks[block] {
			return fmt.Errorf("middle adapter in block %d, the backbone has 0 to %d: %w", block, arch.Blocks()-1, ErrPlacement)
		}
	}
	for _, branch := range a.Placement.Middle.Branches {
		if !a.branches[branch] {
			return fmt.Errorf("middle adapter in branch %q, which no block of family %q has: %w", branch, arch.Family(), ErrPlacement)
		}
	}
	return nil
}
