package evaluation

import (
	"fmt"
	"math/rand/v2"
	"slices"
)

// Grid is one figure for each training seed (row) and episode (column): 1 for a success, 0 for none, or the
// difference of two such. All training seeds met the same episodes, so rows and columns are crossed.
type Grid [][]float64

// Resamples is how often an interval draws its grid anew; twice as many change the third digit.
const Resamples = 10000

// Minus is the paired difference g - h. The two must have the same training seeds and episodes.
func (g Grid) Minus(h Grid) (Grid, error) {
	if len(g) != len(h) {
		return nil, fmt.Errorf("%d training seeds against %d; pair the same ones", len(g), len(h))
	}
	d := make(Grid, len(g))
	for i := range g {
		if len(g[i]) != len(h[i]) {
			return nil, fmt.Errorf("training seed %d has %d episodes against %d; pair the same ones", i, len(g[i]), len(h[i]))
		}
		for j := range g[i] {
			d[i] = append(d[i], g[i][j]-h[i][j])
		}
	}
	return d, nil
}

// Mean is over all of it, 0 for an empty grid.
func (g Grid) Mean() float64 {
	sum, n := 0.0, 0
	for _, row := range g {
		for _, v := range row {
			sum += v
			n++
		}
	}
	if n == 0 {
		return 0
	}
	return sum / float64(n)
}

// Rate is the 95 % interval of the mean of outcomes 0 and 1, over training seeds and episodes. Where all are
// alike a resample is no different, and it is Wilson's for the episodes of one training seed.
func (g Grid) Rate(seed uint64) (lo, hi float64) {
	v, n, alike := g.alike()
	if alike {
		return Wilson(int(v)*n, n)
	}
	return g.bootstrap(seed, Resamples)
}

// Difference is the 95 % interval of the mean of paired differences, over training seeds and episodes. Where
// no pair differs from another it is what Wilson's interval leaves to a kind of pair that was never seen.
func (g Grid) Difference(seed uint64) (lo, hi float64) {
	v, n, alike := g.alike()
	if !alike {
		return g.bootstrap(seed, Resamples)
	}
	_, unseen := Wilson(0, n)
	if v != 0 {
		unseen *= 2 // what is missing to all of one kind may be of the opposite kind
	}
	return max(-1, v-unseen), min(1, v+unseen)
}

// alike gives the one value of a grid that has no other, and its number of episodes.
func (g Grid) alike() (v float64, episodes int, alike bool) {
	if len(g) == 0 || len(g[0]) == 0 {
		return 0, 0, true
	}
	v = g[0][0]
	for _, row := range g {
		for _, w := range row {
			if w != v {
				return v, len(g[0]), false
			}
		}
	}
	return v, len(g[0]), true
}

// bootstrap draws training seeds and, apart from them, episodes, each with replacement, and takes the 2.5 % and
// 97.5 % quantiles of the means (Owen, Annals of Applied Statistics 1, 2007). An episode that is drawn is drawn
// for all training seeds, because a hard start is hard for all of them: drawing them for each anew would give
// intervals that hold the truth less often than they say. This way errs on the wide side, as bootstrap_test.go
// measures. The rows must have the same length.
func (g Grid) bootstrap(seed uint64, resamples int) (lo, hi float64) {
	r := rand.New(rand.NewPCG(seed, 0x626f6f74))
	rows, columns := len(g), len(g[0])
	means := make([]float64, resamples)
	times := make([]float64, columns)
	for k := range means {
		clear(times)
		for range columns {
			times[r.IntN(columns)]++
		}
		sum := 0.0
		for range rows {
			for j, v := range g[r.IntN(rows)] {
				sum += times[j] * v
			}
		}
		means[k] = sum / float64(rows*columns)
	}
	slices.Sort(means)
	return means[resamples*25/1000], means[resamples-1-resamples*25/1000]
}
