package main

/*
#cgo LDFLAGS: -lopenblas
char *openblas_get_config(void);
void openblas_set_num_threads(int);
*/
import "C"

import (
	"time"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/netlib/blas/netlib"
)

// sgemm is OpenBLAS multiplying two square matrices: what this machine can do at best.
type sgemm struct {
	side, threads int
	a, b, c       []float32
}

// sgemmSide is large enough that the product, at side³, outweighs fetching side² numbers.
const sgemmSide = 1536

func newSgemm(side, threads int) *sgemm {
	return &sgemm{side, threads, noise(side*side, 1), noise(side*side, 2), make([]float32, side*side)}
}

func (s *sgemm) flops() float64 { n := float64(s.side); return 2 * n * n * n }

// Run is a contender's. It leaves OpenBLAS with one thread, as model/tape wants it.
func (s *sgemm) Run(n int) ([]time.Duration, error) {
	C.openblas_set_num_threads(C.int(s.threads))
	defer C.openblas_set_num_threads(1)
	times := make([]time.Duration, n)
	for i := range times {
		start := time.Now()
		netlib.Implementation{}.Sgemm(blas.NoTrans, blas.NoTrans, s.side, s.side, s.side, 1, s.a, s.side, s.b, s.side, 0, s.c, s.side)
		times[i] = time.Since(start)
	}
	return times, nil
}

// Output is a contender's: nobody else computes this.
func (s *sgemm) Output() ([]float32, error) { return nil, nil }

// Close is a contender's.
func (s *sgemm) Close() error { return nil }

// blasVersion is OpenBLAS's own account of itself.
func blasVersion() string { return C.GoString(C.openblas_get_config()) }
