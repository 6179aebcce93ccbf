package likeness

import (
	"fmt"
	"math"

	"sim2reald/camera"
)

// Look is a picture's colours: the mean of its red, green and blue, and their deviations within it, all 0 to 255.
type Look [6]float64

// LookOf gives those of an RGB frame; ok is false for what is none.
func LookOf(f *camera.Frame) (l Look, ok bool) {
	if len(f.Pix) == 0 || len(f.Pix) != 3*f.Width*f.Height {
		return l, false
	}
	n := float64(f.Width * f.Height)
	var sum, squares [3]int
	for i := 0; i+3 <= len(f.Pix); i += 3 {
		for c := range sum {
			v := int(f.Pix[i+c])
			sum[c] += v
			squares[c] += v * v
		}
	}
	for c := range sum {
		mean := float64(sum[c]) / n
		l[c], l[3+c] = mean, math.Sqrt(max(0, float64(squares[c])/n-mean*mean))
	}
	return l, true
}

// Colours are the demonstrations' Looks: their mean, their deviation from picture to picture, and the distance beyond
// which live ones are unlike.
type Colours struct {
	Mean  []float64 `json:"mean"`
	SD    []float64 `json:"sd"`
	Bound float64   `json:"bound"`
}

// leastSD is a step of the 8 bits: what varies less does so by rounding.
const leastSD = 1.0

// ColoursOf makes them of the looks of each episode, in order.
func ColoursOf(episodes [][]Look) Colours {
	c := Colours{Mean: make([]float64, 6), SD: make([]float64, 6)}
	n := 0.0
	for _, e := range episodes {
		n += float64(len(e))
	}
	each := func(f func(i int, v float64)) {
		for _, e := range episodes {
			for _, l := range e {
				for i, v := range l {
					f(i, v)
				}
			}
		}
	}
	each(func(i int, v float64) { c.Mean[i] += v / n })
	each(func(i int, v float64) { c.SD[i] += (v - c.Mean[i]) * (v - c.Mean[i]) / n })
	for i := range c.SD {
		c.Mean[i], c.SD[i] = rounded(c.Mean[i]), rounded(max(leastSD, math.Sqrt(c.SD[i])))
	}
	var distances []float64
	for _, e := range episodes {
		for _, w := range thirds(e) {
			distances = append(distances, c.Distance(w))
		}
	}
	// No distance is held to be none, and one picture's rounding is.
	c.Bound = max(bound(distances), 1)
	return c
}

// thirds are the beginning, the middle and the end: an arm that waits shows the first alone.
func thirds[T any](values []T) [][]T {
	var out [][]T
	for i := range 3 {
		if w := values[i*len(values)/3 : (i+1)*len(values)/3]; len(w) > 0 {
			out = append(out, w)
		}
	}
	return out
}

// Distance is by how many deviations the mean of some looks differs, in the number that differs most.
func (c *Colours) Distance(looks []Look) float64 {
	farthest := 0.0
	for i, v := range MeanLook(looks) {
		farthest = max(farthest, math.Abs(v-c.Mean[i])/c.SD[i])
	}
	return farthest
}

// MeanLook is the mean of looks, zero of none.
func MeanLook(looks []Look) (mean Look) {
	for _, l := range looks {
		for i, v := range l {
			mean[i] += v / float64(len(looks))
		}
	}
	return mean
}

func (c *Colours) validate() error {
	if len(c.Mean) != 6 || len(c.SD) != 6 {
		return fmt.Errorf("%d means and %d deviations, want 6 of each", len(c.Mean), len(c.SD))
	}
	for i, m := range c.Mean {
		if !(m >= 0 && m <= 255) || !(c.SD[i] >= leastSD && c.SD[i] <= 255) {
			return fmt.Errorf("mean %g and deviation %g, want 0 to 255, and %g to 255", m, c.SD[i], leastSD)
		}
	}
	return positive(c.Bound)
}
