package bundle

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"sim2reald/model/likeness"
	"sim2reald/model/preprocess"
	"sim2reald/model/safetensors"
)

// likenessPrefix begins the names of the tensors that no network takes: the features of the demonstrations.
const likenessPrefix = "likeness."

// likenessTensors are those of one camera's features, by name.
func likenessTensors(l *likeness.Likeness) map[string]safetensors.Tensor {
	f := l.Features
	if f == nil {
		return nil
	}
	prefix := likenessPrefix + l.Camera
	return map[string]safetensors.Tensor{
		prefix + ".mean":     safetensors.Float32([]int{f.Length}, f.Mean),
		prefix + ".axes":     safetensors.Float32([]int{f.Rank, f.Length}, f.Axes),
		prefix + ".variance": safetensors.Float32([]int{f.Rank}, f.Variance),
	}
}

// WithLikeness is the bundle with what it needs to tell how like its cameras' pictures are to the demonstrations':
// another bundle, by its digest.
func (b *Bundle) WithLikeness(all []likeness.Likeness) (*Bundle, error) {
	m, tensors := b.Manifest, map[string]safetensors.Tensor{}
	m.Likeness = nil
	for name, t := range b.file.Tensors {
		if !strings.HasPrefix(name, likenessPrefix) {
			tensors[name] = t
		}
	}
	for _, l := range all {
		if !slices.ContainsFunc(m.Cameras, func(c preprocess.Camera) bool { return c.Name == l.Camera }) {
			continue
		}
		m.Likeness = append(m.Likeness, l)
		maps.Copy(tensors, likenessTensors(&l))
	}
	m.SetVersion()
	return New(m, tensors)
}

// Likeness is what the bundle knows of a camera's demonstrations; nil where it knows nothing, as the bundles before
// VersionLikeness.
func (b *Bundle) Likeness(camera string) (*likeness.Likeness, error) {
	i := slices.IndexFunc(b.Manifest.Likeness, func(l likeness.Likeness) bool { return l.Camera == camera })
	if i < 0 {
		return nil, nil
	}
	l := b.Manifest.Likeness[i]
	if l.Features == nil {
		return &l, nil
	}
	f := *l.Features
	for name, into := range map[string]*[]float32{".mean": &f.Mean, ".axes": &f.Axes, ".variance": &f.Variance} {
		var err error
		if *into, err = b.file.Tensors[likenessPrefix+camera+name].Float32s(); err != nil {
			return nil, fmt.Errorf("%w: %s%s%s: %w", ErrTensors, likenessPrefix, camera, name, err)
		}
	}
	l.Features = &f
	return &l, nil
}

// Unlikened lists the cameras of whose demonstrations the bundle knows no colours or no features.
func (m *Manifest) Unlikened() []string {
	var out []string
	for _, c := range m.Cameras {
		i := slices.IndexFunc(m.Likeness, func(l likeness.Likeness) bool { return l.Camera == c.Name })
		switch {
		case i < 0:
			out = append(out, c.Name)
		case m.Likeness[i].Features == nil:
			out = append(out, c.Name+" (colours it has)")
		}
	}
	return out
}

// likenessShapes are the tensors that the manifest's features ask for.
func (m *Manifest) likenessShapes(into map[string][]int) {
	for _, l := range m.Likeness {
		if f := l.Features; f != nil {
			prefix := likenessPrefix + l.Camera
			into[prefix+".mean"], into[prefix+".axes"], into[prefix+".variance"] = []int{f.Length}, []int{f.Rank, f.Length}, []int{f.Rank}
		}
	}
}

// checkLikeness wants each to be of a camera of the bundle, of the base's features, and none to be there twice.
func (m *Manifest) checkLikeness() error {
	for i := range m.Likeness {
		l := &m.Likeness[i]
		if err := l.Validate(); err != nil {
			return invalid("likeness", "[%d]: %v", i, err)
		}
		if slices.IndexFunc(m.Likeness, func(other likeness.Likeness) bool { return other.Camera == l.Camera }) != i {
			return invalid("likeness", "[%d]: camera %q stands twice", i, l.Camera)
		}
		if !slices.ContainsFunc(m.Cameras, func(c preprocess.Camera) bool { return c.Name == l.Camera }) {
			return invalid("likeness", "[%d]: camera %q is none of the bundle's", i, l.Camera)
		}
		if l.Features == nil {
			continue
		}
		net, err := m.Network()
		if err != nil {
			return err
		}
		if want := net.Arch.FeatureLen(); l.Features.Length != want {
			return invalid("likeness", "[%d]: features of %d numbers, the base gives %d", i, l.Features.Length, want)
		}
	}
	return nil
}
