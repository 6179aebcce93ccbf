package tape

import (
	"testing"

	"gonum.org/v1/netlib/blas/netlib"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// BenchmarkStepOwnOps is a step of a policy's head with Gorgonia's own ops and solver, the reason for this
// package's; model/train has the same step with them.
func BenchmarkStepOwnOps(b *testing.B) {
	gorgonia.Use(netlib.Implementation{})
	g := gorgonia.NewGraph()
	matrix := func(rows, cols int) *gorgonia.Node {
		return gorgonia.NewMatrix(g, tensor.Float32, gorgonia.WithShape(rows, cols), gorgonia.WithInit(gorgonia.GlorotN(1)))
	}
	must := gorgonia.Must
	x, target := matrix(256, 768), matrix(256, 8)
	var learned gorgonia.Nodes
	sizes := []int{768, 256, 256, 8}
	for i := range 3 {
		w := matrix(sizes[i], sizes[i+1])
		bias := gorgonia.NewMatrix(g, tensor.Float32, gorgonia.WithShape(1, sizes[i+1]), gorgonia.WithInit(gorgonia.Zeroes()))
		learned = append(learned, w, bias)
		x = must(gorgonia.BroadcastAdd(must(gorgonia.Mul(x, w)), bias, nil, []byte{0}))
		if i < 2 {
			x = must(gorgonia.Rectify(x))
		}
	}
	loss := must(gorgonia.Mean(must(gorgonia.Square(must(gorgonia.Sub(x, target))))))
	if _, err := gorgonia.Grad(loss, learned...); err != nil {
		b.Fatal(err)
	}
	vm := gorgonia.NewTapeMachine(g, gorgonia.BindDualValues(learned...))
	solver := gorgonia.NewAdamSolver(gorgonia.WithLearnRate(1e-4))
	b.ReportAllocs()
	for b.Loop() {
		if err := vm.RunAll(); err != nil {
			b.Fatal(err)
		}
		if err := solver.Step(gorgonia.NodesToValueGrads(learned)); err != nil {
			b.Fatal(err)
		}
		vm.Reset()
	}
	if err := vm.Close(); err != nil {
		b.Fatal(err)
	}
}
