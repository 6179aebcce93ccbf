package adapter

import (
	"fmt"
	"strconv"

	"sim2reald/model/backbone"
	"sim2reald/model/graph"
)

// Bounds of a network's inputs.
const (
	maxCameras = 8
	maxHistory = 8
	maxProprio = 1024
)

// Network is a whole policy: every picture through one shared backbone with one set of adapters, the features
// of all side by side, then the proprioception if any, then the head. Pictures are ordered observation by
// observation, oldest first, and within one in the cameras' order.
type Network struct {
	Arch     backbone.Arch
	Adapters Placement
	// Full says that the backbone's own parameters are trained, each under its name behind BasePrefix. There are
	// no adapters then.
	Full          bool
	Cameras       []string // by name
	History       int      // observations seen at once, the newest included; 0 counts as 1
	Height, Width int      // pixels, of every picture
	Proprio       int      // numbers, of the newest observation; 0 for none
	Head          Head
}

// FeatureLen is the length that Head.In must have.
func (n Network) FeatureLen() int {
	return n.observations()*len(n.Cameras)*n.Arch.FeatureLen() + n.Proprio
}

func (n Network) observations() int { return max(n.History, 1) }

// Features is the network up to the head: inputs as Graph has them, output (FeatureLen). Without adapters its
// batch output is what a head is trained on.
func (n Network) Features() (*graph.Graph, error) {
	b, features, _, err := n.features()
	if err != nil {
		return nil, err
	}
	return n.built(b, features)
}

// Graph is the network from pictures, and proprioception if any, to the actions (Head.Out). Its inputs are
// "image.CAMERA" (3, Height, Width) for the newest observation, "image.CAMERA@-1" for the one before and so
// on, in the order that Network states, which is that of model.Observation.Images, and "proprio" (Proprio).
func (n Network) Graph() (*graph.Graph, error) {
	g, _, err := n.graph()
	return g, err
}

func (n Network) graph() (*graph.Graph, *attachment, error) {
	if err := n.Head.Validate(); err != nil {
		return nil, nil, err
	}
	b, features, a, err := n.features()
	if err != nil {
		return nil, nil, err
	}
	if n.Head.In != n.FeatureLen() {
		return nil, nil, fmt.Errorf("head takes %d features, %d observations of %d cameras and %d numbers of proprioception give %d: %w",
			n.Head.In, n.observations(), len(n.Cameras), n.Proprio, n.FeatureLen(), ErrHead)
	}
	g, err := n.built(b, n.Head.Build(b, features))
	return g, a, err
}

// built ends the builder; of a full network, the backbone's parameters become the bundle's.
func (n Network) built(b *graph.Builder, out *graph.Node) (*graph.Graph, error) {
	g, err := b.Build(out)
	if err != nil || !n.Full {
		return g, err
	}
	for _, p := range g.Params {
		if p.Kind == graph.Frozen {
			p.Kind, p.Name = graph.Trained, BasePrefix+p.Name
		}
	}
	return g, nil
}

// BasePrefix begins the name of every parameter of the backbone that a full network trains.
const BasePrefix = "base."

// Served is the network with a backbone of constants again, under their own names: how a full network is served,
// on a copy of the base with its values in place.
func (n Network) Served() Network {
	n.Full = false
	return n
}

func (n Network) features() (*graph.Builder, *graph.Node, *attachment, error) {
	if err := n.check(); err != nil {
		return nil, nil, nil, err
	}
	b, a := graph.NewBuilder(), newAttachment(n.Adapters)
	var adapter backbone.Adapter
	if !n.Adapters.None() {
		adapter = a
	}
	var parts []*graph.Node
	for past := n.observations() - 1; past >= 0; past-- {
		for _, camera := range n.Cameras {
			name := camera + pastName(past)
			image := b.Input("image."+name, 3, n.Height, n.Width)
			parts = append(parts, n.Arch.Build(b, name+"/", image, adapter).Features)
		}
	}
	if n.Proprio > 0 {
		parts = append(parts, b.Input("proprio", n.Proprio))
	}
	joined := parts[0]
	if len(parts) > 1 {
		joined = b.Concat("joined", parts...)
	}
	if b.Err() != nil {
		return nil, nil, nil, b.Err()
	}
	return b, joined, a, a.check(n.Arch)
}

// pastName tells the pictures of earlier observations apart; a camera's name never holds an @.
func pastName(past int) string {
	if past == 0 {
		return ""
	}
	return "@-" + strconv.Itoa(past)
}

func (n Network) check() error {
	if len(n.Cameras) == 0 || len(n.Cameras) > maxCameras || n.Proprio < 0 || n.Proprio > maxProprio {
		return fmt.Errorf("%d cameras and %d numbers of proprioception, from 1 to %d and 0 to %d: %w",
			len(n.Cameras), n.Proprio, maxCameras, maxProprio, ErrHead)
	}
	if n.History < 0 || n.History > maxHistory {
		return fmt.Errorf("history of %d observations, from 1 to %d: %w", n.History, maxHistory, ErrHead)
	}
	if n.Full && !n.Adapters.None() {
		return fmt.Errorf("adapters %s in a base that is trained itself: choose one: %w", n.Adapters, ErrPlacement)
	}
	if err := n.Adapters.Middle.validate(); err != nil {
		return err
	}
	return n.Arch.CheckSize(n.Height, n.Width)
}
