package evaluation

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestNewcombe compares with table II of Newcombe's paper, method 10, to its four digits.
func TestNewcombe(t *testing.T) {
	for _, c := range []struct {
		s, n, t, m int
		lo, hi     float64
	}{
		{56, 70, 48, 80, 0.0524, 0.3339}, {9, 10, 3, 10, 0.1705, 0.8090}, {6, 7, 2, 7, 0.0582, 0.8062},
		{5, 56, 0, 29, -0.0381, 0.1926}, {0, 10, 0, 20, -0.1611, 0.2775}, {0, 10, 0, 10, -0.2775, 0.2775},
		{10, 10, 0, 20, 0.6791, 1}, {10, 10, 0, 10, 0.6075, 1}, {1, 2, 0, 0, -1, 1},
	} {
		lo, hi := Newcombe(c.s, c.n, c.t, c.m)
		if math.Abs(lo-c.lo) > 5e-5 || math.Abs(hi-c.hi) > 5e-5 {
			t.Errorf("Newcombe(%d/%d, %d/%d) = %.4f, %.4f; want %.4f, %.4f", c.s, c.n, c.t, c.m, lo, hi, c.lo, c.hi)
		}
	}
}

// TestBootstrapOfOneRow compares with the exact quantiles of a binomial: resampling 50 of 100 outcomes is one.
func TestBootstrapOfOneRow(t *testing.T) {
	row := make([]float64, 100)
	for i := range 50 {
		row[i] = 1
	}
	lo, hi := Grid{row}.Rate(1)
	if math.Abs(lo-0.40) > 0.0101 || math.Abs(hi-0.60) > 0.0101 { // Binomial(100, 1/2): 40 and 60
		t.Errorf("%.3f to %.3f, want 0.40 to 0.60", lo, hi)
	}
	if again, _ := (Grid{row}).Rate(1); again != lo {
		t.Errorf("one seed gave %g and %g", lo, again)
	}
}

// TestBootstrapOfKnownGrids compares with quantiles that are known exactly: where only the episodes differ, three
// training seeds say no more than one does; where only the training seeds differ, a hundred episodes say no more than
// one; differences of pairs of +1, 0 and -1 by thirds are a sum of draws of variance 2/3.
func TestBootstrapOfKnownGrids(t *testing.T) {
	half, ones, thirds := make([]float64, 100), make([]float64, 100), make([]float64, 300)
	for i := range half {
		half[i], ones[i] = float64(i%2), 1
	}
	for i := range thirds {
		thirds[i] = float64(i%3 - 1)
	}
	deviation := math.Sqrt(2.0 / 3 / 300)
	for _, c := range []struct {
		name           string
		f              func(uint64) (float64, float64)
		lo, hi, within float64
	}{
		{"three seeds alike", Grid{half, half, half}.Rate, 0.40, 0.60, 0.0101},               // Binomial(100, 1/2)
		{"two of three seeds succeed", Grid{ones, ones, make([]float64, 100)}.Rate, 0, 1, 0}, // Binomial(3, 2/3): 0 in 1 of 27
		{"seven of eight seeds succeed", Grid{ones, ones, ones, ones, ones, ones, ones, make([]float64, 100)}.Rate, 5.0 / 8, 1, 0},
		{"differences of pairs", Grid{thirds}.Difference, -1.96 * deviation, 1.96 * deviation, 0.006},
	} {
		if lo, hi := c.f(1); math.Abs(lo-c.lo) > c.within || math.Abs(hi-c.hi) > c.within {
			t.Errorf("%s: %.4f to %.4f, want %.4f to %.4f", c.name, lo, hi, c.lo, c.hi)
		}
	}
}

func TestAlike(t *testing.T) {
	row := func(v float64) []float64 { return []float64{v, v, v, v, v, v, v, v, v, v} }
	for _, c := range []struct {
		name   string
		f      func(uint64) (float64, float64)
		lo, hi float64
	}{
		{"all succeed", Grid{row(1), row(1)}.Rate, 0.7225, 1},
		{"none succeeds", Grid{row(0)}.Rate, 0, 0.2775},
		{"no pair differs", Grid{row(0), row(0), row(0)}.Difference, -0.2775, 0.2775},
		{"one always wins", Grid{row(1)}.Difference, 1 - 2*0.2775, 1},
		{"nothing", Grid{}.Rate, 0, 1},
		{"no episode", Grid{{}}.Difference, -1, 1},
	} {
		if lo, hi := c.f(1); math.Abs(lo-c.lo) > 5e-4 || math.Abs(hi-c.hi) > 5e-4 {
			t.Errorf("%s: %.4f to %.4f, want %.4f to %.4f", c.name, lo, hi, c.lo, c.hi)
		}
	}
}

func TestMinus(t *testing.T) {
	d, err := Grid{{1, 0}, {1, 1}}.Minus(Grid{{0, 0}, {1, 0}})
	if err != nil || d.Mean() != 0.5 || d[0][0] != 1 || d[1][0] != 0 {
		t.Errorf("%v, %v", d, err)
	}
	for _, h := range []Grid{{{1, 0}}, {{1}, {1, 1}}} {
		if _, err := (Grid{{1, 0}, {1, 1}}).Minus(h); err == nil {
			t.Errorf("%v was paired", h)
		}
	}
}

// TestCoverage asks of drawn experiments, of three training seeds by 100 episodes as the project reports, how
// often the interval of a difference holds the true one. Success is a logistic draw with an ability for each
// training, a difficulty for each start, and a liking of each policy for each start.
func TestCoverage(t *testing.T) {
	const experiments = 200
	for _, c := range []struct {
		name                     string
		p, q                     float64 // of an ordinary start and training
		ability, hardness, taste float64
		atLeast, atMost          float64 // share of intervals that hold the truth
	}{
		{"only chance", 0.7, 0.7, 0, 0, 0, 0.96, 1},
		{"hard starts", 0.7, 0.8, 0.3, 1, 0, 0.92, 1},
		{"hard starts, and liked ones", 0.7, 0.8, 0.3, 1.5, 0.7, 0.92, 1},
		{"near the top", 0.85, 0.9, 0.3, 1.5, 0.5, 0.92, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(3, 4))
			truth := marginal(c.p, c.ability, c.hardness, c.taste) - marginal(c.q, c.ability, c.hardness, c.taste)
			held, width := 0, 0.0
			for range experiments {
				hard := normals(r, 100, c.hardness)
				d, err := draw(r, c.p, c.ability, c.taste, hard).Minus(draw(r, c.q, c.ability, c.taste, hard))
				if err != nil {
					t.Fatal(err)
				}
				lo, hi := d.bootstrap(1, 1000)
				width += (hi - lo) / experiments
				if lo <= truth && truth <= hi {
					held++
				}
			}
			share := float64(held) / experiments
			t.Logf("true difference %+.3f: %.1f %% of the intervals hold it; mean width %.3f", truth, 100*share, width)
			if share < c.atLeast || share > c.atMost {
				t.Errorf("%.3f of the intervals hold the truth, want %.2f to %.2f", share, c.atLeast, c.atMost)
			}
		})
	}
}

// draw is three trainings of a policy on 100 starts.
func draw(r *rand.Rand, p, ability, taste float64, hard []float64) Grid {
	liked := normals(r, len(hard), taste)
	g := make(Grid, 3)
	for i := range g {
		a := ability * r.NormFloat64()
		for j := range hard {
			v := 0.0
			if r.Float64() < logistic(logit(p)+a+hard[j]+liked[j]) {
				v = 1
			}
			g[i] = append(g[i], v)
		}
	}
	return g
}

func normals(r *rand.Rand, n int, deviation float64) []float64 {
	v := make([]float64, n)
	for i := range v {
		v[i] = deviation * r.NormFloat64()
	}
	return v
}

// marginal is the success rate over all trainings and starts, by summing over a normal's quantiles.
func marginal(p, ability, hardness, taste float64) float64 {
	s, sum, weight := math.Sqrt(ability*ability+hardness*hardness+taste*taste), 0.0, 0.0
	for z := -5.0; z <= 5; z += 0.01 {
		w := math.Exp(-z * z / 2)
		sum, weight = sum+w*logistic(logit(p)+s*z), weight+w
	}
	return sum / weight
}

func logistic(x float64) float64 { return 1 / (1 + math.Exp(-x)) }
func logit(p float64) float64    { return math.Log(p / (1 - p)) }
