package evaluation

import (
	"math"
	"testing"
)

// TestWilson compares with scipy's binomtest(s, n).proportion_ci(method="wilson") to four digits, and the ends.
func TestWilson(t *testing.T) {
	for _, c := range []struct {
		s, n   int
		lo, hi float64
	}{
		{0, 0, 0, 1}, {0, 10, 0, 0.2775}, {10, 10, 0.7225, 1}, {37, 50, 0.6045, 0.8413}, {8, 15, 0.3012, 0.7519},
	} {
		lo, hi := Wilson(c.s, c.n)
		if math.Abs(lo-c.lo) > 5e-5 || math.Abs(hi-c.hi) > 5e-5 {
			t.Errorf("Wilson(%d, %d) = %.4f, %.4f; want %.4f, %.4f", c.s, c.n, lo, hi, c.lo, c.hi)
		}
	}
}
