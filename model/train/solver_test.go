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

// testNetwork is a head with its first values.
func testNetwork(t testing.TB, h adapter.Head) *network {
	t.Helper()
	g, err := h.Graph()
	if err != nil {
		t.Fatal(err)
	}
	tensors, err := h.Init(adapter.Start{Seed: 3})
	if err != nil {
		t.Fatal(err)
	}
	live, err := floats(tensors)
	if err != nil {
		t.Fatal(err)
	}
	places := map[string]string{}
	for name := range live {
		places[name] = adapter.PlaceTop
	}
	n, err := newNetwork(g, nil, live, places, 1)
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(4, 4))
	for i := range n.live["head.mean"] {
		n.live["head.mean"][i], n.live["head.std"][i] = r.Float32(), 0.5+r.Float32()
	}
	return n
}

func fill(r *rand.Rand, v []float32) {
	for i := range v {
		v[i] = float32(r.NormFloat64())
	}
}

// testObjective is the network's loss over random examples, half of whose numbers are padding.
func testObjective(t testing.TB, n *network, rows int, gradients bool) *batched {
	t.Helper()
	o, err := n.objective(rows, gradients)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := o.Close(); err != nil {
			t.Error(err)
		}
	})
	r := rand.New(rand.NewPCG(1, 2))
	fill(r, o.Input(0))
	fill(r, o.Target())
	for i := range o.Weight() {
		o.Weight()[i] = float32(i % 4 / 2)
	}
	return o
}

// The loss that training and validation see is the naive float64 one, and the same for both.
func TestLossMatchesReference(t *testing.T) {
	for _, activation := range []graph.Op{graph.ReLU, graph.GELU} {
		n := testNetwork(t, adapter.Head{In: 5, Hidden: []int{7, 6}, Out: 3, Activation: activation})
		const rows = 4
		for _, gradients := range []bool{true, false} {
			o := testObjective(t, n, rows, gradients)
			got, err := o.Run()
			if err != nil {
				t.Fatal(err)
			}
			want := 0.0
			for r := range rows {
				x := make([]float64, 5)
				for i := range x {
					x[i] = float64(o.Input(0)[5*r+i])
				}
				y, err := graphtest.Run(n.graph, map[string][]float64{n.graph.Inputs[0].Name: x}, tensors(n.graph, n.live))
				if err != nil {
					t.Fatal(err)
				}
				for i, v := range y[0] {
					d := v - float64(o.Target()[3*r+i])
					want += float64(o.Weight()[3*r+i]) * d * d / (3 * rows)
				}
			}
			if !(math.Abs(got-want) <= 1e-5*want) {
				t.Errorf("%s: loss %g, want %g", activation, got, want)
			}
		}
	}
}

// Steps of the solver in place are seen by the next run, and lower the loss; the same steps give the same bits.
func TestStepsLowerTheLoss(t *testing.T) {
	run := func() []float64 {
		n := testNetwork(t, adapter.Head{In: 5, Hidden: []int{7}, Out: 3, Activation: graph.ReLU})
		o, a := testObjective(t, n, 8, true), newAdam(0)
		var losses []float64
		for range 20 {
			loss, err := o.Run()
			if err != nil {
				t.Fatal(err)
			}
			losses = append(losses, loss)
			a.begin()
			for i, p := range o.Learned() {
				a.update(p.Name, n.live[p.Name], o.Gradient(i), 1e-2, len(p.Shape) > 1)
			}
		}
		return losses
	}
	first, second := run(), run()
	if !slices.Equal(first, second) {
		t.Errorf("losses %v, then %v", first, second)
	}
	if !(first[19] < 0.8*first[0]) {
		t.Errorf("loss went from %g to %g in 20 steps", first[0], first[19])
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
	n := testNetwork(b, adapter.Head{In: 768, Hidden: []int{256, 256}, Out: 8, Activation: graph.ReLU})
	o, a := testObjective(b, n, 256, true), newAdam(1e-4)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := o.Run(); err != nil {
			b.Fatal(err)
		}
		a.begin()
		for i, p := range o.Learned() {
			a.update(p.Name, n.live[p.Name], o.Gradient(i), 1e-4, true)
		}
	}
}
