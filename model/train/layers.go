package train

import (
	"math"

	"gonum.org/v1/gonum/blas"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// gemm is c (m,n) = op(a) (m,k) · op(b) (k,n) + beta·c, row-major without gaps.
func gemm(ta, tb blas.Transpose, m, n, k int, a, b []float32, beta float32, c []float32) {
	lda, ldb := k, n
	if ta == blas.Trans {
		lda = m
	}
	if tb == blas.Trans {
		ldb = k
	}
	gorgonia.WhichBLAS().Sgemm(ta, tb, m, n, k, 1, a, lda, b, ldb, beta, c, n)
}

// linear is y (B,out) = x (B,in) · wᵀ + bias, with w (out,in). back is false where x needs no gradient.
func linear(name string, x, w, bias *gorgonia.Node, back bool) (*gorgonia.Node, error) {
	rows, in, out := x.Shape()[0], x.Shape()[1], w.Shape()[0]
	o := &op{name: name, shape: tensor.Shape{rows, out}, wrt: []bool{back, true, true}}
	o.run = func(v [][]float32, y []float32) {
		for r := range rows {
			copy(y[r*out:(r+1)*out], v[2])
		}
		gemm(blas.NoTrans, blas.Trans, rows, out, in, v[0], v[1], 1, y)
	}
	o.diff = func(v gorgonia.Nodes, _, dy *gorgonia.Node) (gorgonia.Nodes, error) {
		return linearBackward(name, v[0], v[1], dy, back)
	}
	return o.apply(x, w, bias)
}

// linearBackward is dx (B,in) = dy·w, dw (out,in) = dyᵀ·x, dbias (out) = column sums of dy.
func linearBackward(name string, x, w, dy *gorgonia.Node, back bool) (gorgonia.Nodes, error) {
	rows, in, out := x.Shape()[0], x.Shape()[1], w.Shape()[0]
	dw, err := (&op{name: name + ".dw", shape: tensor.Shape{out, in}, run: func(v [][]float32, d []float32) {
		gemm(blas.Trans, blas.NoTrans, out, in, rows, v[0], v[1], 0, d)
	}}).apply(dy, x)
	if err != nil {
		return nil, err
	}
	db, err := (&op{name: name + ".db", shape: tensor.Shape{out}, run: func(v [][]float32, d []float32) {
		clear(d)
		for i, g := range v[0] {
			d[i%out] += g
		}
	}}).apply(dy)
	if err != nil || !back {
		return gorgonia.Nodes{nil, dw, db}, err
	}
	dx, err := (&op{name: name + ".dx", shape: tensor.Shape{rows, in}, run: func(v [][]float32, d []float32) {
		gemm(blas.NoTrans, blas.NoTrans, rows, in, out, v[0], v[1], 0, d)
	}}).apply(dy, w)
	return gorgonia.Nodes{dx, dw, db}, err
}

// standardise is (x - mean)/std, (B,W); nothing before it is learned, so it has no gradient.
func standardise(name string, x, mean, std *gorgonia.Node) (*gorgonia.Node, error) {
	width := x.Shape()[1]
	return (&op{name: name, shape: x.Shape().Clone(), run: func(v [][]float32, y []float32) {
		for i, a := range v[0] {
			y[i] = (a - v[1][i%width]) / v[2][i%width]
		}
	}}).apply(x, mean, std)
}

// activation is y = f(x) with dx = dy · f'(x), element by element.
func activation(name string, x *gorgonia.Node, f, slope func(float32) float32) (*gorgonia.Node, error) {
	o := &op{name: name, shape: x.Shape().Clone(), wrt: []bool{true}}
	o.run = func(v [][]float32, y []float32) {
		for i, a := range v[0] {
			y[i] = f(a)
		}
	}
	o.diff = func(in gorgonia.Nodes, _, dy *gorgonia.Node) (gorgonia.Nodes, error) {
		dx, err := (&op{name: name + ".dx", shape: x.Shape().Clone(), run: func(v [][]float32, d []float32) {
			for i, a := range v[0] {
				d[i] = v[1][i] * slope(a)
			}
		}}).apply(in[0], dy)
		return gorgonia.Nodes{dx}, err
	}
	return o.apply(x)
}

func relu(x float32) float32 { return max(x, 0) }

func reluSlope(x float32) float32 {
	if x > 0 {
		return 1
	}
	return 0
}

// gelu is x·Φ(x) with the exact error function.
func gelu(x float32) float32 {
	v := float64(x)
	return float32(0.5 * v * (1 + math.Erf(v/math.Sqrt2)))
}

func geluSlope(x float32) float32 {
	v := float64(x)
	return float32(0.5*(1+math.Erf(v/math.Sqrt2)) + v*math.Exp(-0.5*v*v)/math.Sqrt(2*math.Pi))
}

// meanSquares is the scalar Σ weight·(y - target)² / (B·D) over (B,D). Weights are 0 for padding.
func meanSquares(name string, y, target, weight *gorgonia.Node) (*gorgonia.Node, error) {
	n := float64(y.Shape().TotalSize())
	o := &op{name: name, wrt: []bool{true, false, false}}
	o.run = func(v [][]float32, out []float32) {
		sum := 0.0
		for i, a := range v[0] {
			d := float64(a - v[1][i])
			sum += float64(v[2][i]) * d * d
		}
		out[0] = float32(sum / n)
	}
	o.diff = func(in gorgonia.Nodes, _, grad *gorgonia.Node) (gorgonia.Nodes, error) {
		dy, err := (&op{name: name + ".dy", shape: y.Shape().Clone(), run: func(v [][]float32, d []float32) {
			scale := v[3][0] * float32(2/n)
			for i, a := range v[0] {
				d[i] = scale * v[2][i] * (a - v[1][i])
			}
		}}).apply(in[0], in[1], in[2], grad)
		return gorgonia.Nodes{dy, nil, nil}, err
	}
	return o.apply(y, target, weight)
}
