package main

import (
	"fmt"
	"regexp"

	"sim2reald/model/adapter"
	"sim2reald/model/backbone"
	"sim2reald/model/graph"
)

// subject is a backbone that is measured.
type subject struct {
	label  string
	preset string // timm's name
	side   int    // pixels
	// tape is what Gorgonia may take of ONNX Runtime's time, step what its training step may take of PyTorch's.
	tape, step float64
}

// Targets that hold for every backbone, each as time by time.
const (
	targetPython   = 1.02 // the daemon's ONNX Runtime by ONNX Runtime from Python
	targetEager    = 0.85 // the daemon's ONNX Runtime by PyTorch eager
	targetAdapters = 1.04 // with adapters by frozen
	targetSwap     = 1.0  // one swap by one inference
)

func subjects() []subject {
	return []subject{
		{"ViT-B/16", "vit_base_patch16_224", 224, 1.1, 1.0},
		{"ViT-S/14", "vit_small_patch14_dinov2", 224, 1.1, 1.0},
		{"ResNet-50", "resnet50", 224, 1.5, 1.2},
		{"dm_nfnet_f0", "dm_nfnet_f0", 224, 1.5, 1.2},
	}
}

// selected are the subjects whose label matches.
func selected(all []subject, only string) ([]subject, error) {
	pattern, err := regexp.Compile("(?i)" + only)
	if err != nil {
		return nil, fmt.Errorf("-only: %w", err)
	}
	var out []subject
	for _, s := range all {
		if pattern.MatchString(s.label) {
			out = append(out, s)
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("-only %q matches none of the backbones", only)
	}
	return out, nil
}

// camera is the name of the one picture of every network here.
const camera = "front"

// network is the subject as a policy with one picture and the adapters of a placement; without any it is frozen.
func (s subject) network(place func(backbone.Arch) adapter.Placement) (adapter.Network, error) {
	arch, err := backbone.Preset(s.preset)
	if err != nil {
		return adapter.Network{}, err
	}
	n := adapter.Network{Arch: arch, Cameras: []string{camera}, Height: s.side, Width: s.side}
	n.Head = adapter.Head{In: n.FeatureLen(), Hidden: []int{256, 256}, Out: actions, Activation: graph.GELU}
	n.Adapters = place(arch)
	return n, nil
}

// actions is a chunk of 8 steps of 7 joints and a gripper.
const actions = 8 * 8

// nowhere is the frozen network with a head.
func nowhere(backbone.Arch) adapter.Placement { return adapter.Placement{} }

// everywhere is every placement that the family has, in its default widths.
func everywhere(arch backbone.Arch) adapter.Placement {
	return adapter.Placement{Bottom: true, Middle: &adapter.Middle{Width: adapter.DefaultWidth(arch)}, Norms: arch.Family() == "vit"}
}

// narrowWidth is of bottlenecks where the family's default is dense: as wide as a ViT-S's.
const narrowWidth = 16

// narrow is every placement with bottlenecks of narrowWidth.
func narrow(arch backbone.Arch) adapter.Placement {
	p := everywhere(arch)
	p.Middle.Width = narrowWidth
	return p
}

// dense says whether the family's middle adapters have no bottleneck by default.
func (s subject) dense() bool {
	arch, err := backbone.Preset(s.preset)
	return err == nil && adapter.DefaultWidth(arch) == 0
}
