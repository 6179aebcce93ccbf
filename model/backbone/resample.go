package backbone

import "math"

// resample maps a grid of vectors (rows, cols, width), row-major, to another grid by the antialiased bicubic
// filter with a = -0.5: what torch's interpolate does with mode bicubic, antialias and align_corners false,
// which timm uses for position embeddings, and what Pillow's BICUBIC does. Sums are in float64.
func resample(in []float32, rows, cols, toRows, toCols, width int) []float32 {
	across := filters(cols, toCols)
	down := filters(rows, toRows)
	mid := make([]float64, rows*toCols*width)
	for r := range rows {
		for c, f := range across {
			into := mid[(r*toCols+c)*width:][:width]
			for k, w := range f.weights {
				from := in[(r*cols+f.first+k)*width:][:width]
				for i, x := range from {
					into[i] += w * float64(x)
				}
			}
		}
	}
	out := make([]float32, 0, toRows*toCols*width)
	sum := make([]float64, toCols*width)
	for _, f := range down {
		clear(sum)
		for k, w := range f.weights {
			for i, x := range mid[(f.first+k)*toCols*width:][:toCols*width] {
				sum[i] += w * x
			}
		}
		for _, x := range sum {
			out = append(out, float32(x))
		}
	}
	return out
}

// filter weighs the inputs first, first+1, ... for one output.
type filter struct {
	first   int
	weights []float64 // sum to 1
}

// filters gives one filter per output along an axis. When shrinking, the kernel widens with the ratio, which
// is what makes it antialiased; at the border it is cut and weighed anew.
func filters(from, to int) []filter {
	ratio := float64(from) / float64(to)
	wide := math.Max(ratio, 1)
	out := make([]filter, to)
	for i := range out {
		centre := ratio * (float64(i) + 0.5)
		first := max(int(centre-2*wide+0.5), 0)
		last := min(int(centre+2*wide+0.5), from)
		weights := make([]float64, last-first)
		sum := 0.0
		for k := range weights {
			weights[k] = cubic((float64(first+k) - centre + 0.5) / wide)
			sum += weights[k]
		}
		for k := range weights {
			weights[k] /= sum
		}
		out[i] = filter{first: first, weights: weights}
	}
	return out
}

// cubic is Keys' kernel with a = -0.5, zero beyond 2.
func cubic(x float64) float64 {
	const a = -0.5
	x = math.Abs(x)
	switch {
	case x < 1:
		return ((a+2)*x-(a+3))*x*x + 1
	case x < 2:
		return (((x-5)*x+8)*x - 4) * a
	}
	return 0
}
