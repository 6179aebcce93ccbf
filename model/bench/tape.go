package main

import (
	"errors"

	"sim2reald/model/graph"
	"sim2reald/model/safetensors"
	"sim2reald/model/tape"
)

// loadTape loads a graph into Gorgonia.
func loadTape(g *graph.Graph, values, params map[string]safetensors.Tensor, threads int) (*own, string, error) {
	m, err := tape.Load(g, values, tape.Options{Threads: threads, Batch: 1})
	if err != nil {
		return nil, "", err
	}
	s, err := m.Session(params)
	if err != nil {
		return nil, "", errors.Join(err, m.Close())
	}
	return &own{s, m}, describe(m.Describe()), nil
}
