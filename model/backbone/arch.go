// Package backbone knows the pretrained vision models: the architecture record of each family, the tensors
// that it needs from a base, and its layers as a graph.
//
// What belongs here: whatever must agree with timm, by whose names and shapes a base's tensors go. What does
// not: files (model/base), trained parts (model/adapter) and arithmetic (model/engine, model/train).
//
// The family built so far is the vision transformer, as timm 1.0.31 computes it (VisionTransformer).
package backbone

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
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
	// Build adds the layers to b. Layer names begin with prefix; parameters do not, so that several pictures
	// share them. image is (3, H, W), normalised as the base wants it.
	Build(b *graph.Builder, prefix string, image *graph.Node) Outputs
	// Values are the frozen parameters that Build declares for pictures of this size, by name: tensors of f
	// and what is derived from them. They share f's memory where they can.
	Values(f *safetensors.File, height, width int) (map[string]safetensors.Tensor, error)
}

// Outputs are the places of a backbone that something can be attached to. Those that a graph does not use
// are left out when it is built.
type Outputs struct {
	Tokens   *graph.Node // (N, W), timm's forward_features
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
	if head.Family != familyViT {
		return nil, fmt.Errorf("architecture: family %q, this version knows %q: %w", head.Family, familyViT, ErrArch)
	}
	return parseViT(text)
}

// Preset is the architecture that timm calls by this name.
func Preset(name string) (Arch, error) {
	presets := vitPresets()
	if v, ok := presets[name]; ok {
		return &v, nil
	}
	var known []string
	for k := range presets {
		known = append(known, k)
	}
	slices.Sort(known)
	return nil, fmt.Errorf("no preset %q, there are %s: %w", name, strings.Join(known, ", "), ErrArch)
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
