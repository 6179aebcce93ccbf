package serving

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"

	"sim2reald/model"
	"sim2reald/model/adapter"
)

// tinyPolicy has two cameras and proprioception, and answers three rows of four.
func tinyPolicy(t *testing.T) (*Policy, adapter.Network) {
	y := loadTiny(t, "vit_dinov2")
	n := y.network(adapter.Placement{}, 16, 8)
	n.Proprio = 5
	n.Head.In = n.FeatureLen()
	values, err := y.arch.Values(y.weights, y.side, y.side)
	if err != nil {
		t.Fatal(err)
	}
	b, err := Open(onnx(t, cpu()), graphOf(t, n), values, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closed(t, b) })
	return add(t, b, n, trained(t, n, 1)), n
}

func TestPolicyPredict(t *testing.T) {
	p, n := tinyPolicy(t)
	obs := observation(n, 1)
	answer := func() model.ActionChunk {
		var out model.ActionChunk
		if err := p.Predict(obs, &out); err != nil {
			t.Fatal(err)
		}
		return out
	}
	first := answer()
	if first.Rows != 3 || first.Dim != 4 || len(first.Data) != 12 {
		t.Fatalf("chunk of %d rows of %d, %d numbers; 3, 4, 12 wanted", first.Rows, first.Dim, len(first.Data))
	}
	if again := answer(); !slices.Equal(again.Data, first.Data) {
		t.Errorf("%v, then %v for the same observation", first.Data, again.Data)
	}
	obs.Images[0], obs.Images[1] = obs.Images[1], obs.Images[0]
	if exchanged := answer(); slices.Equal(exchanged.Data, first.Data) {
		t.Error("exchanging the two cameras' pictures changes nothing")
	}
	obs.Images[0], obs.Images[1] = obs.Images[1], obs.Images[0]
	obs.Proprio[2]++
	if moved := answer(); slices.Equal(moved.Data, first.Data) {
		t.Error("another proprioception changes nothing")
	}
}

func TestPolicyRefuses(t *testing.T) {
	p, n := tinyPolicy(t)
	for _, c := range []struct {
		name  string
		spoil func(*model.Observation)
	}{
		{"no picture", func(o *model.Observation) { o.Images = nil }},
		{"three pictures", func(o *model.Observation) { o.Images = append(o.Images, o.Images[0]) }},
		{"small picture", func(o *model.Observation) { o.Images[0] = o.Images[0][1:] }},
		{"NaN pixel", func(o *model.Observation) { o.Images[0][5] = float32(math.NaN()) }},
		{"no proprioception", func(o *model.Observation) { o.Proprio = nil }},
		{"infinite proprioception", func(o *model.Observation) { o.Proprio[4] = float32(math.Inf(-1)) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			obs := observation(n, 1)
			c.spoil(obs)
			var out model.ActionChunk
			if err := p.Predict(obs, &out); !errors.Is(err, ErrInput) {
				t.Errorf("error %v, want ErrInput", err)
			}
			if err := Together([]*Policy{p}, obs, []model.ActionChunk{out}); !errors.Is(err, ErrInput) {
				t.Errorf("together: error %v, want ErrInput", err)
			}
		})
	}
	for _, shape := range [][2]int{{2, 4}, {0, 12}, {12, 0}, {-3, -4}} {
		if _, err := NewPolicy(p.bundle, shape[0], shape[1]); !errors.Is(err, ErrInput) {
			t.Errorf("%d rows of %d: error %v, want ErrInput", shape[0], shape[1], err)
		}
	}
	if err := Together(nil, observation(n, 1), nil); !errors.Is(err, ErrInput) {
		t.Errorf("nobody asked: %v", err)
	}
}

func TestUnion(t *testing.T) {
	middle := func(width int, blocks []int, branches ...string) adapter.Placement {
		return adapter.Placement{Middle: &adapter.Middle{Width: width, Blocks: blocks, Branches: branches}}
	}
	for _, c := range []struct {
		name string
		of   []adapter.Placement
		want adapter.Placement
	}{
		{"none", nil, adapter.Placement{}},
		{"apart", []adapter.Placement{{Bottom: true}, {Norms: true}, {}}, adapter.Placement{Bottom: true, Norms: true}},
		{"the wider", []adapter.Placement{middle(8, nil), middle(16, nil), middle(4, nil)}, middle(16, nil)},
		{"all blocks", []adapter.Placement{middle(8, []int{1}), middle(8, nil)}, middle(8, nil)},
		{"blocks of both", []adapter.Placement{middle(8, []int{3, 5}), middle(8, []int{1, 3})}, middle(8, []int{1, 3, 5})},
		{"branches of both", []adapter.Placement{middle(8, nil, "mlp"), middle(8, nil, "attn")}, middle(8, nil, "attn", "mlp")},
	} {
		got, err := Union(c.of...)
		if err != nil || fmt.Sprint(got, got.Middle) != fmt.Sprint(c.want, c.want.Middle) {
			t.Errorf("%s: %+v %+v, want %+v %+v; %v", c.name, got, got.Middle, c.want, c.want.Middle, err)
		}
	}
}
