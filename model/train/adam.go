package train

import (
	"math"
	"sync"
)

// adam is Adam with decoupled weight decay (Loshchilov and Hutter, 2019), in one pass over each parameter.
// Gorgonia's own solver takes ten passes and allocates, and its rate is fixed when it is made.
type adam struct {
	beta1, beta2, epsilon float64
	decay                 float64 // of weights, not of biases
	steps                 int
	mean, square          map[string][]float32
}

func newAdam(decay float64) *adam {
	return &adam{beta1: 0.9, beta2: 0.999, epsilon: 1e-8, decay: decay,
		mean: map[string][]float32{}, square: map[string][]float32{}}
}

// begin counts a step; update follows for each parameter.
func (a *adam) begin() { a.steps++ }

// moments are a parameter's running mean and square of gradients.
func (a *adam) moments(name string, size int) (mean, square []float32) {
	if a.mean[name] == nil {
		a.mean[name], a.square[name] = make([]float32, size), make([]float32, size)
	}
	return a.mean[name], a.square[name]
}

// update moves w against its gradient g.
func (a *adam) update(name string, w, g []float32, rate float64, matrix bool) {
	m, v := a.moments(name, len(w))
	// Factors near 0 are made in float64: 1-0.999 in float32 is off by 5e-5 of itself.
	s := stroke{b1: float32(a.beta1), b2: float32(a.beta2), c1: float32(1 - a.beta1), c2: float32(1 - a.beta2),
		stride: float32(rate / (1 - math.Pow(a.beta1, float64(a.steps)))),
		root:   float32(1 / math.Sqrt(1-math.Pow(a.beta2, float64(a.steps)))),
		keep:   1, epsilon: float32(a.epsilon)}
	if matrix {
		s.keep = float32(1 - rate*a.decay)
	}
	inParts(len(w), func(from, to int) { s.apply(w[from:to], g[from:to], m[from:to], v[from:to]) })
}

// stroke is the numbers of one step.
type stroke struct{ b1, b2, c1, c2, stride, root, keep, epsilon float32 }

func (s stroke) apply(w, g, m, v []float32) {
	for i, x := range g {
		m[i] = s.b1*m[i] + s.c1*x
		v[i] = s.b2*v[i] + s.c2*x*x
		w[i] = s.keep*w[i] - s.stride*m[i]/(s.root*float32(math.Sqrt(float64(v[i])))+s.epsilon)
	}
}

// partFloats is what is worth a goroutine of its own.
const partFloats = 1 << 16

// inParts does n numbers in a few parts side by side; each number is by itself, so the result is the same.
func inParts(n int, do func(from, to int)) {
	var wg sync.WaitGroup
	for from := 0; from < n; from += partFloats {
		if to := min(from+partFloats, n); to < n {
			wg.Go(func() { do(from, to) })
		} else {
			do(from, to)
		}
	}
	wg.Wait()
}

// cosine is the rate of a step: a linear rise over the first warm steps, then half a cosine down to zero.
func cosine(peak float64, step, warm, total int) float64 {
	if step < warm {
		return peak * float64(step+1) / float64(warm)
	}
	return peak * 0.5 * (1 + math.Cos(math.Pi*float64(step-warm)/float64(max(1, total-warm))))
}
