package train

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"sim2reald/model/adapter"
	"sim2reald/model/graph"
	"sim2reald/model/graph/graphtest"
)

// testHead is small enough for finite differences over every weight.
func testHead(activation graph.Op) adapter.Head {
	return adapter.Head{In: 5, Hidden: []int{7, 6}, Out: 3, Activation: activation}
}

func testWeights(t testing.TB, h adapter.Head) (*graph.Graph, weights) {
	t.Helper()
	g, err := h.Graph()
	if err != nil {
		t.Fatal(err)
	}
	tensors, err := h.Init(adapter.Start{Seed: 3})
	if err != nil {
		t.Fatal(err)
	}
	w, err := unpack(g, tensors)
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(4, 4))
	for i := range w["head.mean"] {
		w["head.mean"][i], w["head.std"][i] = r.Float32(), 0.5+r.Float32()
	}
	return g, w
}

func fill(r *rand.Rand, v []float32) {
	for i := range v {
		v[i] = float32(r.NormFloat64())
	}
}

func testObjective(t testing.TB, g *graph.Graph, w weights, rows int) *objective {
	t.Helper()
	o, err := newObjective(g, w, rows, true)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := o.Close(); err != nil {
			t.Error(err)
		}
	})
	r := rand.New(rand.NewPCG(1, 2))
	fill(r, o.x)
	fill(r, o.target)
	for i := range o.weight {
		o.weight[i] = float32(i % 4 / 2) // half of them padding
	}
	return o
}

// reference is the loss by the naive float64 evaluation of the same graph.
func reference(t testing.TB, g *graph.Graph, o *objective) float64 {
	t.Helper()
	values := o.w.pack(g)
	in, out := g.Inputs[0].Shape[0], g.Outputs[0].Shape[0]
	sum := 0.0
	for row := range o.rows {
		x := make([]float64, in)
		for i := range x {
			x[i] = float64(o.x[row*in+i])
		}
		y, err := graphtest.Run(g, map[string][]float64{g.Inputs[0].Name: x}, values)
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range y[0] {
			d := v - float64(o.target[row*out+i])
			sum += float64(o.weight[row*out+i]) * d * d
		}
	}
	return sum / float64(o.rows*out)
}

func TestForwardMatchesReference(t *testing.T) {
	UseBLAS(1)
	for _, activation := range []graph.Op{graph.ReLU, graph.GELU} {
		g, w := testWeights(t, testHead(activation))
		o := testObjective(t, g, w, 4)
		got, err := o.run()
		if err != nil {
			t.Fatal(err)
		}
		if want := reference(t, g, o); math.Abs(got-want) > 1e-5*want {
			t.Fatalf("%s: loss %g, want %g", activation, got, want)
		}
	}
}

// The reference is in float64; weights are stored in float32, so the step of 1e-3 is taken as it was stored.
// 1e-3 of the largest gradient allows for the curvature over that step and for float32 in the analytic one.
func TestGradientsMatchFiniteDifferences(t *testing.T) {
	UseBLAS(1)
	for _, activation := range []graph.Op{graph.ReLU, graph.GELU} {
		g, w := testWeights(t, testHead(activation))
		o := testObjective(t, g, w, 4)
		if _, err := o.run(); err != nil {
			t.Fatal(err)
		}
		if len(o.learned) != 6 {
			t.Fatalf("gradients for %v, want 3 weights and 3 biases", o.learned)
		}
		for i, name := range o.learned {
			grad := slices.Clone(o.gradient(i))
			scale := 0.0
			for _, x := range grad {
				scale = max(scale, math.Abs(float64(x)))
			}
			if scale == 0 {
				t.Fatalf("%s: no gradient at all", name)
			}
			for k := range grad {
				want := difference(t, g, o, name, k)
				if math.Abs(float64(grad[k])-want) > 1e-3*scale {
					t.Fatalf("%s %s[%d]: %g, finite difference %g", activation, name, k, grad[k], want)
				}
			}
		}
	}
}

func difference(t *testing.T, g *graph.Graph, o *objective, name string, k int) float64 {
	t.Helper()
	w := o.w[name]
	old := w[k]
	w[k] = old + 1e-3
	high, above := reference(t, g, o), w[k]
	w[k] = old - 1e-3
	low, below := reference(t, g, o), w[k]
	w[k] = old
	return (high - low) / float64(above-below)
}

// A second run must not see the first one's gradients.
func TestGradientsDoNotAccumulate(t *testing.T) {
	UseBLAS(1)
	g, w := testWeights(t, testHead(graph.ReLU))
	o := testObjective(t, g, w, 4)
	var first [][]float32
	for range 3 {
		if _, err := o.run(); err != nil {
			t.Fatal(err)
		}
		for i := range o.learned {
			if len(first) < len(o.learned) {
				first = append(first, slices.Clone(o.gradient(i)))
			} else if !slices.Equal(first[i], o.gradient(i)) {
				t.Fatalf("%s changed between runs of the same input", o.learned[i])
			}
		}
	}
}

func TestAdamMatchesItsDefinition(t *testing.T) {
	a := newAdam(0.1)
	w := []float32{1, -2}
	m, v, x := [2]float64{}, [2]float64{}, [2]float64{1, -2}
	for step := 1; step <= 5; step++ {
		g := []float32{0.5 * float32(step), -0.01}
		a.begin()
		a.update("w", w, g, 0.01, true)
		for i := range x {
			m[i] = 0.9*m[i] + 0.1*float64(g[i])
			v[i] = 0.999*v[i] + 0.001*float64(g[i])*float64(g[i])
			mHat := m[i] / (1 - math.Pow(0.9, float64(step)))
			vHat := v[i] / (1 - math.Pow(0.999, float64(step)))
			x[i] -= 0.01 * (mHat/(math.Sqrt(vHat)+1e-8) + 0.1*x[i])
			if math.Abs(float64(w[i])-x[i]) > 1e-5 {
				t.Fatalf("step %d: %g, want %g", step, w[i], x[i])
			}
		}
	}
}

func TestCosine(t *testing.T) {
	for _, c := range []struct {
		step int
		want float64
	}{{0, 0.25}, {3, 1}, {4, 1}, {54, 0.5}, {104, 0}} {
		if got := cosine(1, c.step, 4, 104); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("step %d: %g, want %g", c.step, got, c.want)
		}
	}
}

func BenchmarkStep(b *testing.B) {
	b.Log(UseBLAS(1))
	g, w := testWeights(b, adapter.Head{In: 768, Hidden: []int{256, 256}, Out: 8, Activation: graph.ReLU})
	o := testObjective(b, g, w, 256)
	a := newAdam(1e-4)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := o.run(); err != nil {
			b.Fatal(err)
		}
		a.begin()
		for i, name := range o.learned {
			a.update(name, w[name], o.gradient(i), 1e-4, true)
		}
	}
}
