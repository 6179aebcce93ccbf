package lerobot

import (
	"math"
	"slices"
)

// Stats are a feature's over the frames of an episode, or of all: one number for each dimension, or for each colour of
// pictures, which count from 0 to 1.
type Stats struct {
	Min, Max, Mean, Std []float64
	Quantiles           [][]float64 // as quantiles lists them
	Count               int         // frames
}

// quantile is one that LeRobot keeps.
type quantile struct {
	name string
	part float64
}

func quantiles() []quantile {
	return []quantile{{"q01", 0.01}, {"q10", 0.10}, {"q50", 0.50}, {"q90", 0.90}, {"q99", 0.99}}
}

// lists are the statistics by LeRobot's names.
func (s *Stats) lists() map[string][]float64 {
	out := map[string][]float64{"min": s.Min, "max": s.Max, "mean": s.Mean, "std": s.Std}
	for i, q := range quantiles() {
		out[q.name] = s.Quantiles[i]
	}
	return out
}

// numberStats takes rows of width numbers.
func numberStats(values []float64, width int) *Stats {
	s := &Stats{Count: len(values) / width, Quantiles: make([][]float64, len(quantiles()))}
	column := make([]float64, s.Count)
	for j := range width {
		for i := range column {
			column[i] = values[i*width+j]
		}
		slices.Sort(column)
		s.append(column[0], column[len(column)-1], column, func(part float64) float64 { return between(column, part) })
	}
	return s
}

// append adds a dimension; column is every value of it, each counting once.
func (s *Stats) append(lo, hi float64, column []float64, at func(part float64) float64) {
	mean, square := 0.0, 0.0
	for _, x := range column {
		mean += x / float64(len(column))
	}
	for _, x := range column {
		square += (x - mean) * (x - mean) / float64(len(column))
	}
	s.Min, s.Max = append(s.Min, lo), append(s.Max, hi)
	s.Mean, s.Std = append(s.Mean, mean), append(s.Std, math.Sqrt(square))
	for i, q := range quantiles() {
		s.Quantiles[i] = append(s.Quantiles[i], at(q.part))
	}
}

// between is the quantile of sorted values, on the line between the two nearest.
func between(sorted []float64, part float64) float64 {
	at := part * float64(len(sorted)-1)
	i := int(at)
	if i+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	return sorted[i] + (at-float64(i))*(sorted[i+1]-sorted[i])
}

// sampled are the frames that the statistics of pictures are taken over: LeRobot's choice, some hundred of an episode.
func sampled(frames int) []int {
	n := min(frames, max(100, min(int(math.Pow(float64(frames), 0.75)), 10_000)))
	out := make([]int, n)
	for i := range out {
		out[i] = int(math.Round(float64(i*(frames-1)) / float64(max(1, n-1))))
	}
	return out
}

// colours count the values of each channel of pictures, red first.
type colours struct {
	counts [3][256]int
	frames int
}

func (c *colours) add(p *picture) {
	data, err := p.mat.DataPtrUint8()
	if err != nil {
		panic(err) // a picture is decoded as bytes
	}
	c.frames++
	for i := 0; i+2 < len(data); i += 3 {
		c.counts[2][data[i]]++
		c.counts[1][data[i+1]]++
		c.counts[0][data[i+2]]++
	}
}

func (c *colours) stats() *Stats {
	s := &Stats{Count: c.frames, Quantiles: make([][]float64, len(quantiles()))}
	for _, counts := range c.counts {
		total, mean, square := 0, 0.0, 0.0
		lo, hi := 255, 0
		for v, n := range counts {
			if n > 0 {
				lo, hi = min(lo, v), v
			}
			total += n
			mean += float64(n) * float64(v) / 255
			square += float64(n) * float64(v) * float64(v) / (255 * 255)
		}
		mean, square = mean/float64(total), square/float64(total)
		s.Min, s.Max = append(s.Min, float64(lo)/255), append(s.Max, float64(hi)/255)
		s.Mean, s.Std = append(s.Mean, mean), append(s.Std, math.Sqrt(max(0, square-mean*mean)))
		for i, q := range quantiles() {
			s.Quantiles[i] = append(s.Quantiles[i], float64(valueAt(counts, q.part*float64(total-1)))/255)
		}
	}
	return s
}

// valueAt is the value of a rank, among counted ones.
func valueAt(counts [256]int, rank float64) int {
	seen := 0
	for v, n := range counts {
		if seen += n; float64(seen) > rank {
			return v
		}
	}
	return 255
}

// merge joins episodes' statistics: exact but for the quantiles, which are the mean of the episodes' by their frames,
// as LeRobot's own are.
func merge(all []*Stats) *Stats {
	width := len(all[0].Mean)
	out := &Stats{Min: slices.Clone(all[0].Min), Max: slices.Clone(all[0].Max), Mean: make([]float64, width), Std: make([]float64, width)}
	for range quantiles() {
		out.Quantiles = append(out.Quantiles, make([]float64, width))
	}
	for _, s := range all {
		out.Count += s.Count
	}
	for j := range width {
		second := 0.0
		for _, s := range all {
			part := float64(s.Count) / float64(out.Count)
			out.Min[j], out.Max[j] = min(out.Min[j], s.Min[j]), max(out.Max[j], s.Max[j])
			out.Mean[j] += part * s.Mean[j]
			second += part * (s.Std[j]*s.Std[j] + s.Mean[j]*s.Mean[j])
			for i := range out.Quantiles {
				out.Quantiles[i][j] += part * s.Quantiles[i][j]
			}
		}
		out.Std[j] = math.Sqrt(max(0, second-out.Mean[j]*out.Mean[j]))
	}
	return out
}
