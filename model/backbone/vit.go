package backbone

import "fmt"

const familyViT = "vit"

// ViT is a vision transformer, field by field as its record writes it.
//
// One thing that the record does not say is seen from the base: its position embedding covers either every token
// or the patches alone (timm's no_embed_class, as its DINOv2 models with registers have it).
type ViT struct {
	FamilyName     string  `json:"family"`
	ImageSize      int     `json:"image_size"` // pixels, of the pretraining: the side of the position embedding times PatchSize
	PatchSize      int     `json:"patch_size"` // pixels
	Width          int     `json:"width"`      // features of a token
	Depth          int     `json:"depth"`      // blocks
	Heads          int     `json:"heads"`
	MLPRatio       float64 `json:"mlp_ratio"`  // hidden features of a block's MLP over Width
	Pool           string  `json:"pool"`       // "token" or "avg"
	PreNorm        bool    `json:"pre_norm"`   // CLIP: a norm before the blocks, no bias in the patch embedding
	Activation     string  `json:"activation"` // "gelu" or "quick_gelu"
	NormEpsilon    float64 `json:"norm_eps"`
	LayerScale     bool    `json:"layer_scale"`
	RegisterTokens int     `json:"register_tokens"`
}

// parseViT reads a record whose family is known to be vit.
func parseViT(text []byte) (Arch, error) {
	v := &ViT{}
	keys := []string{"family", "image_size", "patch_size", "width", "depth", "heads", "mlp_ratio", "pool",
		"pre_norm", "activation", "norm_eps", "layer_scale", "register_tokens"}
	if err := decodeStrict(text, keys, v); err != nil {
		return nil, err
	}
	if err := v.validate(); err != nil {
		return nil, err
	}
	return v, nil
}

// validate refuses values that no vision transformer has, before anything is sized by them.
func (v *ViT) validate() error {
	err := checkBounds([]bounded{
		{"image_size", float64(v.ImageSize), 1, 4096},
		{"patch_size", float64(v.PatchSize), 1, 256},
		{"width", float64(v.Width), 1, 8192},
		{"depth", float64(v.Depth), 1, 128},
		{"heads", float64(v.Heads), 1, 128},
		{"mlp_ratio", v.MLPRatio, 0.25, 16},
		{"norm_eps", v.NormEpsilon, 1e-12, 1e-2},
		{"register_tokens", float64(v.RegisterTokens), 0, 64},
	})
	if err != nil {
		return err
	}
	return v.validateTogether()
}

// validateTogether checks the values that depend on one another or are names.
func (v *ViT) validateTogether() error {
	switch {
	case v.ImageSize%v.PatchSize != 0:
		return fmt.Errorf("architecture: image_size %d is not whole patches of %d: %w", v.ImageSize, v.PatchSize, ErrArch)
	case v.Width%v.Heads != 0:
		return fmt.Errorf("architecture: width %d does not divide into %d heads: %w", v.Width, v.Heads, ErrArch)
	case v.hidden() < 1:
		return fmt.Errorf("architecture: mlp_ratio %g of width %d leaves nothing: %w", v.MLPRatio, v.Width, ErrArch)
	case v.Pool != "token" && v.Pool != "avg":
		return fmt.Errorf("architecture: pool %q is neither token nor avg: %w", v.Pool, ErrArch)
	case v.Activation != "gelu" && v.Activation != "quick_gelu":
		return fmt.Errorf("architecture: activation %q is neither gelu nor quick_gelu: %w", v.Activation, ErrArch)
	}
	return nil
}

// Family is "vit".
func (v *ViT) Family() string { return familyViT }

// FeatureLen is 2·Width: the class token and the mean of the patch tokens.
func (v *ViT) FeatureLen() int { return 2 * v.Width }

// Blocks is Depth.
func (v *ViT) Blocks() int { return v.Depth }

// CheckSize says whether pictures of this size are whole patches.
func (v *ViT) CheckSize(height, width int) error {
	for _, side := range []int{height, width} {
		if side < v.PatchSize || side > maxSide || side%v.PatchSize != 0 {
			return fmt.Errorf("picture of %dx%d pixels is not whole patches of %d (112x112 is, for 14): %w",
				width, height, v.PatchSize, ErrArch)
		}
	}
	return nil
}

// hidden is the width of a block's MLP, rounded down as timm does.
func (v *ViT) hidden() int { return int(float64(v.Width) * v.MLPRatio) }

// grid is the side of the pretraining's position embedding, in patches.
func (v *ViT) grid() int { return v.ImageSize / v.PatchSize }

// prefixTokens is the number of tokens before the patches: class and registers.
func (v *ViT) prefixTokens() int { return 1 + v.RegisterTokens }
