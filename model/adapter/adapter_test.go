package adapter

import (
	"errors"
	"math"
	"os"
	"testing"

	"sim2reald/model/backbone"
	"sim2reald/model/graph"
	"sim2reald/model/graph/graphtest"
	"sim2reald/model/safetensors"
)

func head() Head { return Head{In: 768, Hidden: []int{256, 256}, Out: 72, Activation: graph.GELU} }

func TestHeadCounts(t *testing.T) {
	g, err := head().Graph()
	if err != nil {
		t.Fatal(err)
	}
	trained := 768*256 + 256 + 256*256 + 256 + 256*72 + 72
	if got := g.Count(graph.Trained); got != trained {
		t.Errorf("%d trained parameters, want %d", got, trained)
	}
	if got := g.Count(graph.Fitted); got != 2*768 {
		t.Errorf("%d fitted parameters, want %d", got, 2*768)
	}
	if g.Inputs[0].Name != FeaturesInput || g.Count(graph.Frozen) != 0 {
		t.Errorf("input %q, %d frozen parameters", g.Inputs[0].Name, g.Count(graph.Frozen))
	}
}

func TestInit(t *testing.T) {
	init := func(start Start) *safetensors.File {
		values, err := head().Init(start)
		if err != nil {
			t.Fatal(err)
		}
		return &safetensors.File{Tensors: values}
	}
	one := init(Start{Seed: 1})
	// Pinned: a bundle is reproduced from its seed on any machine and by any later version.
	const want = "sha256:47d70b4c9c4fd5624f52ca6d18e7097de87ef6d35989aeb4fdbf045cd4596f58"
	if got := one.Digest(); got != want {
		t.Errorf("seed 1 gives %s, want %s", got, want)
	}
	if one.Digest() == init(Start{Seed: 2}).Digest() {
		t.Error("seeds 1 and 2 give the same head")
	}
	if err := one.CheckNumbers(); err != nil {
		t.Error(err)
	}
	weight, err := one.Tensors["head.0.weight"].Float64s()
	if err != nil {
		t.Fatal(err)
	}
	mean, square := 0.0, 0.0
	for _, w := range weight {
		mean += w / float64(len(weight))
		square += w * w / float64(len(weight))
	}
	// Uniform within ±b has variance b²/3; 196608 draws stay within 1 % of it.
	if bound := 1 / math.Sqrt(768); math.Abs(mean) > 0.01*bound || math.Abs(square*3/(bound*bound)-1) > 0.01 {
		t.Errorf("weights of mean %g and mean square %g, within ±%g", mean, square, bound)
	}
}

func TestZeroLastAnswersZero(t *testing.T) {
	h := Head{In: 6, Hidden: []int{5}, Out: 4, Activation: graph.ReLU}
	g, err := h.Graph()
	if err != nil {
		t.Fatal(err)
	}
	values, err := h.Init(Start{Seed: 3, ZeroLast: true})
	if err != nil {
		t.Fatal(err)
	}
	out, err := graphtest.Run(g, map[string][]float64{FeaturesInput: {1, -2, 3, 4, -5, 6}}, values)
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range out[0] {
		if v != 0 {
			t.Errorf("action %d is %g", i, v)
		}
	}
}

func TestHeadRefuses(t *testing.T) {
	for name, change := range map[string]func(*Head){
		"no features":     func(h *Head) { h.In = 0 },
		"negative width":  func(h *Head) { h.Hidden[1] = -1 },
		"absurd width":    func(h *Head) { h.Out = 1 << 30 },
		"too many layers": func(h *Head) { h.Hidden = make([]int, 100) },
		"no activation":   func(h *Head) { h.Activation = graph.Linear },
	} {
		t.Run(name, func(t *testing.T) {
			h := head()
			change(&h)
			if _, err := h.Graph(); !errors.Is(err, ErrHead) {
				t.Errorf("Graph: error %v, want ErrHead", err)
			}
			if _, err := h.Init(Start{}); !errors.Is(err, ErrHead) {
				t.Errorf("Init: error %v, want ErrHead", err)
			}
		})
	}
}

// TestNetwork: two cameras share the backbone's parameters, and the head sees both beside proprioception.
func TestNetwork(t *testing.T) {
	text, err := os.ReadFile("../backbone/testdata/vit_token.arch.json")
	if err != nil {
		t.Fatal(err)
	}
	arch, err := backbone.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	n := Network{Arch: arch, Cameras: []string{"wrist"}, Height: 32, Width: 32}
	n.Head = Head{In: n.FeatureLen(), Hidden: []int{8}, Out: 9, Activation: graph.GELU}
	one, err := n.Graph()
	if err != nil {
		t.Fatal(err)
	}
	n.Cameras, n.Proprio = []string{"wrist", "front"}, 7
	if _, err := n.Graph(); !errors.Is(err, ErrHead) {
		t.Errorf("head of one camera on two: error %v, want ErrHead", err)
	}
	n.Head.In = 2*96 + 7
	two, err := n.Graph()
	if err != nil {
		t.Fatal(err)
	}
	if one.Count(graph.Frozen) != two.Count(graph.Frozen) || len(two.Inputs) != 3 || two.Inputs[1].Name != "image.front" {
		t.Errorf("%d and %d frozen parameters, inputs %d", one.Count(graph.Frozen), two.Count(graph.Frozen), len(two.Inputs))
	}
	features, err := n.Features()
	if err != nil {
		t.Fatal(err)
	}
	if got := features.Outputs[0].Shape[0]; got != n.Head.In || len(features.Swapped()) != 0 {
		t.Errorf("%d features, want %d; %d parameters of the bundle, want 0", got, n.Head.In, len(features.Swapped()))
	}
	for name, change := range map[string]func(*Network){
		"no camera":    func(n *Network) { n.Cameras = nil },
		"camera twice": func(n *Network) { n.Cameras = []string{"wrist", "wrist"} },
		"half patches": func(n *Network) { n.Height = 33 },
		"proprio":      func(n *Network) { n.Proprio = -1 },
	} {
		bad := n
		change(&bad)
		if _, err := bad.Features(); err == nil {
			t.Errorf("%s: was built", name)
		}
	}
}
