package graph

import (
	"errors"
	"math"
	"slices"
	"testing"
)

// TestMapShapes counts the places of windows by hand.
func TestMapShapes(t *testing.T) {
	for _, c := range []struct {
		name  string
		build func(b *Builder) *Node
		want  []int
	}{
		{"1x1", func(b *Builder) *Node {
			return b.Conv("n", b.Input("x", 6, 5, 4), b.Frozen("w", 8, 6, 1, 1), nil, 1, 1, Pad{})
		}, []int{8, 5, 4}},
		{"stem", func(b *Builder) *Node {
			return b.Conv("n", b.Input("x", 3, 224, 225), b.Frozen("w", 64, 3, 7, 7), b.Frozen("b", 64), 2, 1, Around(3))
		}, []int{64, 112, 113}},
		{"groups and uneven padding", func(b *Builder) *Node {
			return b.Conv("n", b.Input("x", 6, 8, 9), b.Frozen("w", 9, 2, 3, 2), nil, 2, 3, Pad{Top: 0, Left: 1, Bottom: 1, Right: 0})
		}, []int{9, 4, 5}},
		{"max pool", func(b *Builder) *Node { return b.MaxPool("n", b.Input("x", 6, 112, 113), 3, 2, Around(1)) }, []int{6, 56, 57}},
		{"average pool, even", func(b *Builder) *Node { return b.AvgPool("n", b.Input("x", 6, 8, 10), 2, 2) }, []int{6, 4, 5}},
		{"average pool, odd", func(b *Builder) *Node { return b.AvgPool("n", b.Input("x", 6, 7, 1), 2, 2) }, []int{6, 4, 1}},
		{"mean", func(b *Builder) *Node { return b.MeanMap("n", b.Input("x", 6, 7, 5)) }, []int{6}},
		{"gate", func(b *Builder) *Node { return b.Gate("n", b.Input("x", 6, 7, 5), b.Input("g", 6)) }, []int{6, 7, 5}},
		{"gain", func(b *Builder) *Node { return b.Gain("n", b.Input("x", 6, 7, 5), -2) }, []int{6, 7, 5}},
		{"sigmoid", func(b *Builder) *Node { return b.Activate("n", Sigmoid, b.Input("x", 6)) }, []int{6}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := NewBuilder()
			g, err := b.Build(c.build(b))
			if err != nil {
				t.Fatal(err)
			}
			if got := g.Outputs[0].Shape; !slices.Equal(got, c.want) {
				t.Errorf("shape %v, want %v", got, c.want)
			}
		})
	}
}

func TestMapRefusals(t *testing.T) {
	conv := func(stride, groups int, pad Pad, shape ...int) func(*Builder) *Node {
		return func(b *Builder) *Node {
			return b.Conv("n", b.Input("x", 6, 5, 5), b.Frozen("w", shape...), nil, stride, groups, pad)
		}
	}
	for name, build := range map[string]func(b *Builder) *Node{
		"tokens": func(b *Builder) *Node {
			return b.Conv("n", b.Input("x", 6, 5), b.Frozen("w", 4, 6, 1, 1), nil, 1, 1, Pad{})
		},
		"nil weight":           func(b *Builder) *Node { return b.Conv("n", b.Input("x", 6, 5, 5), nil, nil, 1, 1, Pad{}) },
		"other channels":       conv(1, 1, Pad{}, 4, 5, 1, 1),
		"no groups":            conv(1, 0, Pad{}, 4, 6, 1, 1),
		"groups of the input":  conv(1, 4, Pad{}, 4, 1, 1, 1),
		"groups of the output": conv(1, 3, Pad{}, 4, 2, 1, 1),
		"no stride":            conv(0, 1, Pad{}, 4, 6, 1, 1),
		"negative padding":     conv(1, 1, Pad{Left: -1}, 4, 6, 1, 1),
		"absurd padding":       conv(1, 1, Pad{Bottom: 1 << 40}, 4, 6, 1, 1),
		"window beyond":        conv(1, 1, Pad{Top: 1}, 4, 6, 7, 3),
		"other bias": func(b *Builder) *Node {
			return b.Conv("n", b.Input("x", 6, 5, 5), b.Frozen("w", 4, 6, 1, 1), b.Frozen("b", 6), 1, 1, Pad{})
		},
		"empty windows":  func(b *Builder) *Node { return b.MaxPool("n", b.Input("x", 6, 5, 5), 2, 2, Around(2)) },
		"no window":      func(b *Builder) *Node { return b.MaxPool("n", b.Input("x", 6, 5, 5), 0, 2, Pad{}) },
		"pool of tokens": func(b *Builder) *Node { return b.AvgPool("n", b.Input("x", 6, 5), 2, 2) },
		"pixels left":    func(b *Builder) *Node { return b.AvgPool("n", b.Input("x", 6, 5, 5), 2, 3) },
		"mean of tokens": func(b *Builder) *Node { return b.MeanMap("n", b.Input("x", 6, 5)) },
		"nil gate":       func(b *Builder) *Node { return b.Gate("n", b.Input("x", 6, 5, 5), nil) },
		"narrow gate":    func(b *Builder) *Node { return b.Gate("n", b.Input("x", 6, 5, 5), b.Input("g", 5)) },
		"no number":      func(b *Builder) *Node { return b.Gain("n", b.Input("x", 6), math.NaN()) },
		"infinite gain":  func(b *Builder) *Node { return b.Gain("n", b.Input("x", 6), math.Inf(1)) },
	} {
		t.Run(name, func(t *testing.T) {
			b := NewBuilder()
			if _, err := b.Build(build(b)); !errors.Is(err, ErrGraph) {
				t.Fatalf("error %v, want ErrGraph", err)
			}
		})
	}
}

// TestAdapt: a delta is listed behind its parameter, once however many pictures share it, and belongs to the
// bundle.
func TestAdapt(t *testing.T) {
	b := NewBuilder()
	var outputs []*Node
	for _, camera := range []string{"a", "b"} {
		w := b.Frozen("w", 4, 3)
		b.Adapt(w, "delta")
		outputs = append(outputs, b.Linear(camera+"/n", b.Input(camera, 3), w, nil))
	}
	g, err := b.Build(outputs...)
	if err != nil {
		t.Fatal(err)
	}
	if len(g.Params) != 2 || g.Params[0].Name != "w" || g.Params[1] != g.Params[0].Delta || g.Params[1].Name != "delta" {
		t.Errorf("parameters %v", g.Params)
	}
	if g.Count(Frozen) != 12 || g.Count(Trained) != 12 || len(g.Swapped()) != 1 {
		t.Errorf("%d frozen, %d trained, %d of the bundle", g.Count(Frozen), g.Count(Trained), len(g.Swapped()))
	}
	for name, adapt := range map[string]func(b *Builder, w *Param){
		"twice":         func(b *Builder, w *Param) { b.Adapt(w, "one"); b.Adapt(w, "two") },
		"of the bundle": func(b *Builder, w *Param) { b.Adapt(b.Trained("t", 3), "delta") },
		"layer's name":  func(b *Builder, w *Param) { b.Adapt(w, "x") },
	} {
		b := NewBuilder()
		x, w := b.Input("x", 3), b.Frozen("w", 4, 3)
		adapt(b, w)
		if _, err := b.Build(b.Linear("n", x, w, nil)); !errors.Is(err, ErrGraph) {
			t.Errorf("%s: error %v, want ErrGraph", name, err)
		}
	}
}
