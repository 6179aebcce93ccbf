package backbone_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"sim2reald/model/backbone"
	"sim2reald/model/graph"
	"sim2reald/model/safetensors"
)

// places records where a backbone offers something to be attached.
type places struct{ bottom, norms, middle []string }

func (p *places) Bottom(_ *graph.Builder, name string, weight, bias *graph.Param) {
	if bias == nil {
		name += " without bias"
	}
	p.bottom = append(p.bottom, name)
}

func (p *places) Norm(_ *graph.Builder, name string, _, _ *graph.Param) {
	p.norms = append(p.norms, name)
}

func (p *places) Middle(_ *graph.Builder, at backbone.Branch, x *graph.Node) *graph.Node {
	p.middle = append(p.middle, fmt.Sprint(at.Block, " ", at.Name))
	return x
}

// TestPlaces: the names under which a bundle's tensors go.
func TestPlaces(t *testing.T) {
	for name, want := range map[string]places{
		"vit_clip": {[]string{"patch_embed.proj without bias"},
			[]string{"norm_pre", "blocks.0.norm1", "blocks.0.norm2", "blocks.1.norm1", "blocks.1.norm2", "norm"},
			[]string{"0 blocks.0.attn", "0 blocks.0.mlp", "1 blocks.1.attn", "1 blocks.1.mlp"}},
		"resnet_basic": {[]string{"conv1"}, nil,
			[]string{"0 layer1.0.conv1", "1 layer1.1.conv1", "2 layer2.0.conv1", "3 layer3.0.conv1", "4 layer4.0.conv1", "5 layer4.1.conv1"}},
		"resnet_wide": {[]string{"conv1"}, nil,
			[]string{"0 layer1.0.conv2", "1 layer2.0.conv2", "2 layer3.0.conv2", "3 layer4.0.conv2"}},
		"nfnet_plain": {[]string{"stem.conv1"}, nil,
			[]string{"0 stages.0.0.conv2", "1 stages.1.0.conv2", "2 stages.1.1.conv2", "3 stages.2.0.conv2", "4 stages.3.0.conv2"}},
	} {
		t.Run(name, func(t *testing.T) {
			var got places
			arch, b := archOf(t, name), graph.NewBuilder()
			if _, err := b.Build(arch.Build(b, "wrist/", b.Input("image", 3, 32, 32), &got).Features); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got.bottom, want.bottom) || !slices.Equal(got.middle, want.middle) || !slices.Equal(got.norms, want.norms) {
				t.Errorf("places %+v, want %+v", got, want)
			}
			if last := got.middle[len(got.middle)-1]; !strings.HasPrefix(last, fmt.Sprint(arch.Blocks()-1)) {
				t.Errorf("%d blocks, the last place is %q", arch.Blocks(), last)
			}
		})
	}
}

// TestOutputs: lengths of what a head sees, and pictures of any size in convolutional networks.
func TestOutputs(t *testing.T) {
	for name, want := range map[string]int{"resnet_basic": 16, "resnet_wide": 32, "nfnet_plain": 32, "nfnet_finalconv": 64, "nfnet_odd": 24} {
		arch := archOf(t, name)
		for _, size := range [][2]int{{1, 1}, {2, 5}, {33, 65}, {480, 640}} {
			b := graph.NewBuilder()
			out := arch.Build(b, "", b.Input("image", 3, size[0], size[1]), nil)
			g, err := b.Build(out.Features, out.Unpooled)
			if err != nil {
				t.Fatalf("%s at %v: %v", name, size, err)
			}
			cells := [2]int{(size[0] + 31) / 32, (size[1] + 31) / 32}
			if got := g.Outputs[0].Shape; arch.FeatureLen() != want || !slices.Equal(got, []int{want}) {
				t.Errorf("%s: features %v, %d said, want %d", name, got, arch.FeatureLen(), want)
			}
			if got := g.Outputs[1].Shape; !slices.Equal(got, []int{want, cells[0], cells[1]}) {
				t.Errorf("%s at %v: map %v, want %d of %v", name, size, got, want, cells)
			}
		}
		for _, side := range []int{0, -1, 4097, 1 << 40} {
			if err := arch.CheckSize(64, side); !errors.Is(err, backbone.ErrArch) {
				t.Errorf("%s: side %d: error %v, want ErrArch", name, side, err)
			}
		}
	}
}

// TestDTypes: a base in another float type gives what its values give, derived in float64 and rounded once.
func TestDTypes(t *testing.T) {
	for _, name := range []string{"resnet_basic", "nfnet_plain", "vit_resized"} {
		arch := archOf(t, name)
		for dtype, narrow := range map[safetensors.DType]func(float64) (float64, []byte){
			safetensors.BF16: toBF16, safetensors.F16: toF16,
		} {
			small, exact := fileOf(t, name+".safetensors"), fileOf(t, name+".safetensors")
			for key, tensor := range small.Tensors {
				if tensor.DType == safetensors.F32 {
					small.Tensors[key], exact.Tensors[key] = recast(t, tensor, dtype, narrow)
				}
			}
			got, err := arch.Values(small, 64, 64)
			if err != nil {
				t.Fatal(err)
			}
			want, err := arch.Values(exact, 64, 64)
			if err != nil {
				t.Fatal(err)
			}
			for key, w := range want {
				a, b := float64s(t, got[key]), float64s(t, w)
				if !slices.Equal(a, b) {
					t.Errorf("%s, %s: %s differs between %s and float64", name, dtype, key, dtype)
				}
			}
		}
	}
}

func float64s(t *testing.T, v safetensors.Tensor) []float64 {
	t.Helper()
	out, err := v.Float64s()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// recast rounds a tensor to a narrow type and gives it in that and in float64.
func recast(t *testing.T, v safetensors.Tensor, dtype safetensors.DType, narrow func(float64) (float64, []byte)) (small, exact safetensors.Tensor) {
	values := float64s(t, v)
	small = safetensors.Tensor{DType: dtype, Shape: v.Shape}
	for i, x := range values {
		var b []byte
		values[i], b = narrow(x)
		small.Data = append(small.Data, b...)
	}
	return small, safetensors.Float64(v.Shape, values)
}

// toBF16 cuts a float32 in half.
func toBF16(x float64) (float64, []byte) {
	bits := math.Float32bits(float32(x)) >> 16
	return float64(math.Float32frombits(bits << 16)), []byte{byte(bits), byte(bits >> 8)}
}

// toF16 cuts to ten bits of fraction; what is below the smallest normal number becomes zero.
func toF16(x float64) (float64, []byte) {
	bits := math.Float32bits(float32(x))
	exp := int(bits>>23&0xff) - 127 + 15
	if exp < 1 {
		return 0, []byte{0, 0}
	}
	half := bits>>16&0x8000 | uint32(exp)<<10 | bits>>13&0x3ff
	return float64(math.Float32frombits(bits &^ 0x1fff)), []byte{byte(half), byte(half >> 8)}
}

// TestConvRefuses: bases that do not fit a convolutional architecture, found by Check without deriving or by
// Values.
func TestConvRefuses(t *testing.T) {
	type tensors = map[string]safetensors.Tensor
	for name, c := range map[string]struct {
		base, says string
		spoil      func(m tensors)
		derived    bool // found by Values alone
	}{
		"missing norm":     {"resnet_basic", "layer2.0.bn2.running_var", func(m tensors) { delete(m, "layer2.0.bn2.running_var") }, false},
		"missing shortcut": {"resnet_basic", "layer2.0.downsample.0.weight", func(m tensors) { delete(m, "layer2.0.downsample.0.weight") }, false},
		"narrow stem": {"resnet_basic", "conv1.weight", func(m tensors) {
			m["conv1.weight"] = safetensors.Float32([]int{32, 3, 7, 7}, make([]float32, 32*147))
		}, false},
		"whole numbers": {"resnet_basic", "bn1.bias", func(m tensors) { m["bn1.bias"] = safetensors.Int64([]int{64}, make([]int64, 64)) }, false},
		"negative variance": {"resnet_basic", "conv1.weight", func(m tensors) {
			m["bn1.running_var"] = safetensors.Float32([]int{64}, slices.Repeat([]float32{-1}, 64))
		}, true},
		"no number": {"nfnet_plain", "stem.conv1.weight", func(m tensors) {
			m["stem.conv1.gain"] = safetensors.Float64([]int{16 / 4, 1, 1, 1}, slices.Repeat([]float64{math.NaN()}, 4))
		}, true},
		"too large": {"nfnet_plain", "skipinit_gain", func(m tensors) {
			m["stages.0.0.skipinit_gain"] = safetensors.Float64(nil, []float64{1e300})
		}, true},
		"missing gain":      {"nfnet_plain", "stages.1.0.conv2.gain", func(m tensors) { delete(m, "stages.1.0.conv2.gain") }, false},
		"gain as a vector":  {"nfnet_plain", "skipinit_gain", func(m tensors) { m["stages.0.0.skipinit_gain"] = m["stages.0.0.conv3.bias"] }, false},
		"missing attention": {"nfnet_plain", "attn_last.fc1.bias", func(m tensors) { delete(m, "stages.0.0.attn_last.fc1.bias") }, false},
	} {
		t.Run(name, func(t *testing.T) {
			arch, f := archOf(t, c.base), fileOf(t, c.base+".safetensors")
			c.spoil(f.Tensors)
			_, err := arch.Values(f, 64, 64)
			if !errors.Is(err, backbone.ErrTensor) || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "\n") {
				t.Errorf("values: error %v, want ErrTensor about %s", err, c.says)
			}
			if err := arch.Check(f); errors.Is(err, backbone.ErrTensor) == c.derived {
				t.Errorf("check: error %v", err)
			}
		})
	}
}
