package lerobot

import (
	"math"
	"slices"
	"testing"
)

// TestStats compares with numpy: numpy.quantile(x, q), x.std(); and the pictures' with numpy over all pixels.
func TestStats(t *testing.T) {
	s := numberStats([]float64{4, -1, 1, -1, 3, -1, 2, -1}, 2)
	want := &Stats{
		Min: []float64{1, -1}, Max: []float64{4, -1}, Mean: []float64{2.5, -1}, Std: []float64{1.118033988749895, 0}, Count: 4,
		Quantiles: [][]float64{{1.03, -1}, {1.3, -1}, {2.5, -1}, {3.7, -1}, {3.97, -1}},
	}
	sameStats(t, s, want)
	sameStats(t, merge([]*Stats{s, s}), &Stats{Min: want.Min, Max: want.Max, Mean: want.Mean, Std: want.Std, Count: 8, Quantiles: want.Quantiles})
	a, b := numberStats([]float64{0, 2}, 1), numberStats([]float64{10, 11, 12, 13}, 1)
	whole := numberStats([]float64{0, 2, 10, 11, 12, 13}, 1)
	both := merge([]*Stats{a, b})
	if math.Abs(both.Mean[0]-whole.Mean[0]) > 1e-12 || math.Abs(both.Std[0]-whole.Std[0]) > 1e-12 || both.Min[0] != 0 || both.Max[0] != 13 {
		t.Errorf("%+v, all at once %+v", both, whole)
	}
	var c colours
	p, err := decode(numbered(t, 1), 48, 32) // one square of six is white
	if err != nil {
		t.Fatal(err)
	}
	defer p.close()
	c.add(p)
	got := c.stats()
	if math.Abs(got.Mean[0]-(5*32+224)/6.0/255) > 1e-12 || got.Min[2] != 32.0/255 || got.Max[1] != 224.0/255 || got.Quantiles[2][0] != 32.0/255 || got.Quantiles[4][0] != 224.0/255 {
		t.Errorf("%+v", got)
	}
}

func sameStats(t *testing.T, got, want *Stats) {
	t.Helper()
	for key, list := range want.lists() {
		for j, x := range list {
			if math.Abs(got.lists()[key][j]-x) > 1e-12 {
				t.Errorf("%s[%d] is %v, want %v", key, j, got.lists()[key][j], x)
			}
		}
	}
	if got.Count != want.Count {
		t.Errorf("count %d, want %d", got.Count, want.Count)
	}
}

// TestSampled wants LeRobot's own choice of frames: compute_stats.sample_indices of 0.4.4.
func TestSampled(t *testing.T) {
	for n, want := range map[int][]int{1: {0}, 3: {0, 1, 2}} {
		if got := sampled(n); !slices.Equal(got, want) {
			t.Errorf("%d: %v", n, got)
		}
	}
	if got := sampled(1000); len(got) != 177 || got[0] != 0 || got[176] != 999 || got[1] != 6 {
		t.Errorf("1000: %d frames, %v", len(got), got[:3])
	}
}
