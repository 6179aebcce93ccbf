package adapter

import (
	"errors"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"sim2reald/model/backbone"
	"sim2reald/model/graph"
	"sim2reald/model/safetensors"
)

// preset is a network of one camera on an architecture by timm's name.
func preset(t testing.TB, name string, side int, p Placement) Network {
	t.Helper()
	arch, err := backbone.Preset(name)
	if err != nil {
		t.Fatal(err)
	}
	n := Network{Arch: arch, Adapters: p, Cameras: []string{"wrist"}, Height: side, Width: side}
	n.Head = Head{In: n.FeatureLen(), Hidden: []int{256, 256}, Out: 9, Activation: graph.ReLU}
	return n
}

func everywhere(width int) Placement {
	return Placement{Bottom: true, Middle: &Middle{Width: width}, Norms: true}
}

// TestCounts: the numbers follow from the architectures. ViT-B/16 has a patch embedding of 768·3·16² + 768, 24
// branches of 768·m + m + m·768 + 768, and 25 norms of 2·768. The first 3x3 convolutions of ResNet-50 are 3, 4, 6
// and 3 of 64, 128, 256 and 512 channels, those of NFNet-F0 1, 2, 6 and 3 of 128, 256, 768 and 768.
func TestCounts(t *testing.T) {
	dense := func(pairs ...int) int {
		sum := 0
		for i := 0; i < len(pairs); i += 2 {
			sum += pairs[i] * (pairs[i+1]*pairs[i+1] + pairs[i+1])
		}
		return sum
	}
	convolutional := Placement{Bottom: true, Middle: &Middle{}}
	for _, c := range []struct {
		name string
		at   Placement
		want Counts
	}{
		{"vit_base_patch16_224", everywhere(64), Counts{85798656, 590592, 24 * (2*768*64 + 64 + 768), 38400, 0, false}},
		{"vit_base_patch16_224", Placement{Middle: &Middle{Width: 8, Blocks: []int{10, 11}, Branches: []string{"mlp"}}},
			Counts{85798656, 0, 2 * (2*768*8 + 8 + 768), 0, 0, false}},
		{"resnet50", convolutional, Counts{23508032 - 53120 + 26560, 64*3*49 + 64, dense(3, 64, 4, 128, 6, 256, 3, 512), 0, 0, false}},
		{"dm_nfnet_f0", convolutional, Counts{0, 16*3*9 + 16, dense(1, 128, 2, 256, 6, 768, 3, 768), 0, 0, false}},
		{"resnet18", Placement{Middle: &Middle{Width: 4}}, Counts{0, 0,
			2*(2*4*64+4+64) + 2*(2*4*128+4+128) + 2*(2*4*256+4+256) + 2*(2*4*512+4+512), 0, 0, false}},
	} {
		n := preset(t, c.name, 224, c.at)
		got, err := n.Count()
		if err != nil {
			t.Fatal(err)
		}
		f := n.FeatureLen()
		c.want.Top = 2*f + 256*f + 256 + 256*256 + 256 + 9*256 + 9
		if c.want.Base == 0 {
			c.want.Base = got.Base
		}
		if got != c.want {
			t.Errorf("%s, %s: %+v, want %+v", c.name, c.at, got, c.want)
		}
		t.Logf("%s: %v", c.name, got)
	}
}

// TestNames are what bundles of other trainers are read by.
func TestNames(t *testing.T) {
	for name, want := range map[string]map[string][]int{
		"vit_small_patch14_dinov2": {
			"adapter.patch_embed.proj.weight": {384, 3, 14, 14}, "adapter.patch_embed.proj.bias": {384},
			"adapter.blocks.11.attn.down.weight": {7, 384}, "adapter.blocks.11.attn.down.bias": {7},
			"adapter.blocks.0.mlp.up.weight": {384, 7}, "adapter.blocks.0.mlp.up.bias": {384},
			"adapter.blocks.3.norm2.weight": {384}, "adapter.norm.bias": {384},
		},
		"vit_base_patch16_clip_224": {"adapter.patch_embed.proj.weight": {768, 3, 16, 16}, "adapter.norm_pre.bias": {768}},
		"resnet50":                  {"adapter.conv1.weight": {64, 3, 7, 7}, "adapter.conv1.bias": {64}, "adapter.layer1.0.conv2.down.weight": {7, 64, 1, 1}},
		"resnet18":                  {"adapter.layer4.1.conv1.up.weight": {512, 7, 1, 1}, "adapter.layer4.1.conv1.up.bias": {512}},
		"dm_nfnet_f0":               {"adapter.stem.conv1.weight": {16, 3, 3, 3}, "adapter.stages.3.2.conv2.down.bias": {7}},
	} {
		p := everywhere(7)
		p.Norms = strings.HasPrefix(name, "vit")
		side := 224
		g, err := preset(t, name, side, p).Graph()
		if err != nil {
			t.Fatal(err)
		}
		shapes := map[string][]int{}
		for _, p := range g.Swapped() {
			shapes[p.Name] = p.Shape
		}
		for tensor, shape := range want {
			if !slices.Equal(shapes[tensor], shape) {
				t.Errorf("%s: %s is %v, want %v", name, tensor, shapes[tensor], shape)
			}
		}
		if _, ok := shapes["adapter.patch_embed.proj.bias"]; ok && strings.Contains(name, "clip") {
			t.Errorf("%s: a patch embedding without bias got one", name)
		}
	}
	g, err := preset(t, "resnet50", 64, Placement{Middle: &Middle{}}).Graph()
	if err != nil {
		t.Fatal(err)
	}
	if p := g.Swapped()[0]; p.Name != "adapter.layer1.0.conv2.weight" || !slices.Equal(p.Shape, []int{64, 64, 1, 1}) {
		t.Errorf("dense adapter %s of %v", p.Name, p.Shape)
	}
}

func TestPlacementRefused(t *testing.T) {
	for name, c := range map[string]struct {
		arch string
		at   Placement
		want string
	}{
		"norms of a ResNet":  {"resnet18", Placement{Norms: true}, `"norms": a backbone of family "resnet"`},
		"dense in a ViT":     {"vit_base_patch16_224", Placement{Middle: &Middle{}}, "give a width"},
		"block":              {"vit_base_patch16_224", Placement{Middle: &Middle{Width: 4, Blocks: []int{12}}}, "block 12, the backbone has 0 to 11"},
		"descending":         {"vit_base_patch16_224", Placement{Middle: &Middle{Width: 4, Blocks: []int{2, 1}}}, "ascending"},
		"branch":             {"resnet50", Placement{Middle: &Middle{Branches: []string{"attn"}}}, `branch "attn"`},
		"branch twice":       {"resnet50", Placement{Middle: &Middle{Branches: []string{"conv2", "conv2"}}}, "twice"},
		"width":              {"resnet50", Placement{Middle: &Middle{Width: -1}}, "width -1"},
		"more than a layer":  {"vit_base_patch16_224", Placement{Middle: &Middle{Width: 1 << 20}}, "width 1048576"},
		"half the placement": {"dm_nfnet_f0", Placement{Bottom: true, Norms: true}, `"norms"`},
	} {
		n := preset(t, c.arch, 224, c.at)
		if _, err := n.Graph(); !errors.Is(err, ErrPlacement) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
		if _, err := n.Init(Start{}); !errors.Is(err, ErrPlacement) {
			t.Errorf("%s: Init: %v", name, err)
		}
	}
}

func TestParsePlacement(t *testing.T) {
	for list, want := range map[string]string{
		"": "top", "top": "top", "norms,bottom": "bottom,norms,top", "top,middle,norms,bottom": "bottom,middle,norms,top",
	} {
		p, err := ParsePlacement(list)
		if err != nil || p.String() != want {
			t.Errorf("%q is %s, want %s (%v)", list, p, want, err)
		}
	}
	for _, list := range []string{",", "side", "bottom,bottom", "bottom, norms", "Bottom"} {
		if _, err := ParsePlacement(list); !errors.Is(err, ErrPlacement) {
			t.Errorf("%q: %v", list, err)
		}
	}
}

// FuzzParsePlacement: whatever is a placement is written in one way, which is read as the same.
func FuzzParsePlacement(f *testing.F) {
	f.Add("bottom,middle,norms,top")
	f.Add("norms")
	f.Fuzz(func(t *testing.T, list string) {
		p, err := ParsePlacement(list)
		if err != nil {
			return
		}
		if again, err := ParsePlacement(p.String()); err != nil || again.String() != p.String() {
			t.Fatalf("%q is %s, then %s (%v)", list, p, again, err)
		}
	})
}

// TestNetworkInit: adapters begin as nothing, the same on every machine, whatever else is trained.
func TestNetworkInit(t *testing.T) {
	init := func(at Placement, seed uint64) map[string]safetensors.Tensor {
		values, err := preset(t, "vit_small_patch14_dinov2", 112, at).Init(Start{Seed: seed})
		if err != nil {
			t.Fatal(err)
		}
		return values
	}
	one := init(everywhere(16), 1)
	// Pinned: a bundle is reproduced from its seed on any machine and by any later version.
	const want = "sha256:d8d5b525879279d5b78d23e81c2c3db4fb6f6b2e08fe44073fd3df3d0dda5f0e"
	if got := (&safetensors.File{Tensors: one}).Digest(); got != want {
		t.Errorf("seed 1 gives %s, want %s", got, want)
	}
	for name, value := range one {
		values, err := value.Float64s()
		if err != nil {
			t.Fatal(err)
		}
		largest := 0.0
		for _, v := range values {
			largest = max(largest, math.Abs(v))
		}
		switch {
		case strings.HasSuffix(name, ".down.weight"):
			if bound := 1 / math.Sqrt(384); !(largest <= bound && largest > 0.99*bound) {
				t.Errorf("%s reaches %g, want nearly %g", name, largest, bound)
			}
		case strings.HasPrefix(name, Prefix) && largest != 0:
			t.Errorf("%s begins at %g", name, largest)
		}
	}
	alone := init(Placement{Middle: &Middle{Width: 16, Blocks: []int{4}}}, 1)
	const tensor = "adapter.blocks.4.mlp.down.weight"
	if string(alone[tensor].Data) != string(one[tensor].Data) || string(init(everywhere(16), 2)[tensor].Data) == string(one[tensor].Data) {
		t.Error("a first value depends on more, or less, than seed and name")
	}
	if head := init(Placement{}, 1); string(head["head.0.weight"].Data) != string(one["head.0.weight"].Data) {
		t.Error("the head begins otherwise beside adapters")
	}
}

// TestZero covers exactly the adapters.
func TestZero(t *testing.T) {
	n := preset(t, "resnet18", 64, Placement{Bottom: true, Middle: &Middle{}})
	g, err := n.Graph()
	if err != nil {
		t.Fatal(err)
	}
	first, err := n.Init(Start{})
	if err != nil {
		t.Fatal(err)
	}
	maps.DeleteFunc(first, func(name string, _ safetensors.Tensor) bool { return strings.HasPrefix(name, "head.") })
	zero := Zero(g)
	if len(zero) != 2+2*8 || !slices.Equal(slices.Sorted(maps.Keys(zero)), slices.Sorted(maps.Keys(first))) {
		t.Errorf("%d tensors of zeros, %d adapters", len(zero), len(first))
	}
	if err := (&safetensors.File{Tensors: zero}).CheckNumbers(); err != nil {
		t.Error(err)
	}
}

// TestHistoryInputs: observation by observation, oldest first; all share the backbone and the adapters.
func TestHistoryInputs(t *testing.T) {
	n := preset(t, "vit_small_patch14_dinov2", 28, everywhere(4))
	one, err := n.Count()
	if err != nil {
		t.Fatal(err)
	}
	n.Cameras, n.History, n.Proprio = []string{"wrist", "front"}, 3, 7
	n.Head.In = n.FeatureLen()
	if n.Head.In != 3*2*768+7 {
		t.Fatalf("%d features", n.Head.In)
	}
	g, err := n.Graph()
	if err != nil {
		t.Fatal(err)
	}
	var inputs []string
	for _, in := range g.Inputs {
		inputs = append(inputs, in.Name)
	}
	want := "image.wrist@-2 image.front@-2 image.wrist@-1 image.front@-1 image.wrist image.front proprio"
	if got := strings.Join(inputs, " "); got != want {
		t.Errorf("inputs %s, want %s", got, want)
	}
	joined := slices.IndexFunc(g.Nodes, func(x *graph.Node) bool { return x.Name == "joined" })
	for i, part := range g.Nodes[joined].In[:6] {
		if got, want := part.Name, strings.TrimPrefix(inputs[i], "image.")+"/features"; got != want {
			t.Errorf("part %d is %s, want %s", i, got, want)
		}
	}
	all, err := n.Count()
	if err != nil {
		t.Fatal(err)
	}
	all.Top, one.Top = 0, 0
	if all != one {
		t.Errorf("six pictures count %+v, one %+v", all, one)
	}
	for _, history := range []int{-1, 9} {
		n.History = history
		if _, err := n.Features(); !errors.Is(err, ErrHead) {
			t.Errorf("history %d: %v", history, err)
		}
	}
}

// TestDefaultWidth pins the widths that bundles are trained with unless told otherwise.
func TestDefaultWidth(t *testing.T) {
	for name, want := range map[string]int{
		"vit_tiny_patch16_224": 8, "vit_small_patch14_dinov2": 16, "vit_base_patch16_224": 32,
		"vit_large_patch14_dinov2": 40, "resnet50": 0, "dm_nfnet_f0": 0,
	} {
		arch, err := backbone.Preset(name)
		if err != nil {
			t.Fatal(err)
		}
		if got := DefaultWidth(arch); got != want {
			t.Errorf("%s: width %d, want %d", name, got, want)
		}
	}
}
