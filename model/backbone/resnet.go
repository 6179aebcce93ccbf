package backbone

import (
	"fmt"

	"sim2reald/model/graph"
	"sim2reald/model/safetensors"
)

const familyResNet = "resnet"

// ResNet is a residual network (He et al., arXiv 1512.03385, with the stride in the 3x3 convolution), field by
// field as its record writes it. Every convolution's BatchNorm is folded into it when a base is loaded.
type ResNet struct {
	FamilyName string `json:"family"`
	Block      string `json:"block"`    // "basic" or "bottleneck"
	Layers     []int  `json:"layers"`   // blocks of each of the four stages
	Channels   []int  `json:"channels"` // of each stage's 3x3 convolutions; a bottleneck's output is four times as wide
	// StemWidth is timm's stem_width, which the plain 7x7 stem does not follow: that is 64 channels wide in
	// every network that timm builds.
	StemWidth int `json:"stem_width"`
}

// stemChannels are those of the 7x7 stem, see StemWidth.
const stemChannels = 64

// resNetPresets are architectures by timm's names.
func resNetPresets() map[string]Arch {
	of := func(block string, layers ...int) *ResNet {
		return &ResNet{FamilyName: familyResNet, Block: block, Layers: layers, Channels: []int{64, 128, 256, 512}, StemWidth: 64}
	}
	return map[string]Arch{
		"resnet18":  of("basic", 2, 2, 2, 2),
		"resnet34":  of("basic", 3, 4, 6, 3),
		"resnet26":  of("bottleneck", 2, 2, 2, 2),
		"resnet50":  of("bottleneck", 3, 4, 6, 3),
		"resnet101": of("bottleneck", 3, 4, 23, 3),
		"resnet152": of("bottleneck", 3, 8, 36, 3),
		"resnet200": of("bottleneck", 3, 24, 36, 3),
	}
}

// parseResNet reads a record whose family is known to be resnet.
func parseResNet(text []byte) (Arch, error) {
	r := &ResNet{}
	if err := decodeStrict(text, []string{"family", "block", "layers", "channels", "stem_width"}, r); err != nil {
		return nil, err
	}
	if err := r.validate(); err != nil {
		return nil, err
	}
	return r, nil
}

// validate refuses values that no residual network has, before anything is sized by them.
func (r *ResNet) validate() error {
	if r.Block != "basic" && r.Block != "bottleneck" {
		return fmt.Errorf("architecture: block %q is neither basic nor bottleneck: %w", r.Block, ErrArch)
	}
	if len(r.Layers) != 4 || len(r.Channels) != 4 {
		return fmt.Errorf("architecture: %d layers and %d channels, a resnet has four stages: %w", len(r.Layers), len(r.Channels), ErrArch)
	}
	return checkBounds(append(append(eachBounded("layers", r.Layers, 1, 128),
		eachBounded("channels", r.Channels, 1, 8192)...),
		bounded{"stem_width", float64(r.StemWidth), 1, 8192}))
}

// Family is "resnet".
func (r *ResNet) Family() string { return familyResNet }

// FeatureLen is the number of channels of the last stage.
func (r *ResNet) FeatureLen() int { return r.Channels[len(r.Channels)-1] * r.expansion() }

// Blocks is the number of residual blocks.
func (r *ResNet) Blocks() int { return sum(r.Layers) }

// CheckSize takes pictures of every size.
func (r *ResNet) CheckSize(height, width int) error { return checkSides(height, width) }

// Check says whether f is a base of this architecture, see Arch.
func (r *ResNet) Check(f *safetensors.File) error { return check(r, f) }

// Values picks and derives the frozen parameters, see Arch.
func (r *ResNet) Values(f *safetensors.File, height, width int) (map[string]safetensors.Tensor, error) {
	return valuesOf(r, f, height, width)
}

// Build adds the network, see Arch.
func (r *ResNet) Build(b *graph.Builder, prefix string, image *graph.Node, adapter Adapter) Outputs {
	out, _ := r.plan(b, prefix, image, adapter)
	return out
}

// expansion is how much wider a block's output is than its 3x3 convolution.
func (r *ResNet) expansion() int {
	if r.Block == "bottleneck" {
		return 4
	}
	return 1
}

func sum(v []int) int {
	n := 0
	for _, x := range v {
		n += x
	}
	return n
}
