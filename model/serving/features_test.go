package serving

import (
	"fmt"
	"slices"
	"testing"

	"sim2reald/model"
	"sim2reald/model/adapter"
)

// TestFeatures are the frozen base's, whatever ran before them, and leave what runs after them as it was.
func TestFeatures(t *testing.T) { onBoth(t, features) }

func features(t *testing.T, e Engine) {
	for _, name := range []string{"vit_dinov2", "resnet_bottleneck"} {
		for _, o := range []Options{{}, {Whole: true}} {
			t.Run(fmt.Sprintf("%s whole=%t", name, o.Whole), func(t *testing.T) {
				y := loadTiny(t, name)
				everything := adapter.Placement{Bottom: true, Middle: &adapter.Middle{Width: 4}}
				if y.arch.Family() != "vit" {
					everything.Middle.Width = 0
				}
				b := y.open(t, e, o, everything)
				if _, ok, err := b.Features(true); ok || err != nil {
					t.Errorf("before the first look: %v", err)
				}
				adapted, head := y.network(everything, 16), y.network(adapter.Placement{}, 16)
				with, without := add(t, b, adapted, trained(t, adapted, 1)), add(t, b, head, trained(t, head, 2))
				obs := observation(head, 3)
				want := frozenFeatures(t, e, y, head, obs)
				var before, after model.ActionChunk
				ask := func(p *Policy, out *model.ActionChunk) {
					if err := p.Predict(obs, out); err != nil {
						t.Fatal(err)
					}
				}
				ask(with, &before)
				if _, ok, err := b.Features(false); ok || err != nil {
					t.Errorf("after adapters, without running again: %v", err)
				}
				same(t, b, true, want)
				ask(with, &after)
				if !slices.Equal(before.Data, after.Data) {
					t.Error("the policy answers differently after its features were asked for")
				}
				ask(without, &before)
				same(t, b, false, want)
			})
		}
	}
}

// same wants the features that belong to the pictures of each camera.
func same(t *testing.T, b *Base, again bool, want []float32) {
	t.Helper()
	got, ok, err := b.Features(again)
	if err != nil || !ok || len(got) != 2 || len(got[0]) != len(want)/2 {
		t.Fatalf("%d vectors, %t, %v", len(got), ok, err)
	}
	if d := relative(slices.Concat(got...), want); !(d <= 1e-6) {
		t.Errorf("relative difference %.3g", d)
	}
}

// frozenFeatures come from the network up to its head, by itself.
func frozenFeatures(t *testing.T, e Engine, y tiny, n adapter.Network, obs *model.Observation) []float32 {
	t.Helper()
	g, err := n.Features()
	if err != nil {
		t.Fatal(err)
	}
	values, err := y.arch.Values(y.weights, y.side, y.side)
	if err != nil {
		t.Fatal(err)
	}
	m, err := e.Load(g, values)
	if err != nil {
		t.Fatal(err)
	}
	defer closed(t, m)
	s, err := m.Session(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer closed(t, s)
	for i, pixels := range obs.Images {
		copy(s.Input(i), pixels)
	}
	if err := s.Run(); err != nil {
		t.Fatal(err)
	}
	return slices.Clone(s.Output(0))
}
