package graph_test

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"testing"

	"sim2reald/model/graph"
	"sim2reald/model/graph/graphtest"
	"sim2reald/model/safetensors"
)

// names of nodes, in order.
func names(nodes []*graph.Node) string {
	var out []string
	for _, n := range nodes {
		out = append(out, n.Name)
	}
	return fmt.Sprint(out)
}

// TestSplit cuts networks before what a bundle changes; early and rest, one after the other, are the whole.
func TestSplit(t *testing.T) {
	for _, c := range []struct {
		name                      string
		build                     func(b *graph.Builder) []*graph.Node
		early, given, rest, takes string // layers and outputs of early, layers and inputs of rest
	}{
		{"in the middle", func(b *graph.Builder) []*graph.Node {
			x := b.Linear("one", b.Input("x", 3), b.Frozen("w1", 4, 3), nil)
			return []*graph.Node{b.Linear("two", x, b.Trained("w2", 2, 4), nil)}
		}, "[x one]", "[one]", "[one two]", "[one]"},
		{"a skip over it", func(b *graph.Builder) []*graph.Node {
			x := b.Linear("one", b.Input("x", 3), b.Frozen("w1", 4, 3), nil)
			y := b.Linear("two", x, b.Frozen("w2", 4, 4), nil)
			return []*graph.Node{b.Add("sum", b.Linear("three", y, b.Trained("w3", 4, 4), nil), x)}
		}, "[x one two]", "[one two]", "[one two three sum]", "[one two]"},
		{"a frozen weight with a difference", func(b *graph.Builder) []*graph.Node {
			x := b.Linear("one", b.Input("x", 3), b.Frozen("w1", 4, 3), nil)
			gamma := b.Frozen("gamma", 4)
			b.Adapt(gamma, "delta")
			return []*graph.Node{b.Scale("two", x, gamma)}
		}, "[x one]", "[one]", "[one two]", "[one]"},
		{"a late input beside it", func(b *graph.Builder) []*graph.Node {
			x := b.Linear("one", b.Input("x", 3), b.Frozen("w1", 4, 3), nil)
			return []*graph.Node{b.Concat("both", b.Linear("two", x, b.Trained("w2", 2, 4), nil), b.Input("late", 2))}
		}, "[x one]", "[one]", "[one two late both]", "[one late]"},
		{"an early input beside it", func(b *graph.Builder) []*graph.Node {
			x := b.Linear("one", b.Input("x", 3), b.Frozen("w1", 4, 3), nil)
			return []*graph.Node{b.Linear("two", b.Concat("both", x, b.Input("y", 2)), b.Trained("w2", 2, 6), nil)}
		}, "[x one y both]", "[both]", "[both two]", "[both]"},
		{"an output before it", func(b *graph.Builder) []*graph.Node {
			x := b.Linear("one", b.Input("x", 3), b.Frozen("w1", 4, 3), nil)
			return []*graph.Node{x, b.Linear("two", x, b.Trained("w2", 2, 4), nil)}
		}, "[x one]", "[one]", "[one two]", "[one]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := graph.NewBuilder()
			whole, err := b.Build(c.build(b)...)
			if err != nil {
				t.Fatal(err)
			}
			early, rest := whole.Split()
			if early == nil {
				t.Fatal("nothing comes before")
			}
			if names(early.Nodes) != c.early || names(early.Outputs) != c.given || names(rest.Nodes) != c.rest || names(rest.Inputs) != c.takes {
				t.Errorf("early %s gives %s; rest %s takes %s", names(early.Nodes), names(early.Outputs), names(rest.Nodes), names(rest.Inputs))
			}
			for _, part := range []*graph.Graph{early, rest} {
				for i, n := range part.Nodes {
					if n.ID != i {
						t.Errorf("layer %s has number %d, want %d", n.Name, n.ID, i)
					}
				}
			}
			if len(early.Swapped()) != 0 || len(rest.Swapped()) != len(whole.Swapped()) {
				t.Errorf("%d parameters of the bundle before the cut, %d of %d behind", len(early.Swapped()), len(rest.Swapped()), len(whole.Swapped()))
			}
			checkSame(t, whole, early, rest)
		})
	}
}

// TestSplitOfNothing: a bundle that changes the first layer leaves none before it.
func TestSplitOfNothing(t *testing.T) {
	b := graph.NewBuilder()
	g, err := b.Build(b.Linear("one", b.Input("x", 3), b.Trained("w", 4, 3), nil))
	if err != nil {
		t.Fatal(err)
	}
	if early, rest := g.Split(); early != nil || rest != g {
		t.Errorf("%v, %v", early, rest)
	}
}

// checkSame computes the whole, and the two parts one after the other.
func checkSame(t *testing.T, whole, early, rest *graph.Graph) {
	t.Helper()
	inputs, values := map[string][]float64{}, map[string]safetensors.Tensor{}
	for i, n := range whole.Inputs {
		inputs[n.Name] = numbers(n.Shape, i)
	}
	for i, p := range whole.Params {
		v := make([]float32, p.Len())
		for k, x := range numbers(p.Shape, 10+i) {
			v[k] = float32(x)
		}
		values[p.Name] = safetensors.Float32(p.Shape, v)
	}
	want, err := graphtest.Run(whole, inputs, values)
	if err != nil {
		t.Fatal(err)
	}
	given, err := graphtest.Run(early, inputs, values)
	if err != nil {
		t.Fatal(err)
	}
	between := maps.Clone(inputs)
	for i, n := range early.Outputs {
		between[n.Name] = given[i]
	}
	got, err := graphtest.Run(rest, between, values)
	if err != nil {
		t.Fatal(err)
	}
	for i := range want {
		if !slices.Equal(got[i], want[i]) {
			t.Errorf("output %d is %v in two parts, %v as a whole", i, got[i], want[i])
		}
	}
}

// numbers of a shape that differ from those of another seed.
func numbers(shape []int, seed int) []float64 {
	n := 1
	for _, d := range shape {
		n *= d
	}
	out := make([]float64, n)
	for i := range out {
		out[i] = math.Sin(float64(1 + 7*seed + i))
	}
	return out
}
