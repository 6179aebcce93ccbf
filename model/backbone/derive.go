package backbone

import (
	"fmt"
	"math"

	"sim2reald/model/graph"
	"sim2reald/model/safetensors"
)

// recipe says how a frozen parameter that no base holds as such is made of tensors that it does hold.
type recipe struct {
	from []source
	// cook gets the sources' values in order, row-major, and gives the parameter's. It works in float64, so
	// that a derived weight is rounded once.
	cook func(in [][]float64) []float64
}

// source is a tensor of the base.
type source struct {
	name  string
	shape []int
}

// sources lists what the base must hold for these parameters: the tensors of recipes, else the parameter
// itself.
func sources(params []*graph.Param, recipes map[string]recipe) []source {
	var out []source
	for _, p := range params {
		if r, ok := recipes[p.Name]; ok {
			out = append(out, r.from...)
		} else {
			out = append(out, source{p.Name, p.Shape})
		}
	}
	return out
}

// derive picks and makes the values of the parameters.
func derive(f *safetensors.File, params []*graph.Param, recipes map[string]recipe) (map[string]safetensors.Tensor, error) {
	out := make(map[string]safetensors.Tensor, len(params))
	for _, p := range params {
		var err error
		if r, ok := recipes[p.Name]; ok {
			out[p.Name], err = r.make(f, p)
		} else {
			out[p.Name], err = pick(f, p.Name, p.Shape)
		}
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// make reads the sources and rounds what is made of them to float32.
func (r recipe) make(f *safetensors.File, p *graph.Param) (safetensors.Tensor, error) {
	in := make([][]float64, len(r.from))
	for i, s := range r.from {
		t, err := pick(f, s.name, s.shape)
		if err != nil {
			return t, err
		}
		if in[i], err = t.Float64s(); err != nil {
			return t, fmt.Errorf("tensor %q: %w", s.name, err)
		}
	}
	wide := r.cook(in)
	narrow := make([]float32, len(wide))
	for i, v := range wide {
		narrow[i] = float32(v)
		if x := float64(narrow[i]); math.IsNaN(x) || math.IsInf(x, 0) {
			return safetensors.Tensor{}, fmt.Errorf("element %d of %s, made of tensor %q, is %g: %w", i, p.Name, r.from[0].name, v, ErrTensor)
		}
	}
	return safetensors.Float32(p.Shape, narrow), nil
}

// batchNormEpsilon is torch's default, which timm keeps.
const batchNormEpsilon = 1e-5

// normSources are a BatchNorm's tensors, in the order that foldWeight and foldBias take them.
func normSources(name string, channels int) []source {
	var out []source
	for _, part := range []string{"weight", "bias", "running_mean", "running_var"} {
		out = append(out, source{name + "." + part, []int{channels}})
	}
	return out
}

// foldWeight is the weight of a convolution with the BatchNorm behind it: each output channel times the norm's
// weight over its deviation.
func foldWeight(weight, gain, variance []float64) []float64 {
	out := make([]float64, len(weight))
	fanIn := len(weight) / len(gain)
	for c, g := range gain {
		scale := g / math.Sqrt(variance[c]+batchNormEpsilon)
		for i := c * fanIn; i < (c+1)*fanIn; i++ {
			out[i] = weight[i] * scale
		}
	}
	return out
}

// foldBias is the bias that the BatchNorm leaves behind a convolution without one.
func foldBias(gain, offset, mean, variance []float64) []float64 {
	out := make([]float64, len(gain))
	for c := range out {
		out[c] = offset[c] - mean[c]*gain[c]/math.Sqrt(variance[c]+batchNormEpsilon)
	}
	return out
}

// standardise is a scaled standardised weight (Brock et al., arXiv 2101.08692, as timm's ScaledStdConv2d has
// it): each output channel less its mean, over its deviation and the root of its fan-in, times gain and factor.
func standardise(weight, gain []float64, epsilon, factor float64) []float64 {
	out := make([]float64, len(weight))
	fanIn := len(weight) / len(gain)
	for c, g := range gain {
		row := weight[c*fanIn : (c+1)*fanIn]
		mean, variance := moments(row)
		scale := g * factor / math.Sqrt((variance+epsilon)*float64(fanIn))
		for i, w := range row {
			out[c*fanIn+i] = (w - mean) * scale
		}
	}
	return out
}

// moments are the mean and the mean square about it.
func moments(v []float64) (mean, variance float64) {
	n := float64(len(v))
	for _, x := range v {
		mean += x
	}
	mean /= n
	for _, x := range v {
		variance += (x - mean) * (x - mean)
	}
	return mean, variance / n
}
