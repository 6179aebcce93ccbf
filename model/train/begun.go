package train

import (
	"fmt"
	"maps"
	"strings"

	"sim2reald/model/adapter"
	"sim2reald/model/bundle"
	"sim2reald/model/dataset"
	"sim2reald/model/safetensors"
)

// begun is the bundle that training begins with, nil where it begins with first values.
func (o *Options) begun() *bundle.Bundle {
	if o.Init != nil {
		return o.Init
	}
	return o.Head
}

// BegunFits says why Head or Init cannot be begun with on such demonstrations; nil where it can, or where there is
// none. An error wraps ErrOptions.
func (o *Options) BegunFits(m *dataset.Meta) error {
	if o.begun() == nil {
		return nil
	}
	manifest := o.manifest(m)
	return o.fits(&manifest)
}

// fits wants a bundle of the same base and dimensions, and of the same parts where all of it is gone on from.
func (o *Options) fits(m *bundle.Manifest) error {
	from := &o.begun().Manifest
	if from.Base.Digest != m.Base.Digest || from.Proprioception != m.Proprioception || from.History != m.History {
		return fmt.Errorf("%w: bundle %s was trained on base %s with proprioception %s and history %d, this run has %s, %s and %d",
			ErrOptions, from.Name, from.Base.Name, from.Proprioception, from.History, m.Base.Name, m.Proprioception, m.History)
	}
	if want, got := speech(&m.Action), speech(&from.Action); want != got {
		return fmt.Errorf("%w: the head of bundle %s speaks %s, this run %s", ErrOptions, from.Name, got, want)
	}
	if o.Init == nil {
		return nil
	}
	if want, got := composition(m), composition(from); want != got {
		return fmt.Errorf("%w: bundle %s is %s, this run trains %s; name the same parts", ErrOptions, from.Name, got, want)
	}
	return nil
}

// composition is what a bundle is made of, in words that can be compared.
func composition(m *bundle.Manifest) string {
	a := m.Adapters
	words := fmt.Sprintf("%s with a head of %v, %s", a.Placement, a.Widths, a.Activation)
	if m.Kind == bundle.KindFull {
		words = "the whole base, " + words
	}
	if a.Middle != nil {
		words += fmt.Sprintf(", middle %+v", *a.Middle)
	}
	return words
}

// taken are the tensors that the network begins with.
func (o *Options) taken() map[string]safetensors.Tensor {
	params := o.begun().Params()
	if o.Init == nil {
		maps.DeleteFunc(params, func(name string, _ safetensors.Tensor) bool { return !strings.HasPrefix(name, "head.") })
		return params
	}
	for name, t := range o.Init.Backbone() {
		params[adapter.BasePrefix+name] = t
	}
	return params
}
