// Package bundle is the file that the robot loads: ONE safetensors file with the trained tensors, those that
// normalise, and a manifest that says everything they depend on.
//
// What belongs here: the manifest, the file, its checks, and the comparison with a live rig. What does not:
// how tensors are trained (model/train) or run (model/engine), and the frozen base, which is in no
// bundle (model/base) but those of kind full.
//
// Metadata of the file: "manifest", the JSON in its one canonical spelling, and "checksum", over the manifest
// and the tensors. A file is accepted only if writing it again gives the same bytes, so that no flipped byte
// goes unseen. The bundle's Digest, which commands on the wire carry, leaves out the manifest's result: to
// write a measured success rate into a bundle must not make it another bundle.
package bundle

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"sim2reald/model/adapter"
	"sim2reald/model/preprocess"
	"sim2reald/model/reference"
	"sim2reald/model/safetensors"
)

// Every refusal of this package wraps one of these, or a *MismatchError.
var (
	ErrManifest = errors.New("bundle manifest")
	ErrCorrupt  = errors.New("bundle is damaged")
	ErrTensors  = errors.New("bundle's tensors do not fit its manifest")
	ErrTooNew   = errors.New("bundle needs a newer sim2reald")
)

// Names of the tensors beside the network's. Each has one number per dimension.
const (
	ActionMean  = "action.mean" // (dimensions of an action), in the units of its kind, and gripper
	ActionStd   = "action.std"
	ProprioMean = "proprio.mean" // (joints), rad; only with proprioception
	ProprioStd  = "proprio.std"
)

// headStd is the deviation that model/adapter standardises features with.
const headStd = "head.std"

// Domains keep the two hashes apart from each other and from any other use of SHA-256.
const (
	checksumDomain = "sim2real bundle file 1\n"
	digestDomain   = "sim2real bundle 1\n"
)

// Bundle is a checked bundle. It is not changed after New or Load.
type Bundle struct {
	Manifest Manifest
	file     *safetensors.File // tensors and, once sealed, metadata
	digest   string
}

// New checks manifest and tensors against each other and makes a bundle of them. What training left too small for a
// float32's full precision, below 1.2e-38, it rounds to zero: a file with such a number is refused.
func New(m Manifest, tensors map[string]safetensors.Tensor) (*Bundle, error) {
	rounded := make(map[string]safetensors.Tensor, len(tensors))
	for name, t := range tensors {
		rounded[name] = t.WithoutSubnormal()
	}
	b := &Bundle{Manifest: m, file: &safetensors.File{Tensors: rounded}}
	if err := b.check(); err != nil {
		return nil, err
	}
	if err := b.seal(); err != nil {
		return nil, err
	}
	return b, nil
}

// WithResult is the same bundle with a measured result, or without any for nil.
func (b *Bundle) WithResult(r *Result) (*Bundle, error) {
	m := b.Manifest
	m.Result = r
	return New(m, b.file.Tensors)
}

// WithReferences is the bundle with what its cameras showed in the demonstrations, which may have had others as well:
// another bundle, by its digest.
func (b *Bundle) WithReferences(refs []reference.Reference) (*Bundle, error) {
	m := b.Manifest
	m.References = nil
	for _, r := range refs {
		if slices.ContainsFunc(m.Cameras, func(c preprocess.Camera) bool { return c.Name == r.Camera }) {
			m.References = append(m.References, r)
		}
	}
	m.SetVersion()
	return New(m, b.file.Tensors)
}

// Digest identifies what the bundle does: manifest without its result, and tensors.
func (b *Bundle) Digest() string { return b.digest }

// Params gives the tensors of the network, adapters and head, by the names that model/adapter declares.
func (b *Bundle) Params() map[string]safetensors.Tensor {
	out := map[string]safetensors.Tensor{}
	for name, t := range b.file.Tensors {
		switch name {
		case ActionMean, ActionStd, ProprioMean, ProprioStd:
		default:
			if !strings.HasPrefix(name, adapter.BasePrefix) && !strings.HasPrefix(name, likenessPrefix) {
				out[name] = t
			}
		}
	}
	return out
}

// Backbone gives what takes the place of the base's parameters, all of them, by the names of
// adapter.Network.Served; nil but in a bundle of kind full.
func (b *Bundle) Backbone() map[string]safetensors.Tensor {
	if b.Manifest.Kind != KindFull {
		return nil
	}
	out := map[string]safetensors.Tensor{}
	for name, t := range b.file.Tensors {
		if bare, ok := strings.CutPrefix(name, adapter.BasePrefix); ok {
			out[bare] = t
		}
	}
	return out
}

// Observer makes the observations that the network was trained on. The caller closes it.
func (b *Bundle) Observer() (*preprocess.Observer, error) {
	var stats preprocess.Stats
	if b.Manifest.Proprioception == preprocess.ProprioPositions {
		var err error
		if stats, err = b.stats(ProprioMean, ProprioStd); err != nil {
			return nil, err
		}
	}
	return preprocess.NewObserver(b.Manifest.Spec(), len(b.Manifest.Robot.JointNames), stats)
}

// LooksLike reports whether two bundles make the same observation of the same frames and state.
func (b *Bundle) LooksLike(other *Bundle) bool {
	_, mine, err := b.Stats()
	_, others, otherErr := other.Stats()
	return errors.Join(err, otherErr) == nil && reflect.DeepEqual(b.Manifest.Spec(), other.Manifest.Spec()) && reflect.DeepEqual(mine, others)
}

// Actions converts the network's answers into commands.
func (b *Bundle) Actions() (*preprocess.Actions, error) {
	stats, err := b.stats(ActionMean, ActionStd)
	if err != nil {
		return nil, err
	}
	space, err := b.Manifest.Space()
	if err != nil {
		return nil, err
	}
	return preprocess.NewActions(space, stats)
}

// Stats are what actions are scaled with, and positions: the latter empty without proprioception.
func (b *Bundle) Stats() (action, proprio preprocess.Stats, err error) {
	if action, err = b.stats(ActionMean, ActionStd); err != nil || b.Manifest.Proprioception != preprocess.ProprioPositions {
		return action, proprio, err
	}
	proprio, err = b.stats(ProprioMean, ProprioStd)
	return action, proprio, err
}

func (b *Bundle) stats(mean, std string) (preprocess.Stats, error) {
	var s preprocess.Stats
	var errs [2]error
	s.Mean, errs[0] = b.file.Tensors[mean].Float32s()
	s.Std, errs[1] = b.file.Tensors[std].Float32s()
	return s, errors.Join(errs[:]...)
}

// check is everything that needs no file: manifest, names, shapes, finite values, positive deviations.
func (b *Bundle) check() error {
	if err := b.Manifest.Validate(); err != nil {
		return err
	}
	if err := b.checkShapes(); err != nil {
		return err
	}
	if err := b.file.CheckNumbers(); err != nil {
		return fmt.Errorf("%w: %w; train it again", ErrTensors, err)
	}
	if err := b.checkDeviations(); err != nil {
		return err
	}
	return nil
}

func (b *Bundle) checkShapes() error {
	want, err := b.shapes()
	if err != nil {
		return err
	}
	for name, shape := range want {
		t, ok := b.file.Tensors[name]
		if !ok {
			return fmt.Errorf("%w: %s is missing", ErrTensors, name)
		}
		if t.DType != safetensors.F32 || !slices.Equal(t.Shape, shape) {
			return fmt.Errorf("%w: %s is %s %v, want F32 %v", ErrTensors, name, t.DType, t.Shape, shape)
		}
	}
	for _, name := range b.file.Names() {
		if _, ok := want[name]; !ok {
			return fmt.Errorf("%w: %s is not a tensor that the manifest asks for", ErrTensors, name)
		}
	}
	return nil
}

// shapes are the tensors that the manifest asks for.
func (b *Bundle) shapes() (map[string][]int, error) {
	net, err := b.Manifest.Network()
	if err != nil {
		return nil, err
	}
	g, err := net.Graph()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrManifest, err)
	}
	n, dim := len(b.Manifest.Robot.JointNames), len(b.Manifest.Action.Dimensions)
	out := map[string][]int{ActionMean: {dim}, ActionStd: {dim}}
	for _, p := range g.Swapped() {
		out[p.Name] = p.Shape
	}
	if net.Proprio > 0 {
		out[ProprioMean], out[ProprioStd] = []int{n}, []int{n}
	}
	b.Manifest.likenessShapes(out)
	return out, nil
}

func (b *Bundle) checkDeviations() error {
	for _, name := range []string{ActionStd, ProprioStd, headStd} {
		values, err := b.file.Tensors[name].Float32s()
		if _, there := b.file.Tensors[name]; !there {
			continue
		}
		if err != nil {
			return fmt.Errorf("%w: %s: %w", ErrTensors, name, err)
		}
		for i, v := range values {
			if v <= 0 {
				return fmt.Errorf("%w: %s[%d] is %g, want above 0", ErrTensors, name, i, v)
			}
		}
	}
	return nil
}

// hash is "sha256:" and the hex of SHA-256 over domain, manifest's length, manifest and the tensors' digest.
func hash(domain string, manifest []byte, tensors string) string {
	h := sha256.New()
	h.Write([]byte(domain))
	h.Write(binary.LittleEndian.AppendUint64(nil, uint64(len(manifest))))
	h.Write(manifest)
	h.Write([]byte(tensors))
	return "sha256:" + hex.EncodeToString(h.Sum(nil))
}
