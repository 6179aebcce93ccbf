package adapter

import (
	"fmt"

	"sim2reald/model/backbone"
	"sim2reald/model/graph"
)

// Network is a whole policy: every camera's picture through one shared backbone, the features of all side by
// side in the cameras' order, then the proprioception if any, then the head.
type Network struct {
	Arch          backbone.Arch
	Cameras       []string // by name, in the order of model.Observation.Images
	Height, Width int      // pixels, of every picture
	Proprio       int      // numbers; 0 for none
	Head          Head
}

// FeatureLen is the length that Head.In must have.
func (n Network) FeatureLen() int { return len(n.Cameras)*n.Arch.FeatureLen() + n.Proprio }

// Features is the network up to the head: inputs as Graph has them, output (FeatureLen). Its batch output is
// what a head is trained on.
func (n Network) Features() (*graph.Graph, error) {
	b, features, err := n.features()
	if err != nil {
		return nil, err
	}
	return b.Build(features)
}

// Graph is the network from pictures, and proprioception if any, to the actions (Head.Out). Its inputs are
// "image.CAMERA" (3, Height, Width) in the cameras' order and "proprio" (Proprio).
func (n Network) Graph() (*graph.Graph, error) {
	if err := n.Head.Validate(); err != nil {
		return nil, err
	}
	b, features, err := n.features()
	if err != nil {
		return nil, err
	}
	if n.Head.In != n.FeatureLen() {
		return nil, fmt.Errorf("head takes %d features, %d cameras and %d numbers of proprioception give %d: %w",
			n.Head.In, len(n.Cameras), n.Proprio, n.FeatureLen(), ErrHead)
	}
	return b.Build(n.Head.Build(b, features))
}

func (n Network) features() (*graph.Builder, *graph.Node, error) {
	if len(n.Cameras) == 0 || len(n.Cameras) > 8 || n.Proprio < 0 || n.Proprio > 1024 {
		return nil, nil, fmt.Errorf("%d cameras and %d numbers of proprioception, from 1 to 8 and 0 to 1024: %w",
			len(n.Cameras), n.Proprio, ErrHead)
	}
	if err := n.Arch.CheckSize(n.Height, n.Width); err != nil {
		return nil, nil, err
	}
	b := graph.NewBuilder()
	var parts []*graph.Node
	for _, camera := range n.Cameras {
		image := b.Input("image."+camera, 3, n.Height, n.Width)
		parts = append(parts, n.Arch.Build(b, camera+"/", image).Features)
	}
	if n.Proprio > 0 {
		parts = append(parts, b.Input("proprio", n.Proprio))
	}
	if len(parts) == 1 {
		return b, parts[0], b.Err()
	}
	return b, b.Concat("joined", parts...), b.Err()
}
