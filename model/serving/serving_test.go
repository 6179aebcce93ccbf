package serving

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"sim2reald/model"
	"sim2reald/model/adapter"
	"sim2reald/model/graph"
	"sim2reald/model/safetensors"
)

// placements of bundles that share a base, for each family.
func placements(family string) map[string]adapter.Placement {
	if family == "vit" {
		return map[string]adapter.Placement{
			"head":        {},
			"bottom":      {Bottom: true},
			"norms":       {Norms: true},
			"last":        {Middle: &adapter.Middle{Blocks: []int{1}, Width: 4}},
			"narrow":      {Middle: &adapter.Middle{Width: 3}},
			"everything":  {Bottom: true, Norms: true, Middle: &adapter.Middle{Width: 8}},
			"only after ": {Middle: &adapter.Middle{Branches: []string{"mlp"}, Width: 8}},
		}
	}
	return map[string]adapter.Placement{
		"head": {}, "bottom": {Bottom: true}, "dense": {Middle: &adapter.Middle{}},
		"one block": {Middle: &adapter.Middle{Blocks: []int{1}}},
	}
}

// TestSplitEqualsWhole holds every bundle on the shared, cut base to the same bundle alone on a network in one
// piece. The tolerance is that of fusions that a cut prevents.
func TestSplitEqualsWhole(t *testing.T) { onBoth(t, splitEqualsWhole) }

func splitEqualsWhole(t *testing.T, e Engine) {
	const tolerance = 1e-6
	for _, name := range []string{"vit_dinov2", "resnet_bottleneck", "nfnet_plain"} {
		y := loadTiny(t, name)
		all := placements(y.arch.Family())
		for _, o := range []Options{{}, {Whole: true}} {
			b := y.open(t, e, o, slices.Collect(values(all))...)
			for what, p := range all {
				t.Run(fmt.Sprintf("%s %s whole=%t", name, what, o.Whole), func(t *testing.T) {
					n := y.network(p, 16)
					params := trained(t, n, 5)
					obs := observation(n, 1)
					var got model.ActionChunk
					if err := add(t, b, n, params).Predict(obs, &got); err != nil {
						t.Fatal(err)
					}
					want := unsplit(t, e, y, n, params, obs)
					if d := relative(got.Data, want); !(d <= tolerance) {
						t.Errorf("relative difference %.3g, at most %g", d, tolerance)
					}
				})
			}
		}
	}
}

func values[K comparable, V any](m map[K]V) func(func(V) bool) {
	return func(yield func(V) bool) {
		for _, v := range m {
			if !yield(v) {
				return
			}
		}
	}
}

func relative(got, want []float32) float64 {
	diff, size := 0.0, 0.0
	for i, w := range want {
		diff, size = math.Max(diff, math.Abs(float64(got[i]-w))), math.Max(size, math.Abs(float64(w)))
	}
	if math.IsNaN(diff) || size == 0 {
		return math.Inf(1)
	}
	return diff / size
}

// counting counts what an engine runs.
type counting struct {
	Engine
	runs map[string]int // by the last layer
}

type countedModel struct {
	Model
	count func()
}

type countedSession struct {
	Session
	count func()
}

func (c counting) Load(g *graph.Graph, values map[string]safetensors.Tensor) (Model, error) {
	m, err := c.Engine.Load(g, values)
	last := g.Nodes[len(g.Nodes)-1].Name
	return countedModel{m, func() { c.runs[last]++ }}, err
}

func (m countedModel) Session(params map[string]safetensors.Tensor) (Session, error) {
	s, err := m.Model.Session(params)
	if err != nil {
		return nil, err
	}
	return &countedSession{s, m.count}, nil
}

func (s *countedSession) Run() error { s.count(); return s.Session.Run() }

// TestTogetherSharesAndAgrees asks five bundles about one picture: what each says alone, with the backbone run
// once for those without adapters and its first half once for all.
func TestTogetherSharesAndAgrees(t *testing.T) { onBoth(t, togetherSharesAndAgrees) }

func togetherSharesAndAgrees(t *testing.T, e Engine) {
	y := loadTiny(t, "vit_dinov2")
	late := adapter.Placement{Middle: &adapter.Middle{Blocks: []int{1}, Width: 4}}
	c := counting{e, map[string]int{}}
	b := y.open(t, c, Options{}, late)
	var policies []*Policy
	var alone [][]float32
	n := y.network(adapter.Placement{}, 16)
	obs := observation(n, 3)
	for i, p := range []adapter.Placement{{}, late, {}, late, {}} {
		n := y.network(p, 16)
		policy := add(t, b, n, trained(t, n, uint64(i)))
		var chunk model.ActionChunk
		if err := policy.Predict(obs, &chunk); err != nil {
			t.Fatal(err)
		}
		policies, alone = append(policies, policy), append(alone, chunk.Data)
	}
	clear(c.runs)
	out := make([]model.ActionChunk, len(policies))
	if err := Together(policies, obs, out); err != nil {
		t.Fatal(err)
	}
	for i := range out {
		if !slices.Equal(out[i].Data, alone[i]) {
			t.Errorf("bundle %d: %v together, %v alone", i, out[i].Data, alone[i])
		}
	}
	counts := slices.Sorted(values(c.runs))
	if !slices.Equal(counts, []int{1, 3, 5}) {
		t.Errorf("runs %v, want the first half once, the second 3 times and the heads 5", c.runs)
	}
}

// TestDetachedIsFrozen holds the detached features to the plain frozen network without any adapter in it.
func TestDetachedIsFrozen(t *testing.T) { onBoth(t, detachedIsFrozen) }

func detachedIsFrozen(t *testing.T, e Engine) {
	y := loadTiny(t, "vit_dinov2")
	n := y.network(adapter.Placement{}, 16)
	params, obs := trained(t, n, 9), observation(n, 9)
	var plain, detached model.ActionChunk
	if err := add(t, y.open(t, e, Options{}), n, params).Predict(obs, &plain); err != nil {
		t.Fatal(err)
	}
	b := y.open(t, e, Options{}, placements("vit")["everything"])
	if err := add(t, b, n, params).Predict(obs, &detached); err != nil {
		t.Fatal(err)
	}
	if d := relative(detached.Data, plain.Data); !(d <= 1e-6) {
		t.Errorf("relative difference %.3g", d)
	}
}

// TestProprioception: bundles with and without it share the base.
func TestProprioception(t *testing.T) {
	y := loadTiny(t, "vit_dinov2")
	e := onnx(t, cpu())
	with := y.network(adapter.Placement{}, 16)
	with.Proprio = 5
	with.Head.In = with.FeatureLen()
	vs, err := y.arch.Values(y.weights, y.side, y.side)
	if err != nil {
		t.Fatal(err)
	}
	b, err := Open(e, graphOf(t, with), vs, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closed(t, b) })
	without := y.network(adapter.Placement{}, 16)
	for _, n := range []adapter.Network{with, without} {
		params, obs := trained(t, n, 4), observation(n, 4)
		var got model.ActionChunk
		if err := add(t, b, n, params).Predict(obs, &got); err != nil {
			t.Fatal(err)
		}
		if d := relative(got.Data, unsplit(t, e, y, n, params, obs)); !(d <= 1e-6) {
			t.Errorf("proprio %d: relative difference %.3g", n.Proprio, d)
		}
	}
}
