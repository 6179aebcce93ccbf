// Package backbone knows the pretrained vision models: the architecture record of each family, the tensors
// that it needs from a base, and its layers as a graph.
//
// What belongs here: whatever must agree with timm, by whose names and shapes a base's tensors go. What does
// not: files (model/base), trained parts (model/adapter) and arithmetic (model/engine, model/tape).
//
// The families are the vision transformer (timm's VisionTransformer), the residual network (ResNet) and the
// normalizer-free network (NormFreeNet as its dm_nfnet models have it), as timm 1.0.31 computes them.
package backbone

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"sim2reald/model/graph"
	"sim2reald/model/safetensors"
)

// Every refusal of this package wraps one of these.
var (
	ErrArch   = errors.New("unusable architecture")
	ErrTensor = errors.New("base does not fit the architecture")
)

// maxArchText bounds an architecture record, which is some 300 bytes.
const maxArchText = 1 << 16

// Arch is one architecture of one family.
type Arch interface {
	// Family is the record's "family".
	Family() string
	// FeatureLen is the length of Outputs.Features.
	FeatureLen() int
	// CheckSize says whether pictures of this size, in pixels, can be taken.
	CheckSize(height, width int) error
	// Check says whether f holds every tensor of the architecture, in its shape, as floats.
	Check(f *safetensors.File) error
	// Blocks is the number of residual blocks, that is of places where something can be attached in the middle.
	Blocks() int
	// Build adds the layers to b. Layer names begin with prefix; parameters do not, so that several pictures
	// share them. image is (3, H, W), normalised as the base wants it. adapter may be nil: the frozen network.
	Build(b *graph.Builder, prefix string, image *graph.Node, adapter Adapter) Outputs
	// Values are the frozen parameters that Build declares for pictures of this size, by name: tensors of f
	// and what is derived from them. They share f's memory where they can.
	Values(f *safetensors.File, height, width int) (map[string]safetensors.Tensor, error)
}

// Adapter attaches what a bundle trains while a backbone is built. Names are timm's, without prefix.
type Adapter interface {
	// Bottom is offered the parameters of the layer that sees the picture; bias is nil where there is none.
	// They are as the graph has them, that is with a norm that follows folded in.
	Bottom(b *graph.Builder, name string, weight, bias *graph.Param)
	// Norm is offered scale and offset of a LayerNorm.
	Norm(b *graph.Builder, name string, scale, offset *graph.Param)
	// Middle is offered the end of a branch and gives what takes its place: x itself, or layers behind it.
	Middle(b *graph.Builder, at Branch, x *graph.Node) *graph.Node
}

// Branch is a place in the middle of a backbone. In a ViT: what attention or the MLP gives, just before it
// is added to the tokens (behind the layer scale, if there is one). In a convolutional network: behind the
// first 3x3 convolution of a block, its norm folded in, before the activation.
type Branch struct {
	Block  int    // counting from 0 through the network
	Name   string // "blocks.0.attn", "blocks.0.mlp", "layer1.0.conv2", "stages.0.0.conv2"
	Prefix string // of layer names
}

// Outputs are the places of a backbone that something can be attached to. Those that a graph does not use
// are left out when it is built.
type Outputs struct {
	Unpooled *graph.Node // (N, W) or (C, H, W), timm's forward_features
	Pooled   *graph.Node // (W), timm's pooled feature before any classifier
	Features *graph.Node // (FeatureLen), what a policy's head sees
}

// Parse reads an architecture record strictly: an unknown, missing or repeated key, or a value out of
// reason, is ErrArch.
func Parse(text []byte) (Arch, error) {
	if len(text) > maxArchText {
		return nil, fmt.Errorf("architecture of %d bytes, at most %d: %w", len(text), maxArchText, ErrArch)
	}
	var head struct {
		Family string `json:"family"`
	}
	if err := json.Unmarshal(text, &head); err != nil {
		return nil, fmt.Errorf("architecture: %v: %w", err, ErrArch)
	}
	switch head.Family {
	case familyViT:
		return parseViT(text)
	case familyResNet:
		return parseResNet(text)
	case familyNFNet:
		return parseNFNet(text)
	}
	return nil, fmt.Errorf("architecture: family %q, this version knows %s, %s and %s: %w",
		head.Family, familyViT, familyResNet, familyNFNet, ErrArch)
}

// Preset is the architecture that timm calls by this name. What follows a dot names weights, not layers:
// "vit_base_patch16_224.mae" is "vit_base_patch16_224".
func Preset(name string) (Arch, error) {
	layers, _, _ := strings.Cut(name, ".")
	if a, ok := presets()[layers]; ok {
		return a, nil
	}
	return nil, fmt.Errorf("no preset %q; the nearest of %d are %s: %w",
		name, len(presets()), strings.Join(nearestPresets(layers), ", "), ErrArch)
}

// nearestPresets are the three that begin most like name.
func nearestPresets(name string) []string {
	alike := func(preset string) int {
		n := 0
		for n < min(len(name), len(preset)) && name[n] == preset[n] {
			n++
		}
		return n
	}
	names := PresetNames()
	slices.SortStableFunc(names, func(a, b string) int { return alike(b) - alike(a) })
	return names[:3]
}

// PresetNames lists the presets in ascending order.
func PresetNames() []string {
	return slices.Sorted(maps.Keys(presets()))
}

// presets are made anew for each caller, who may change what he gets.
func presets() map[string]Arch {
	out := vitPresets()
	maps.Copy(out, resNetPresets())
	maps.Copy(out, nfNetPresets())
	return out
}

// decodeStrict decodes one JSON object that has exactly the given keys, each once.
func decodeStrict(text []byte, keys []string, into any) error {
	if err := checkKeys(text, keys); err != nil {
		return err
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return fmt.Errorf("architecture: %v: %w", err, ErrArch)
	}
	if _, err := dec.Token(); err != io.EOF {
		return fmt.Errorf("architecture goes on after its object: %w", ErrArch)
	}
	return nil
}

// checkKeys walks the object's tokens, because encoding/json takes the last of two equal keys and matches
// keys without regard to case.
func checkKeys(text []byte, keys []string) error {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(text, &members); err != nil {
		return fmt.Errorf("architecture: %v: %w", err, ErrArch)
	}
	for _, k := range keys {
		if _, ok := members[k]; !ok {
			return fmt.Errorf("architecture lacks the key %q: %w", k, ErrArch)
		}
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	if _, err := dec.Token(); err != nil {
		return fmt.Errorf("architecture: %v: %w", err, ErrArch)
	}
	seen := map[string]bool{}
	for dec.More() {
		key, err := dec.Token()
		var value json.RawMessage
		if err == nil {
			err = dec.Decode(&value)
		}
		if err != nil {
			return fmt.Errorf("architecture: %v: %w", err, ErrArch)
		}
		name := fmt.Sprint(key)
		if seen[name] || !slices.Contains(keys, name) {
			return fmt.Errorf("architecture has the key %q, unknown or twice; the keys are %s: %w",
				name, strings.Join(keys, ", "), ErrArch)
		}
		seen[name] = true
	}
	return nil
}
