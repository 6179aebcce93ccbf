package main

import (
	"math"
	"math/rand/v2"
	"strings"

	"sim2reald/model/graph"
	"sim2reald/model/safetensors"
)

// noise is n normal numbers, the same for the same seed.
func noise(n int, seed uint64) []float32 {
	rng := rand.New(rand.NewPCG(seed, 0))
	out := make([]float32, n)
	for i := range out {
		out[i] = float32(rng.NormFloat64())
	}
	return out
}

// frozenNoise are values for every frozen parameter of g, straight into the graph: where there is no Python
// to make timm's tensors, the two engines can still be timed and held to each other.
func frozenNoise(g *graph.Graph, seed uint64) map[string]safetensors.Tensor {
	out := map[string]safetensors.Tensor{}
	for i, p := range g.Params {
		if p.Kind == graph.Frozen {
			out[p.Name] = safetensors.Float32(p.Shape, parameterNoise(p, seed+uint64(i)))
		}
	}
	return out
}

// parameterNoise keeps activations near unit size: matrices by their fan-in, scales about one.
func parameterNoise(p *graph.Param, seed uint64) []float32 {
	v := noise(p.Len(), seed)
	factor, offset := float32(0.1), float32(0)
	switch {
	case len(p.Shape) > 1:
		factor = float32(1 / math.Sqrt(float64(max(1, p.Len()/p.Shape[0]))))
	case !strings.HasSuffix(p.Name, "bias"):
		offset = 1
	}
	for i := range v {
		v[i] = offset + factor*v[i]
	}
	return v
}

// bundleNoise gives adapters that change something, so that a wrong one shows: what first values make zero
// becomes small noise.
func bundleNoise(g *graph.Graph, first map[string]safetensors.Tensor, seed uint64) map[string]safetensors.Tensor {
	out := map[string]safetensors.Tensor{}
	for i, p := range g.Swapped() {
		out[p.Name] = first[p.Name]
		if len(p.Name) == 0 || first[p.Name].Data == nil || !allZero(first[p.Name].Data) {
			continue
		}
		v := noise(p.Len(), seed+uint64(i))
		for k := range v {
			v[k] *= 0.01
		}
		out[p.Name] = safetensors.Float32(p.Shape, v)
	}
	return out
}

func allZero(data []byte) bool {
	for _, b := range data {
		if b != 0 {
			return false
		}
	}
	return true
}
