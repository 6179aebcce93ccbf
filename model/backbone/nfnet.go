package backbone

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"sim2reald/model/graph"
	"sim2reald/model/safetensors"
)

const familyNFNet = "nfnet"

// NFNet is a normalizer-free network (Brock et al., arXiv 2102.06171) as timm builds its dm_nfnet models, field
// by field as its record writes it: a stem of four convolutions, scaled activations, blocks of four scaled
// standardised convolutions and squeeze-and-excite.
type NFNet struct {
	FamilyName   string  `json:"family"`
	Depths       []int   `json:"depths"`        // blocks of each stage
	Channels     []int   `json:"channels"`      // of each stage's output, rounded to whole eights as timm does
	StemChannels int     `json:"stem_channels"` // of the stem's output; 0 for those of the first stage
	GroupSize    int     `json:"group_size"`    // channels of one group of a 3x3 convolution; 0 for one group of all
	SERatio      float64 `json:"se_ratio"`      // hidden channels of squeeze-and-excite over the block's
	AttnGain     float64 `json:"attn_gain"`     // factor behind squeeze-and-excite
	BottleRatio  float64 `json:"bottle_ratio"`  // channels of the 3x3 convolutions over the block's
	Alpha        float64 `json:"alpha"`         // factor of a branch
	NumFeatures  int     `json:"num_features"`  // channels of the convolution behind the last stage; 0 for none
	Activation   string  `json:"activation"`    // "gelu", "relu" or "silu"
	SamePadding  bool    `json:"same_padding"`  // TensorFlow's SAME: odd pixels of padding go behind
	StdConvEps   float64 `json:"std_conv_eps"`  // added to a weight's variance
	SkipInit     bool    `json:"skipinit"`      // whether each branch has a gain of its own
}

// nfNetPresets are architectures by timm's names: F1 to F6 are F0 two to seven times as deep.
func nfNetPresets() map[string]Arch {
	out := map[string]Arch{}
	for i := range 7 {
		n := &NFNet{FamilyName: familyNFNet, Channels: []int{256, 512, 1536, 1536}, StemChannels: 128, GroupSize: 128,
			SERatio: 0.5, AttnGain: 2, BottleRatio: 0.5, Alpha: 0.2, NumFeatures: 3072, Activation: "gelu",
			SamePadding: true, StdConvEps: 1e-5, SkipInit: true}
		for _, blocks := range []int{1, 2, 6, 3} {
			n.Depths = append(n.Depths, (i+1)*blocks)
		}
		out[fmt.Sprintf("dm_nfnet_f%d", i)] = n
	}
	return out
}

// parseNFNet reads a record whose family is known to be nfnet.
func parseNFNet(text []byte) (Arch, error) {
	n := &NFNet{}
	keys := []string{"family", "depths", "channels", "stem_channels", "group_size", "se_ratio", "attn_gain", "bottle_ratio",
		"alpha", "num_features", "activation", "same_padding", "std_conv_eps", "skipinit"}
	if err := decodeStrict(text, keys, n); err != nil {
		return nil, err
	}
	if err := n.validate(); err != nil {
		return nil, err
	}
	return n, nil
}

// validate refuses values that no such network has, before anything is sized by them.
func (n *NFNet) validate() error {
	if len(n.Depths) < 1 || len(n.Depths) > 4 || len(n.Channels) != len(n.Depths) {
		return fmt.Errorf("architecture: %d depths and %d channels, an nfnet has one to four stages, each with both: %w",
			len(n.Depths), len(n.Channels), ErrArch)
	}
	if _, ok := nonlinearities()[n.Activation]; !ok {
		return fmt.Errorf("architecture: activation %q is none of %s: %w", n.Activation, strings.Join(activationNames(), ", "), ErrArch)
	}
	err := checkBounds(append(append(eachBounded("depths", n.Depths, 1, 256), eachBounded("channels", n.Channels, 1, 8192)...), []bounded{
		{"stem_channels", float64(n.StemChannels), 0, 8192},
		{"group_size", float64(n.GroupSize), 0, 8192},
		{"se_ratio", n.SERatio, 1e-3, 8},
		{"attn_gain", n.AttnGain, -1e3, 1e3},
		{"bottle_ratio", n.BottleRatio, 1e-3, 8},
		{"alpha", n.Alpha, -1e3, 1e3},
		{"num_features", float64(n.NumFeatures), 0, 1 << 16},
		{"std_conv_eps", n.StdConvEps, 1e-12, 1},
	}...))
	if err != nil {
		return err
	}
	return n.validateGroups()
}

// validateGroups refuses groups that a stage's channels do not divide into.
func (n *NFNet) validateGroups() error {
	for i, c := range n.Channels {
		if mid, groups := n.inner(eights(float64(c), 0.9)); groups < 1 || mid%groups != 0 {
			return fmt.Errorf("architecture: group_size %d does not divide the %d channels of the 3x3 convolutions of stage %d: %w",
				n.GroupSize, mid, i, ErrArch)
		}
	}
	return nil
}

// nonlinearity is an activation with the gain that gives it unit variance behind unit variance (the paper's
// gamma): out = gain·act(x), computed as after·op(before·x).
type nonlinearity struct {
	op            graph.Op
	before, after float64
}

// nonlinearities are those that can be built, by timm's names. SiLU x·sigmoid(x) is a quick GELU in another
// unit.
func nonlinearities() map[string]nonlinearity {
	const unit = 1.702
	return map[string]nonlinearity{
		"gelu": {graph.GELU, 1, 1.7015043497085571},
		"relu": {graph.ReLU, 1, 1.7139588594436646},
		"silu": {graph.QuickGELU, 1 / unit, unit * 1.7881293296813965},
	}
}

func activationNames() []string {
	var names []string
	for name := range nonlinearities() {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Family is "nfnet".
func (n *NFNet) Family() string { return familyNFNet }

// FeatureLen is the number of channels of the last map.
func (n *NFNet) FeatureLen() int {
	if n.NumFeatures > 0 {
		return eights(float64(n.NumFeatures), 0.9)
	}
	return eights(float64(n.Channels[len(n.Channels)-1]), 0.9)
}

// Blocks is the number of residual blocks.
func (n *NFNet) Blocks() int { return sum(n.Depths) }

// CheckSize takes pictures of every size.
func (n *NFNet) CheckSize(height, width int) error { return checkSides(height, width) }

// Check says whether f is a base of this architecture, see Arch.
func (n *NFNet) Check(f *safetensors.File) error { return check(n, f) }

// Values picks and derives the frozen parameters, see Arch.
func (n *NFNet) Values(f *safetensors.File, height, width int) (map[string]safetensors.Tensor, error) {
	return valuesOf(n, f, height, width)
}

// Build adds the network, see Arch.
func (n *NFNet) Build(b *graph.Builder, prefix string, image *graph.Node, adapter Adapter) Outputs {
	out, _ := n.plan(b, prefix, image, adapter)
	return out
}

// stemWidth is the number of channels behind the stem.
func (n *NFNet) stemWidth() int {
	if n.StemChannels > 0 {
		return eights(float64(n.StemChannels), 0.9)
	}
	return eights(float64(n.Channels[0]), 0.9)
}

// inner gives channels and groups of the 3x3 convolutions of a block with so many channels. As in timm, a group
// size of whole eights wins over the ratio; another must divide what the ratio gives.
func (n *NFNet) inner(out int) (channels, groups int) {
	channels = eights(float64(out)*n.BottleRatio, 0.9)
	if n.GroupSize == 0 {
		return channels, 1
	}
	groups = channels / n.GroupSize
	if n.GroupSize%8 == 0 {
		channels = n.GroupSize * groups
	}
	return channels, groups
}

// eights rounds a number of channels to whole eights, at least one, and up where rounding would leave less
// than the fraction keep: timm's make_divisible.
func eights(v, keep float64) int {
	n := max(8, int(math.Floor((v+4)/8))*8)
	if float64(n) < keep*v {
		n += 8
	}
	return n
}
