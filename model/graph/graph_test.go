package graph

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

// TestShapes builds one layer of each kind behind inputs and checks what comes out.
func TestShapes(t *testing.T) {
	for _, c := range []struct {
		op    Op
		build func(b *Builder) *Node
		want  []int
	}{
		{PatchEmbed, func(b *Builder) *Node {
			return b.PatchEmbed("n", b.Input("x", 3, 28, 42), b.Frozen("w", 5, 3, 14, 14), b.Frozen("b", 5), 14)
		}, []int{6, 5}},
		{PatchEmbed, func(b *Builder) *Node {
			return b.PatchEmbed("n", b.Input("x", 3, 28, 42), b.Frozen("w", 5, 3, 14, 14), nil, 14)
		}, []int{6, 5}},
		{Prepend, func(b *Builder) *Node { return b.Prepend("n", b.Input("x", 6, 5), b.Frozen("w", 1, 2, 5)) }, []int{8, 5}},
		{Position, func(b *Builder) *Node { return b.Position("n", b.Input("x", 6, 5), b.Frozen("w", 1, 6, 5)) }, []int{6, 5}},
		{LayerNorm, func(b *Builder) *Node {
			return b.LayerNorm("n", b.Input("x", 6, 5), b.Frozen("w", 5), b.Frozen("b", 5), 1e-6)
		}, []int{6, 5}},
		{Linear, func(b *Builder) *Node { return b.Linear("n", b.Input("x", 6, 5), b.Trained("w", 7, 5), nil) }, []int{6, 7}},
		{Linear, func(b *Builder) *Node {
			return b.Linear("n", b.Input("x", 5), b.Trained("w", 7, 5), b.Trained("b", 7))
		}, []int{7}},
		{Attention, func(b *Builder) *Node { return b.Attention("n", b.Input("x", 6, 36), 4) }, []int{6, 12}},
		{Scale, func(b *Builder) *Node { return b.Scale("n", b.Input("x", 6, 5), b.Frozen("w", 5)) }, []int{6, 5}},
		{Add, func(b *Builder) *Node { return b.Add("n", b.Input("x", 6, 5), b.Input("y", 6, 5)) }, []int{6, 5}},
		{GELU, func(b *Builder) *Node { return b.Activate("n", GELU, b.Input("x", 6, 5)) }, []int{6, 5}},
		{Tokens, func(b *Builder) *Node { return b.Tokens("n", b.Input("x", 6, 5), 1, 6) }, []int{5, 5}},
		{Token, func(b *Builder) *Node { return b.Token("n", b.Input("x", 6, 5), 5) }, []int{5}},
		{MeanTokens, func(b *Builder) *Node { return b.MeanTokens("n", b.Input("x", 6, 5)) }, []int{5}},
		{Concat, func(b *Builder) *Node { return b.Concat("n", b.Input("x", 6), b.Input("y", 5)) }, []int{11}},
		{Standardise, func(b *Builder) *Node {
			return b.Standardise("n", b.Input("x", 6), b.Fitted("m", 6), b.Fitted("s", 6))
		}, []int{6}},
	} {
		t.Run(c.op.String(), func(t *testing.T) {
			b := NewBuilder()
			g, err := b.Build(c.build(b))
			if err != nil {
				t.Fatal(err)
			}
			if n := g.Outputs[0]; n.Op != c.op || !slices.Equal(n.Shape, c.want) {
				t.Errorf("%s of shape %v, want %s of %v", n.Op, n.Shape, c.op, c.want)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	for name, build := range map[string]func(b *Builder) *Node{
		"no axes":          func(b *Builder) *Node { return b.Input("x") },
		"zero axis":        func(b *Builder) *Node { return b.Input("x", 3, 0) },
		"huge":             func(b *Builder) *Node { return b.Input("x", 1<<20, 1<<20) },
		"nil input":        func(b *Builder) *Node { return b.MeanTokens("n", nil) },
		"nil weight":       func(b *Builder) *Node { return b.Linear("n", b.Input("x", 5), nil, nil) },
		"nil gamma":        func(b *Builder) *Node { return b.Scale("n", b.Input("x", 5), nil) },
		"nil summand":      func(b *Builder) *Node { return b.Add("n", b.Input("x", 5), nil) },
		"layer name twice": func(b *Builder) *Node { return b.Concat("x", b.Input("x", 5)) },
		"parameter's name": func(b *Builder) *Node { return b.Scale("w", b.Input("x", 5), b.Frozen("w", 5)) },
		"empty name":       func(b *Builder) *Node { return b.Input("", 5) },
		"half patches": func(b *Builder) *Node {
			return b.PatchEmbed("n", b.Input("x", 3, 9, 8), b.Frozen("w", 5, 3, 8, 8), nil, 8)
		},
		"zero patch": func(b *Builder) *Node {
			return b.PatchEmbed("n", b.Input("x", 3, 8, 8), b.Frozen("w", 5, 3, 8, 8), nil, 0)
		},
		"other kernel": func(b *Builder) *Node {
			return b.PatchEmbed("n", b.Input("x", 3, 8, 8), b.Frozen("w", 5, 3, 4, 4), nil, 8)
		},
		"other width":       func(b *Builder) *Node { return b.Linear("n", b.Input("x", 5), b.Trained("w", 7, 6), nil) },
		"other bias":        func(b *Builder) *Node { return b.Linear("n", b.Input("x", 5), b.Trained("w", 7, 5), b.Trained("b", 5)) },
		"three heads of 10": func(b *Builder) *Node { return b.Attention("n", b.Input("x", 6, 30), 3) },
		"no heads":          func(b *Builder) *Node { return b.Attention("n", b.Input("x", 6, 30), 0) },
		"unequal sum":       func(b *Builder) *Node { return b.Add("n", b.Input("x", 5), b.Input("y", 6)) },
		"rows beyond":       func(b *Builder) *Node { return b.Tokens("n", b.Input("x", 6, 5), 0, 7) },
		"no rows":           func(b *Builder) *Node { return b.Tokens("n", b.Input("x", 6, 5), 2, 2) },
		"row beyond":        func(b *Builder) *Node { return b.Token("n", b.Input("x", 6, 5), 6) },
		"concat nothing":    func(b *Builder) *Node { return b.Concat("n") },
		"concat rows":       func(b *Builder) *Node { return b.Concat("n", b.Input("x", 6, 5)) },
		"epsilon": func(b *Builder) *Node {
			return b.LayerNorm("n", b.Input("x", 5), b.Frozen("w", 5), b.Frozen("b", 5), 0)
		},
		"no activation":     func(b *Builder) *Node { return b.Activate("n", Linear, b.Input("x", 5)) },
		"kinds differ":      func(b *Builder) *Node { b.Frozen("w", 5); return b.Scale("n", b.Input("x", 5), b.Trained("w", 5)) },
		"shapes differ":     func(b *Builder) *Node { b.Frozen("w", 6); return b.Scale("n", b.Input("x", 5), b.Frozen("w", 5)) },
		"other graph":       func(b *Builder) *Node { return b.MeanTokens("n", NewBuilder().Input("x", 6, 5)) },
		"foreign output":    func(b *Builder) *Node { return NewBuilder().Input("x", 5) },
		"idle input":        func(b *Builder) *Node { b.Input("idle", 5); return b.Input("x", 5) },
		"first error stays": func(b *Builder) *Node { return b.Scale("n", b.Token("first", b.Input("x", 2, 5), 9), b.Frozen("w", 5)) },
	} {
		t.Run(name, func(t *testing.T) {
			b := NewBuilder()
			_, err := b.Build(build(b))
			if !errors.Is(err, ErrGraph) {
				t.Fatalf("error %v, want ErrGraph", err)
			}
			if name == "first error stays" && !strings.HasPrefix(err.Error(), "first:") {
				t.Errorf("error %v is not the first", err)
			}
		})
	}
}

// TestBuildLeavesOut: what no output needs is neither lowered nor counted, and the rest is numbered anew.
func TestBuildLeavesOut(t *testing.T) {
	b := NewBuilder()
	x := b.Input("x", 4)
	b.Linear("idle", x, b.Frozen("idle.weight", 9, 4), nil)
	g, err := b.Build(b.Scale("kept", x, b.Trained("gamma", 4)))
	if err != nil {
		t.Fatal(err)
	}
	if len(g.Nodes) != 2 || len(g.Params) != 1 || g.Count(Frozen) != 0 || g.Count(Trained, Fitted) != 4 || len(g.Swapped()) != 1 {
		t.Errorf("%d layers, %d parameters, %d frozen, %d of the bundle",
			len(g.Nodes), len(g.Params), g.Count(Frozen), g.Count(Trained, Fitted))
	}
	for i, n := range g.Nodes {
		if n.ID != i {
			t.Errorf("layer %q has number %d at place %d", n.Name, n.ID, i)
		}
	}
}
