package tape

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"sim2reald/model/graph"
	"sim2reald/model/safetensors"
)

// tolerance is float32 through one layer against float64, of the largest value.
const tolerance = 2e-6

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

// Every layer, in every kind of parameter, alone and behind another, on one and on several threads, is the
// naive reference's.
func TestLayersMatchReference(t *testing.T) {
	kinds := map[string]kind{"frozen": frozen, "trained": trained, "adapted": adapted}
	sources := map[string]func(b *graph.Builder, x *graph.Node) *graph.Node{
		"input": straight,
		"layer": func(b *graph.Builder, x *graph.Node) *graph.Node { return b.Gain("before", turnedMap(b, x), 0.5) },
	}
	for _, c := range layerCases() {
		for kindName, p := range kinds {
			for from, source := range sources {
				for _, o := range []Options{{1, 1}, {1, 3}, {3, 2}} {
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
						t.Errorf("%s, %s, behind %s, %+v: relative difference %.3g", c.name, kindName, from, o, d)
					}
				}
			}
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

// The activations are exact to 3e-7 of their size, or to 1e-7 where they are near nothing, over the whole line.
func TestActivationsOverTheLine(t *testing.T) {
	exact := map[graph.Op]func(float64) float64{
		graph.GELU:      func(x float64) float64 { return 0.5 * x * math.Erfc(-x/math.Sqrt2) },
		graph.QuickGELU: func(x float64) float64 { return x / (1 + math.Exp(-1.702*x)) },
		graph.Sigmoid:   func(x float64) float64 { return 1 / (1 + math.Exp(-x)) },
		graph.ReLU:      func(x float64) float64 { return max(x, 0) },
	}
	for op, f := range exact {
		b := graph.NewBuilder()
		g, err := b.Build(b.Activate("y", op, b.Input("x", 80001)))
		if err != nil {
			t.Fatal(err)
		}
		s := session(t, g, nil, Options{1, 1})
		for i := range s.Input(0) {
			s.Input(0)[i] = float32(i-40000) / 2000
		}
		if err := s.Run(); err != nil {
			t.Fatal(err)
		}
		worst, at := 0.0, float32(0)
		for i, x := range s.Input(0) {
			want := f(float64(x))
			if d := math.Abs(float64(s.Output(0)[i])-want) / (math.Abs(want) + 0.1); d > worst {
				worst, at = d, x
			}
		}
		t.Logf("%s: %.2g at %g", op, worst, at)
		if !(worst <= 4e-7) {
			t.Errorf("%s: off by %.2g at %g", op, worst, at)
		}
	}
}

// What is not a number, or infinite, stays visible.
func TestActivationsPassNotANumber(t *testing.T) {
	for _, op := range []graph.Op{graph.GELU, graph.QuickGELU, graph.Sigmoid, graph.ReLU} {
		b := graph.NewBuilder()
		g, err := b.Build(b.Activate("y", op, b.Input("x", 11)))
		if err != nil {
			t.Fatal(err)
		}
		s := session(t, g, nil, Options{1, 1})
		for i, v := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
			s.Input(0)[i], s.Input(0)[8+i] = float32(v), float32(v)
		}
		if err := s.Run(); err != nil {
			t.Fatal(err)
		}
		y := s.Output(0)
		if y[0] == y[0] || y[8] == y[8] {
			t.Errorf("%s of NaN is %g and %g", op, y[0], y[8])
		}
		if op != graph.Sigmoid && !math.IsInf(float64(y[1]), 1) {
			t.Errorf("%s of infinity is %g", op, y[1])
		}
	}
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

// Bad options, parameters and uses are errors that name the thing.
func TestRefusals(t *testing.T) {
	g := policyGraph(t)
	good := randomValues(g, rand.New(rand.NewPCG(1, 1)))
	with := func(name string, tensor safetensors.Tensor) map[string]safetensors.Tensor {
		values := map[string]safetensors.Tensor{}
		for k, v := range good {
			values[k] = v
		}
		values[name] = tensor
		return values
	}
	nan := float32(math.NaN())
	for name, load := range map[string]func() error{
		"no threads":   func() error { _, err := Load(g, good, Options{0, 1}); return err },
		"many threads": func() error { _, err := Load(g, good, Options{257, 1}); return err },
		"no batch":     func() error { _, err := Load(g, good, Options{1, 0}); return err },
		"huge batch":   func() error { _, err := Load(g, good, Options{1, 5000}); return err },
		"no values":    func() error { _, err := Load(g, nil, Options{1, 1}); return err },
		"frozen shape": func() error { _, err := Load(g, with("w", good["bias"]), Options{1, 1}); return err },
		"frozen dtype": func() error {
			_, err := Load(g, with("bias", safetensors.Int64([]int{16}, make([]int64, 16))), Options{1, 1})
			return err
		},
		"frozen bytes": func() error {
			_, err := Load(g, with("bias", safetensors.Tensor{DType: safetensors.F32, Shape: []int{16}}), Options{1, 1})
			return err
		},
		"live missing":  func() error { _, err := NewObjective(onlyFirst(t, g), good, nil, Options{1, 1}, true); return err },
		"two objective": func() error { _, err := NewObjective(g, good, nil, Options{1, 1}, true); return err },
	} {
		if err := load(); err == nil {
			t.Errorf("%s was accepted", name)
		} else {
			t.Logf("%s: %v", name, err)
		}
	}
	m, err := Load(g, good, Options{1, 1})
	if err != nil {
		t.Fatal(err)
	}
	for name, values := range map[string]map[string]safetensors.Tensor{
		"bundle missing":    nil,
		"bundle shape":      with("head.b", good["bias"]),
		"bundle not finite": with("head.b", safetensors.Float32([]int{5}, []float32{0, 0, nan, 0, 0})),
		"delta not finite":  with("delta.w", safetensors.Float32([]int{16, 3, 3, 3}, slices.Repeat([]float32{nan}, 432))),
	} {
		if _, err := m.Session(values); !errors.Is(err, ErrInput) {
			t.Errorf("%s: error %v, want ErrInput", name, err)
		}
	}
	s, err := m.Session(good)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.Run(), m.Close(), m.Close()); err != nil {
		t.Fatal(err)
	}
	if err := s.Run(); !errors.Is(err, ErrInput) {
		t.Errorf("running on a closed model: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := s.Run(); !errors.Is(err, ErrInput) {
		t.Errorf("running a closed session: %v", err)
	}
}

func onlyFirst(t testing.TB, g *graph.Graph) *graph.Graph {
	t.Helper()
	one := *g
	one.Outputs = g.Outputs[:1]
	return &one
}
