package serving

import (
	"errors"
	"math"
	"strings"
	"testing"

	"sim2reald/model/adapter"
	"sim2reald/model/safetensors"
)

func TestAddRefuses(t *testing.T) {
	y := loadTiny(t, "vit_dinov2")
	b := y.open(t, onnx(t, cpu()), Options{}, adapter.Placement{Middle: &adapter.Middle{Width: 4}})
	nan := safetensors.Float32([]int{12}, append(make([]float32, 11), float32(math.NaN())))
	for _, c := range []struct {
		name string
		n    func() adapter.Network
		edit func(map[string]safetensors.Tensor)
		want string
	}{
		{"another place", func() adapter.Network { return y.network(adapter.Placement{Bottom: true}) }, nil, "policy.resident"},
		{"wider", func() adapter.Network {
			return y.network(adapter.Placement{Middle: &adapter.Middle{Width: 5}})
		}, nil, "policy.resident"},
		{"another camera", func() adapter.Network {
			n := y.network(adapter.Placement{})
			n.Cameras = []string{"wrist", "side"}
			return n
		}, nil, `"image.side"`},
		{"one camera", func() adapter.Network {
			n := y.network(adapter.Placement{})
			n.Cameras = n.Cameras[:1]
			n.Head.In = n.FeatureLen()
			return n
		}, nil, `"image.front"`},
		{"another backbone", func() adapter.Network {
			return loadTiny(t, "vit_avg").network(adapter.Placement{})
		}, nil, ""},
		{"NaN", func() adapter.Network { return y.network(adapter.Placement{}) },
			func(p map[string]safetensors.Tensor) { p["head.0.bias"] = nan }, "NaN"},
		{"missing", func() adapter.Network { return y.network(adapter.Placement{}) },
			func(p map[string]safetensors.Tensor) { delete(p, "head.0.bias") }, "head.0.bias"},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := c.n()
			params := trained(t, n, 1)
			if c.edit != nil {
				c.edit(params)
			}
			r, err := b.Add(graphOf(t, n), params)
			if err == nil {
				closed(t, r)
				t.Fatal("was added")
			}
			if !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%q does not say %q in one line", err, c.want)
			}
		})
	}
	if _, err := Union(adapter.Placement{Middle: &adapter.Middle{}}, adapter.Placement{Middle: &adapter.Middle{Width: 8}}); !errors.Is(err, ErrNetwork) {
		t.Errorf("dense beside bottleneck: %v", err)
	}
}

// TestVerify lets a bundle through that answers, and stops those that overflow or answer wildly.
func TestVerify(t *testing.T) {
	y := loadTiny(t, "vit_dinov2")
	b := y.open(t, onnx(t, cpu()), Options{})
	n := y.network(adapter.Placement{}, 16)
	scaled := func(by float32) *Policy {
		params := trained(t, n, 1)
		for name, p := range params {
			if strings.HasPrefix(name, "head.") && strings.HasSuffix(name, "weight") {
				v, err := p.Float32s()
				if err != nil {
					t.Fatal(err)
				}
				for i := range v {
					v[i] *= by
				}
				params[name] = safetensors.Float32(p.Shape, v)
			}
		}
		return add(t, b, n, params)
	}
	if err := scaled(1).Verify(); err != nil {
		t.Error(err)
	}
	for _, by := range []float32{1e4, 1e20} {
		if err := scaled(by).Verify(); !errors.Is(err, ErrAnswer) {
			t.Errorf("weights times %g: %v", by, err)
		}
	}
}
