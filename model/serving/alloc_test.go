//go:build !race

package serving

import (
	"testing"

	"sim2reald/model"
	"sim2reald/model/adapter"
)

// The race detector allocates by itself, so this file is not built with it.
func TestPredictAllocatesNothing(t *testing.T) {
	for name, placement := range map[string]adapter.Placement{
		"vit_dinov2":        {Bottom: true, Norms: true, Middle: &adapter.Middle{Width: 8}},
		"resnet_bottleneck": {Bottom: true, Middle: &adapter.Middle{}},
		"nfnet_plain":       {Bottom: true, Middle: &adapter.Middle{Width: 4}},
	} {
		t.Run(name, func(t *testing.T) {
			y := loadTiny(t, name)
			o := cpu()
			o.Threads = 2
			b := y.open(t, onnx(t, o), Options{}, placement)
			n := y.network(placement, 16)
			p, other := add(t, b, n, trained(t, n, 1)), add(t, b, n, trained(t, n, 2))
			obs := observation(n, 1)
			both, out := []*Policy{p, other}, make([]model.ActionChunk, 2)
			var failed error
			run := func() {
				for _, err := range []error{p.Predict(obs, &out[0]), other.Predict(obs, &out[1]), Together(both, obs, out)} {
					if err != nil {
						failed = err
					}
				}
			}
			run() // the chunks are made at the first answer
			if allocs := testing.AllocsPerRun(50, run); allocs != 0 || failed != nil {
				t.Errorf("two bundles with adapters allocate %g times an observation, 0 wanted; %v", allocs, failed)
			}
		})
	}
}
