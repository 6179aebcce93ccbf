package adapter

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"sim2reald/model/backbone"
)

// ErrPlacement is wrapped when adapters are asked for where the backbone has no place for them.
var ErrPlacement = errors.New("unusable adapters")

// Places where a bundle trains, in the order in which Placement.String names them. The head on top is always
// one of them.
const (
	PlaceBottom = "bottom"
	PlaceMiddle = "middle"
	PlaceNorms  = "norms"
	PlaceTop    = "top"
)

// Placement says what a bundle trains inside the backbone. The zero value is nothing: only the head learns.
type Placement struct {
	// Bottom is a delta of the layer that sees the picture, which is the same as a convolution beside it.
	Bottom bool
	// Middle puts residual adapters into the blocks; nil for none.
	Middle *Middle
	// Norms are deltas of every LayerNorm's scale and offset.
	Norms bool
}

// Middle says which branches of which blocks have a residual adapter, and of what kind.
type Middle struct {
	Blocks   []int    `json:"blocks,omitempty"`   // counting from 0, ascending; empty for all
	Branches []string `json:"branches,omitempty"` // "attn", "mlp" in a ViT, "conv2" or "conv1" else; empty for all
	// Width of the bottleneck, in features or channels: down, exact GELU, up. 0 is a dense 1x1 convolution,
	// which only convolutional backbones take.
	Width int `json:"width"`
}

// None says whether nothing inside the backbone is trained.
func (p Placement) None() bool { return !p.Bottom && p.Middle == nil && !p.Norms }

// String lists the places with the head's, as bundles do: "bottom,middle,norms,top".
func (p Placement) String() string {
	var places []string
	for _, place := range []struct {
		name string
		on   bool
	}{{PlaceBottom, p.Bottom}, {PlaceMiddle, p.Middle != nil}, {PlaceNorms, p.Norms}, {PlaceTop, true}} {
		if place.on {
			places = append(places, place.name)
		}
	}
	return strings.Join(places, ",")
}

// ParsePlacement reads a list of places in any order, each once; the head's goes without saying, and an empty
// list is the head alone. Where "middle" is among them, Middle is all blocks' with a width of 0.
func ParsePlacement(list string) (Placement, error) {
	var p Placement
	if list == "" {
		return p, nil
	}
	places := strings.Split(list, ",")
	for i, place := range places {
		if slices.Contains(places[:i], place) {
			return p, fmt.Errorf("adapters %q: %q is there twice: %w", list, place, ErrPlacement)
		}
		switch place {
		case PlaceBottom:
			p.Bottom = true
		case PlaceMiddle:
			p.Middle = &Middle{}
		case PlaceNorms:
			p.Norms = true
		case PlaceTop:
		default:
			return p, fmt.Errorf("adapters %q: %q is none of %s, %s, %s, %s: %w",
				list, place, PlaceBottom, PlaceMiddle, PlaceNorms, PlaceTop, ErrPlacement)
		}
	}
	return p, nil
}

// DefaultWidth is the width of a middle adapter unless told otherwise. In a transformer it is a 24th of the
// tokens' width, in whole eights (32 for ViT-B, 16 for ViT-S): wider costs more than 4 % of the frozen network's
// time. In a convolutional network it is 0, a dense 1x1 convolution, as the paper has it.
func DefaultWidth(arch backbone.Arch) int {
	const share, step = 24, 8
	v, ok := arch.(*backbone.ViT)
	if !ok {
		return 0
	}
	return max(step, (v.Width+share*step/2)/(share*step)*step)
}

// validate checks what needs no backbone.
func (m *Middle) validate() error {
	if m == nil {
		return nil
	}
	if m.Width < 0 || m.Width > maxWidth {
		return fmt.Errorf("middle adapters of width %d, want 0 to %d: %w", m.Width, maxWidth, ErrPlacement)
	}
	for i, block := range m.Blocks {
		if i > 0 && block <= m.Blocks[i-1] {
			return fmt.Errorf("middle adapters in blocks %v: want them ascending, each once: %w", m.Blocks, ErrPlacement)
		}
	}
	for i, branch := range m.Branches {
		if slices.Contains(m.Branches[:i], branch) {
			return fmt.Errorf("middle adapters in branches %q: %q is there twice: %w", m.Branches, branch, ErrPlacement)
		}
	}
	return nil
}

// covers says whether a branch has an adapter.
func (m *Middle) covers(block int, branch string) bool {
	return (len(m.Blocks) == 0 || slices.Contains(m.Blocks, block)) &&
		(len(m.Branches) == 0 || slices.Contains(m.Branches, branch))
}
