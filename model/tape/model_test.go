package tape

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"sim2reald/model/graph"
	"sim2reald/model/safetensors"
)

// tolerance is float32 through one layer against float64, of the largest value: sums of up to 3600 products.
const tolerance = 4e-6

// session loads g and closes everything at the test's end.
func session(t testing.TB, g *graph.Graph, values map[string]safetensors.Tensor, o Options) *Session {
	t.Helper()
	m, err := Load(g, values, o)
	if err != nil {
		t.Fatal(err)
	}
	s, err := m.Session(values)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(s.Close(), m.Close()); err != nil {
			t.Error(err)
		}
	})
	return s
}

func straight(_ *graph.Builder, x *graph.Node) *graph.Node { return x }

// Every layer, in every kind of parameter, behind an input and behind a layer, on one and on several threads, is
// the naive reference's.
func TestLayersMatchReference(t *testing.T) {
	for _, c := range layerCases() {
		for name, p := range map[string]kind{"frozen": frozen, "trained": trained, "adapted": adapted} {
			for _, o := range []Options{{1, 1}, {1, 3}, {3, 2}} {
				checkLayer(t, c, name, p, o)
			}
		}
	}
	for _, c := range largeCases() {
		checkLayer(t, c, "frozen", frozen, Options{3, 2})
	}
}

func checkLayer(t *testing.T, c layerCase, name string, p kind, o Options) {
	t.Helper()
	for from, source := range map[string]func(b *graph.Builder, x *graph.Node) *graph.Node{
		"input": straight,
		"layer": func(b *graph.Builder, x *graph.Node) *graph.Node { return b.Gain("before", turnedMap(b, x), 0.5) },
	} {
		g := c.graph(t, p, source)
		r := rand.New(rand.NewPCG(1, 2))
		values := randomValues(g, r)
		s := session(t, g, values, o)
		copy(s.Input(0), normal(r, len(s.Input(0))))
		if err := s.Run(); err != nil {
			t.Fatal(err)
		}
		want := reference(t, g, o.Batch, [][]float32{s.Input(0)}, values)[0]
		if d := relative(s.Output(0), want); !(d <= tolerance) {
			t.Errorf("%s, %s, behind %s, %+v: relative difference %.3g", c.name, name, from, o, d)
		}
	}
}

// turnedMap makes a map lie as the tape has maps, by a convolution that changes nothing.
func turnedMap(b *graph.Builder, x *graph.Node) *graph.Node {
	if len(x.Shape) != 3 {
		return x
	}
	return b.MaxPool("same", x, 1, 1, graph.Pad{})
}

// policyGraph has two inputs that share a backbone's parameters, and two outputs, one of them a map.
func policyGraph(t testing.TB) *graph.Graph {
	t.Helper()
	b := graph.NewBuilder()
	var parts []*graph.Node
	var first *graph.Node
	for _, camera := range []string{"a", "b"} {
		x := b.Input(camera, 3, 8, 8)
		w := b.Frozen("w", 16, 3, 3, 3)
		b.Adapt(w, "delta.w")
		x = b.Activate(camera+".r", graph.ReLU, b.Conv(camera+".c", x, w, b.Frozen("bias", 16), 1, 1, graph.Around(1)))
		parts, first = append(parts, b.MeanMap(camera+".m", x)), x
	}
	y := b.Linear("head", b.Concat("both", append(parts, b.Input("proprio", 4))...), b.Trained("head.w", 5, 36), b.Trained("head.b", 5))
	g, err := b.Build(y, first)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// Two bundles on one model each give their own answer, in any order, and the reference's.
func TestSessionsShareAModel(t *testing.T) {
	g := policyGraph(t)
	r := rand.New(rand.NewPCG(5, 5))
	base := randomValues(g, r)
	m, err := Load(g, base, Options{2, 2})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	var sessions []*Session
	var want [][][]float64
	for range 2 {
		values := randomValues(g, r)
		values["w"], values["bias"] = base["w"], base["bias"]
		s, err := m.Session(values)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		var in [][]float32
		for i := range g.Inputs {
			copy(s.Input(i), normal(r, len(s.Input(i))))
			in = append(in, s.Input(i))
		}
		sessions, want = append(sessions, s), append(want, reference(t, g, 2, in, values))
	}
	for _, i := range []int{0, 1, 1, 0, 1} {
		if err := sessions[i].Run(); err != nil {
			t.Fatal(err)
		}
		for k, w := range want[i] {
			if d := relative(sessions[i].Output(k), w); !(d <= tolerance) {
				t.Errorf("session %d, output %d: relative difference %.3g", i, k, d)
			}
		}
	}
}

// An input can be an output, alone too.
func TestInputAsOutput(t *testing.T) {
	b := graph.NewBuilder()
	x, y := b.Input("x", 3, 2, 2), b.Input("y", 4)
	both, err := b.Build(x, y, b.Gain("g", y, 2))
	if err != nil {
		t.Fatal(err)
	}
	alone := graph.NewBuilder()
	one, err := alone.Build(alone.Input("x", 3, 2, 2))
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range []*graph.Graph{both, one} {
		s := session(t, g, nil, Options{2, 2})
		r := rand.New(rand.NewPCG(1, 1))
		for i := range g.Inputs {
			copy(s.Input(i), normal(r, len(s.Input(i))))
		}
		if err := s.Run(); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(s.Input(0), s.Output(0)) {
			t.Error("the output is not the input")
		}
	}
}

// With every parameter of the bundle zero, the output is to the bit that of the graph without adapters.
func TestZeroAdaptersChangeNoBit(t *testing.T) {
	build := func(adapters bool) *graph.Graph {
		b := graph.NewBuilder()
		weight, scale, offset := b.Frozen("w", 24, 3, 4, 4), b.Frozen("scale", 24), b.Frozen("offset", 24)
		if adapters {
			b.Adapt(weight, "d.w")
			b.Adapt(scale, "d.scale")
			b.Adapt(offset, "d.offset")
		}
		x := b.PatchEmbed("embed", b.Input("x", 3, 16, 16), weight, b.Frozen("b", 24), 4)
		y := b.LayerNorm("norm", x, scale, offset, 1e-6)
		y = b.Linear("proj", b.Attention("attn", b.Linear("qkv", y, b.Frozen("qkv.w", 72, 24), b.Frozen("qkv.b", 72)), 3), b.Frozen("proj.w", 24, 24), b.Frozen("proj.b", 24))
		y = b.Scale("ls", y, b.Frozen("gamma", 24))
		if adapters {
			down := b.Activate("act", graph.GELU, b.Linear("down", y, b.Trained("down.w", 8, 24), b.Trained("down.b", 8)))
			y = b.Add("adapted", y, b.Linear("up", down, b.Trained("up.w", 24, 8), b.Trained("up.b", 24)))
		}
		g, err := b.Build(b.Add("sum", x, y))
		if err != nil {
			t.Fatal(err)
		}
		return g
	}
	plain, with := build(false), build(true)
	r := rand.New(rand.NewPCG(8, 8))
	values := randomValues(plain, r)
	for _, p := range with.Swapped() {
		values[p.Name] = safetensors.Float32(p.Shape, make([]float32, p.Len()))
	}
	for _, threads := range []int{1, 2} {
		a, b := session(t, plain, values, Options{threads, 2}), session(t, with, values, Options{threads, 2})
		copy(a.Input(0), normal(r, len(a.Input(0))))
		copy(b.Input(0), a.Input(0))
		if err := errors.Join(a.Run(), b.Run()); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(a.Output(0), b.Output(0)) {
			t.Errorf("%d threads: outputs differ, by up to %.3g", threads, relative(a.Output(0), widen(b.Output(0))))
		}
	}
}

// A robot's loop runs a session at every step: no garbage.
func TestAllocRun(t *testing.T) {
	if underRace {
		t.Skip("the race detector allocates")
	}
	g := policyGraph(t)
	values := randomValues(g, rand.New(rand.NewPCG(1, 1)))
	for _, threads := range []int{1, 2} {
		s := session(t, g, values, Options{threads, 1})
		if n := testing.AllocsPerRun(100, func() { _ = s.Run() }); n != 0 {
			t.Errorf("%d threads: %g allocations a run", threads, n)
		}
	}
}

// Which thread takes which part is a matter of chance, and must not show: many runs give the same bits.
func TestThreadsRepeat(t *testing.T) {
	g := policyGraph(t)
	r := rand.New(rand.NewPCG(1, 1))
	s := session(t, g, randomValues(g, r), Options{5, 2})
	for i := range g.Inputs {
		copy(s.Input(i), normal(r, len(s.Input(i))))
	}
	if err := s.Run(); err != nil {
		t.Fatal(err)
	}
	first := slices.Clone(s.Output(0))
	for k := range 500 {
		if err := s.Run(); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(first, s.Output(0)) {
			t.Fatalf("run %d gave other bits", k)
		}
	}
}

// The tape as a session runs it and as Gorgonia's machine does are the same.
func TestMachineRunsTheSameTape(t *testing.T) {
	for _, c := range layerCases() {
		l := newLearning(t, c.graph(t, trained, behindTrained), Options{2, 2})
		if _, err := l.Run(); err != nil {
			t.Fatal(err)
		}
		want := slices.Clone(l.Gradient(0))
		clear(l.Gradient(0))
		l.l.run()
		if !slices.Equal(want, l.Gradient(0)) {
			t.Errorf("%s: other bits", c.name)
		}
	}
}
