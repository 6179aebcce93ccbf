package tape

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"sim2reald/model/graph"
	"sim2reald/model/safetensors"
)

// learning is an objective on random numbers, with what its reference needs.
type learning struct {
	*Objective
	g      *graph.Graph
	batch  int
	frozen map[string]safetensors.Tensor
	live   map[string][]float32
}

func newLearning(t testing.TB, g *graph.Graph, o Options) *learning {
	t.Helper()
	r := rand.New(rand.NewPCG(3, 4))
	l := &learning{g: g, batch: o.Batch, frozen: map[string]safetensors.Tensor{}, live: map[string][]float32{}}
	values := randomValues(g, r)
	for _, p := range g.Params {
		v := values[p.Name]
		if !p.Swapped() {
			l.frozen[p.Name] = v
			continue
		}
		var err error
		if l.live[p.Name], err = v.Float32s(); err != nil {
			t.Fatal(err)
		}
	}
	var err error
	if l.Objective, err = NewObjective(g, l.frozen, l.live, o, true); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	for i := range g.Inputs {
		copy(l.Input(i), normal(r, len(l.Input(i))))
	}
	copy(l.Target(), normal(r, len(l.Target())))
	for i := range l.Weight() {
		l.Weight()[i] = float32(i % 4 / 2) // half of them padding
	}
	if len(l.Weight()) < 4 {
		l.Weight()[0] = 1
	}
	return l
}

// reference is the loss by the naive float64 evaluation of the same graph.
func (l *learning) reference(t testing.TB) float64 {
	t.Helper()
	values := map[string]safetensors.Tensor{}
	for _, p := range l.g.Params {
		if p.Swapped() {
			values[p.Name] = safetensors.Float32(p.Shape, l.live[p.Name])
		} else {
			values[p.Name] = l.frozen[p.Name]
		}
	}
	var inputs [][]float32
	for i := range l.g.Inputs {
		inputs = append(inputs, l.Input(i))
	}
	sum := 0.0
	for i, y := range reference(t, l.g, l.batch, inputs, values)[0] {
		d := y - float64(l.Target()[i])
		sum += float64(l.Weight()[i]) * d * d
	}
	return sum / float64(len(l.Target()))
}

// slopes are the reference's, above and below one weight. Weights are stored in float32, so the steps are taken
// as they were stored.
func (l *learning) slopes(t testing.TB, name string, k int) (above, below float64) {
	t.Helper()
	w := l.live[name]
	old, here := w[k], l.reference(t)
	slope := func(step float32) float64 {
		w[k] = old + step
		there, moved := l.reference(t), w[k]-old
		w[k] = old
		return (there - here) / float64(moved)
	}
	return slope(1e-4), slope(-1e-4)
}

// checkGradients holds every gradient to finite differences of the reference, at up to so many places of each
// parameter. 1e-3 of the largest gradient allows for the curvature over the step and for float32. A place at
// the kink of a maximum, where the slopes above and below differ, has no gradient to compare with.
func (l *learning) checkGradients(t testing.TB, name string, places int) {
	t.Helper()
	loss, err := l.Run()
	if err != nil {
		t.Fatal(err)
	}
	if want := l.reference(t); math.Abs(loss-want) > 1e-5*want {
		t.Fatalf("%s: loss %g, want %g", name, loss, want)
	}
	r := rand.New(rand.NewPCG(7, 7))
	for i, p := range l.Learned() {
		grad := slices.Clone(l.Gradient(i))
		scale := 1e-4 // a norm takes no notice of a common offset: its gradient is 0
		for _, x := range grad {
			scale = max(scale, math.Abs(float64(x)))
		}
		some := r.Perm(len(grad))[:min(places, len(grad))]
		kinks := 0
		for _, k := range some {
			above, below := l.slopes(t, p.Name, k)
			if want := (above + below) / 2; math.Abs(above-below) > 1e-2*scale {
				kinks++
			} else if !(math.Abs(float64(grad[k])-want) <= 1e-3*scale) {
				t.Errorf("%s: %s[%d] is %g, finite difference %g, largest %g", name, p.Name, k, grad[k], want, scale)
				break
			}
		}
		if 2*kinks > len(some) {
			t.Errorf("%s: %d of %d places of %s are kinks, nothing was checked", name, kinks, len(some), p.Name)
		}
	}
}

// behindTrained puts a case behind a trained layer, so that a gradient goes through the case.
func behindTrained(b *graph.Builder, x *graph.Node) *graph.Node {
	switch len(x.Shape) {
	case 1:
		return b.Linear("before", x, b.Trained("before.w", x.Shape[0], x.Shape[0]), nil)
	case 2:
		return b.Position("before", x, b.Trained("before.w", 1, x.Shape[0], x.Shape[1]))
	}
	c := x.Shape[0]
	return b.Conv("before", x, b.Trained("before.w", c, c, 1, 1), b.Trained("before.b", c), 1, 1, graph.Pad{})
}

// Every layer sends back the right gradient, to what is before it and to its own parameters, in every kind.
func TestGradientsMatchFiniteDifferences(t *testing.T) {
	kinds := map[string]kind{"frozen": frozen, "trained": trained, "adapted": adapted}
	for _, c := range layerCases() {
		for kindName, p := range kinds {
			for from, source := range map[string]func(b *graph.Builder, x *graph.Node) *graph.Node{"input": straight, "trained": behindTrained} {
				g := c.graph(t, p, source)
				if !slices.ContainsFunc(g.Params, (*graph.Param).Trained) {
					continue
				}
				l := newLearning(t, g, Options{2, 3})
				l.checkGradients(t, strings.Join([]string{c.name, kindName, "behind " + from}, ", "), 6)
			}
		}
	}
}

// The same beyond what a kernel takes at a time.
func TestLargeGradientsMatchFiniteDifferences(t *testing.T) {
	if underRace {
		t.Skip("slow under the race detector, which sees nothing of the kernels")
	}
	for _, c := range largeCases() {
		for name, p := range map[string]kind{"frozen": frozen, "trained": trained} {
			l := newLearning(t, c.graph(t, p, behindTrained), Options{2, 1})
			l.checkGradients(t, c.name+", "+name, 1)
		}
	}
}

// One network with everything: two pictures through shared frozen layers with deltas and a bottleneck, a head,
// and a place before which nothing is trained.
func TestGradientsOfANetwork(t *testing.T) {
	b := graph.NewBuilder()
	var parts []*graph.Node
	for _, camera := range []string{"a/", "b/"} {
		x := b.Input(camera+"image", 3, 8, 8)
		x = b.PatchEmbed(camera+"embed", x, b.Frozen("w", 12, 3, 4, 4), b.Frozen("bias", 12), 4)
		x = b.Activate(camera+"early", graph.GELU, b.Linear(camera+"fixed", x, b.Frozen("fixed", 12, 12), nil))
		scale, offset := b.Frozen("scale", 12), b.Frozen("offset", 12)
		b.Adapt(scale, "d.scale")
		b.Adapt(offset, "d.offset")
		y := b.LayerNorm(camera+"norm", x, scale, offset, 1e-6)
		y = b.Attention(camera+"attn", b.Linear(camera+"qkv", y, b.Frozen("qkv", 36, 12), nil), 2)
		y = b.Scale(camera+"ls", b.Linear(camera+"proj", y, b.Frozen("proj", 12, 12), b.Frozen("proj.b", 12)), b.Frozen("gamma", 12))
		z := b.Activate(camera+"act", graph.GELU, b.Linear(camera+"down", y, b.Trained("down", 4, 12), b.Trained("down.b", 4)))
		y = b.Add(camera+"adapted", y, b.Linear(camera+"up", z, b.Trained("up", 12, 4), b.Trained("up.b", 12)))
		x = b.Add(camera+"sum", x, y)
		parts = append(parts, b.Concat(camera+"features", b.Token(camera+"class", x, 0), b.MeanTokens(camera+"mean", x)))
	}
	x := b.Standardise("standardise", b.Concat("joined", append(parts, b.Input("proprio", 3))...), b.Fitted("mean", 51), b.Fitted("std", 51))
	x = b.Activate("head.act", graph.ReLU, b.Linear("head.0", x, b.Trained("h0", 9, 51), b.Trained("h0.b", 9)))
	g, err := b.Build(b.Linear("head.1", x, b.Trained("h1", 4, 9), b.Trained("h1.b", 4)))
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range []Options{{1, 1}, {2, 4}} {
		l := newLearning(t, g, o)
		if len(l.Learned()) != 10 {
			t.Fatalf("gradients for %d parameters, want 10", len(l.Learned()))
		}
		l.checkGradients(t, "network", 40)
		for _, n := range l.l.nodes {
			if name := n.Op().String(); strings.Contains(name, "fixed.d") || strings.Contains(name, "embed.d") || strings.Contains(name, "qkv.dw") {
				t.Errorf("%s is computed, and nobody needs it", name)
			}
		}
	}
}

// A second run must not see the first one's numbers, and gives the same bits.
func TestRunsRepeat(t *testing.T) {
	c := layerCases()
	for _, layer := range c {
		l := newLearning(t, layer.graph(t, trained, behindTrained), Options{3, 2})
		var first [][]float32
		for k := range 3 {
			if _, err := l.Run(); err != nil {
				t.Fatal(err)
			}
			for i, p := range l.Learned() {
				if k == 0 {
					first = append(first, slices.Clone(l.Gradient(i)))
				} else if !slices.Equal(first[i], l.Gradient(i)) {
					t.Fatalf("%s: %s changed between runs of the same input", layer.name, p.Name)
				}
			}
		}
	}
}

// An optimiser's change in place is seen by the next run.
func TestObjectiveReadsLiveParameters(t *testing.T) {
	l := newLearning(t, layerCases()[0].graph(t, adapted, straight), Options{1, 2})
	for range 2 {
		got, err := l.Run()
		if err != nil {
			t.Fatal(err)
		}
		if want := l.reference(t); math.Abs(got-want) > 1e-5*want {
			t.Errorf("loss %g, want %g", got, want)
		}
		for _, v := range l.live {
			for i := range v {
				v[i] *= 1.5
			}
		}
	}
}
