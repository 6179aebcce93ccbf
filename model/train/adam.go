package train

import "math"

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

// update moves w against its gradient g.
func (a *adam) update(name string, w, g []float32, rate float64, matrix bool) {
	if a.mean[name] == nil {
		a.mean[name], a.square[name] = make([]float32, len(w)), make([]float32, len(w))
	}
	m, v := a.mean[name], a.square[name]
	b1, b2 := float32(a.beta1), float32(a.beta2)
	stride := float32(rate / (1 - math.Pow(a.beta1, float64(a.steps))))
	root := float32(1 / math.Sqrt(1-math.Pow(a.beta2, float64(a.steps))))
	keep, eps := float32(1), float32(a.epsilon)
	if matrix {
		keep = float32(1 - rate*a.decay)
	}
	for i, x := range g {
		m[i] = b1*m[i] + (1-b1)*x
		v[i] = b2*v[i] + (1-b2)*x*x
		w[i] = keep*w[i] - stride*m[i]/(root*float32(math.Sqrt(float64(v[i])))+eps)
	}
}

// cosine is the rate of a step: a linear rise over the first warm steps, then half a cosine down to zero.
func cosine(peak float64, step, warm, total int) float64 {
	if step < warm {
		return peak * float64(step+1) / float64(warm)
	}
	return peak * 0.5 * (1 + math.Cos(math.Pi*float64(step-warm)/float64(max(1, total-warm))))
}
