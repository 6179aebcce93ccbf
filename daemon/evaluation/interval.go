package evaluation

import "math"

// z95 is the 97.5 % quantile of the normal distribution.
const z95 = 1.959963984540054

// Wilson is the 95 % score interval of a success rate (Wilson, JASA 22, 1927). It is honest at 0 and at n,
// where the naive interval has no width. With no episodes it is [0, 1].
func Wilson(successes, n int) (lo, hi float64) {
	if n == 0 {
		return 0, 1
	}
	p, m := float64(successes)/float64(n), float64(n)
	centre := (p + z95*z95/(2*m)) / (1 + z95*z95/m)
	half := z95 / (1 + z95*z95/m) * math.Sqrt(p*(1-p)/m+z95*z95/(4*m*m))
	return max(0, centre-half), min(1, centre+half)
}

// Newcombe is the 95 % interval of the difference of two success rates, s of n less t of m, that were measured
// apart (Newcombe, Statistics in Medicine 17, 1998, method 10). Where both met the same starts it is wider than
// need be: see Grid.Difference. With no episodes on one side it says nothing.
func Newcombe(s, n, t, m int) (lo, hi float64) {
	if n == 0 || m == 0 {
		return -1, 1
	}
	p, q := float64(s)/float64(n), float64(t)/float64(m)
	pLo, pHi := Wilson(s, n)
	qLo, qHi := Wilson(t, m)
	return max(-1, p-q-math.Hypot(p-pLo, qHi-q)), min(1, p-q+math.Hypot(pHi-p, q-qLo))
}
