package main

import "sim2reald/model/graph"

// flops counts the floating-point operations of one example in the layers that are matrix products, a
// multiplication and an addition as two: linear maps, patch embedding, attention, and convolutions as
// computed directly (a library that uses a transform such as Winograd's needs fewer, and may look faster than
// the machine). All other layers are left out: they wait for memory, not for arithmetic.
func flops(g *graph.Graph) float64 {
	sum := 0.0
	for _, n := range g.Nodes {
		sum += 2 * products(n)
	}
	return sum
}

// products is the number of multiplications.
func products(n *graph.Node) float64 {
	switch n.Op {
	case graph.Linear:
		return elements(n.Shape) * float64(n.Params[0].Shape[1])
	case graph.PatchEmbed:
		return elements(n.Shape) * elements(n.Params[0].Shape[1:])
	case graph.Conv:
		return elements(n.Shape) * elements(n.Params[0].Shape[1:])
	case graph.Attention:
		// Queries by keys, then weights by values, over all heads: each is tokens² by width.
		return 2 * float64(n.Shape[0]) * elements(n.Shape)
	}
	return 0
}

func elements(shape []int) float64 {
	n := 1.0
	for _, d := range shape {
		n *= float64(d)
	}
	return n
}
