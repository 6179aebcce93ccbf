package train

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sim2reald/model/adapter"
	"sim2reald/model/backbone"
	"sim2reald/model/graph"
	"sim2reald/model/graph/graphtest"
	"sim2reald/model/safetensors"
	"sim2reald/model/tape"
)

// recorded is one case that model/torch/record.py wrote: what PyTorch computes on timm's model.
type recorded struct {
	name    string
	tensors map[string]safetensors.Tensor
	net     adapter.Network
	frozen  map[string]safetensors.Tensor // the base's, as the network wants them
	adam    struct {
		Rate        float64 `json:"rate"`
		WeightDecay float64 `json:"weight_decay"`
	}
}

// recordedSize is the side of the recorded pictures, px.
const recordedSize = 32

// recordings reads every case.
func recordings(t *testing.T) []*recorded {
	t.Helper()
	var out []*recorded
	for _, name := range []string{"vit", "resnet", "nfnet"} {
		out = append(out, readRecorded(t, name))
	}
	return out
}

func readRecorded(t *testing.T, name string) *recorded {
	t.Helper()
	path := filepath.Join("testdata", "torch", name)
	base, err := safetensors.ReadFile(path+".safetensors", safetensors.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	file, err := safetensors.ReadFile(path+".recorded.safetensors", safetensors.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path + ".arch.json")
	if err != nil {
		t.Fatal(err)
	}
	arch, err := backbone.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	r := &recorded{name: name, tensors: file.Tensors}
	r.net = adapter.Network{Arch: arch, Cameras: []string{"front"}, Height: recordedSize, Width: recordedSize}
	r.configure(t, file.Metadata["recording"])
	if r.frozen, err = arch.Values(base, recordedSize, recordedSize); err != nil {
		t.Fatal(err)
	}
	return r
}

// configure sets placement and head by what was recorded.
func (r *recorded) configure(t *testing.T, recording string) {
	t.Helper()
	var said struct {
		Adam     any `json:"adam"`
		Adapters struct {
			Placement string          `json:"placement"`
			Middle    *adapter.Middle `json:"middle"`
		} `json:"adapters"`
	}
	said.Adam = &r.adam
	if err := json.Unmarshal([]byte(recording), &said); err != nil {
		t.Fatal(err)
	}
	placement, err := adapter.ParsePlacement(said.Adapters.Placement)
	if err != nil {
		t.Fatal(err)
	}
	placement.Middle = said.Adapters.Middle
	last := r.tensors["start/head.1.weight"].Shape
	r.net.Adapters = placement
	r.net.Head = adapter.Head{In: r.net.FeatureLen(), Hidden: last[1:], Out: last[0], Activation: graph.GELU}
}

// under gives the tensors that were recorded under a prefix, without it.
func (r *recorded) under(prefix string) map[string]safetensors.Tensor {
	out := map[string]safetensors.Tensor{}
	for name, t := range r.tensors {
		if rest, ok := strings.CutPrefix(name, prefix); ok {
			out[rest] = t
		}
	}
	return out
}

// floats decodes a recorded tensor.
func (r *recorded) floats(t *testing.T, name string) []float64 {
	t.Helper()
	v, err := r.tensors[name].Float64s()
	if err != nil || len(v) == 0 {
		t.Fatalf("%s: %s: %d numbers, %v", r.name, name, len(v), err)
	}
	return v
}

// apart is the largest difference over the largest size.
func apart(t *testing.T, got, want []float64) float64 {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d numbers, want %d", len(got), len(want))
	}
	diff, size := 0.0, 0.0
	for i := range want {
		diff = max(diff, math.Abs(got[i]-want[i]))
		size = max(size, math.Abs(want[i]))
	}
	if math.IsNaN(diff) || size == 0 {
		t.Fatalf("difference %g of %g", diff, size)
	}
	return diff / size
}

// TestAdaptersAreThoseOfPyTorch: names and shapes, and the features with every adapter moved, by the graph's
// plain reference in float64. PyTorch computed in float32, which is what the tolerance leaves room for.
func TestAdaptersAreThoseOfPyTorch(t *testing.T) {
	for _, r := range recordings(t) {
		t.Run(r.name, func(t *testing.T) {
			g, err := r.net.Features()
			if err != nil {
				t.Fatal(err)
			}
			values := r.under("moved/")
			if len(g.Swapped()) != len(values) {
				t.Errorf("%d trained tensors, PyTorch has %d", len(g.Swapped()), len(values))
			}
			for _, p := range g.Swapped() {
				if got := values[p.Name].Shape; len(got) != len(p.Shape) || values[p.Name].Len() != p.Len() {
					t.Errorf("%s has shape %v, PyTorch's %v", p.Name, p.Shape, got)
				}
			}
			for name, v := range r.frozen {
				values[name] = v
			}
			images, moved := r.floats(t, "image"), r.floats(t, "moved")
			rows := r.tensors["image"].Shape[0]
			for row := range rows {
				out, err := graphtest.Run(g, map[string][]float64{"image.front": part(images, row, rows)}, values)
				if err != nil {
					t.Fatal(err)
				}
				if a := apart(t, out[0], part(moved, row, rows)); !(a <= 1e-5) {
					t.Errorf("picture %d: features %g apart, want 1e-5", row, a)
				}
			}
			if a := apart(t, moved, r.floats(t, "frozen")); a < 1e-2 {
				t.Errorf("the moved adapters change features by %g only: the test sees nothing", a)
			}
		})
	}
}

// part is row of rows equal parts.
func part[T any](v []T, row, rows int) []T {
	n := len(v) / rows
	return v[row*n : (row+1)*n]
}

// TestFeaturesAreThoseOfPyTorch is the same of Gorgonia, frozen and moved.
func TestFeaturesAreThoseOfPyTorch(t *testing.T) {
	for _, r := range recordings(t) {
		t.Run(r.name, func(t *testing.T) {
			g, err := r.net.Features()
			if err != nil {
				t.Fatal(err)
			}
			rows := r.tensors["image"].Shape[0]
			m, err := tape.Load(g, r.frozen, tape.Options{Threads: 1, Batch: rows})
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			for name, params := range map[string]map[string]safetensors.Tensor{"moved": r.under("moved/"), "frozen": adapter.Zero(g)} {
				s, err := m.Session(params)
				if err != nil {
					t.Fatal(err)
				}
				copy(s.Input(0), narrow(r.floats(t, "image")))
				if err := s.Run(); err != nil {
					t.Fatal(err)
				}
				a := apart(t, widen(s.Output(0)), r.floats(t, name))
				t.Logf("%s: %.1e apart", name, a)
				if !(a <= 1e-5) {
					t.Errorf("%s features are %g apart, want 1e-5", name, a)
				}
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// TestTenLossesAreThoseOfPyTorch: adapters in every place and the head, from the same start, on the same batch,
// with the same rate: each loss within 1e-4 of PyTorch's. float32 and float64 in PyTorch are within 1e-5, which
// record.py checks.
func TestTenLossesAreThoseOfPyTorch(t *testing.T) {
	for _, r := range recordings(t) {
		t.Run(r.name, func(t *testing.T) {
			want := r.floats(t, "losses")
			got := r.losses(t, len(want))
			worst := 0.0
			for i := range want {
				worst = max(worst, math.Abs(got[i]-want[i])/want[i])
			}
			t.Logf("losses %.4f to %.4f, %.1e apart", got[0], got[len(got)-1], worst)
			if !(worst <= 1e-4) || len(want) != 10 {
				t.Errorf("losses %v, want %v", got, want)
			}
			if !(want[9] < 0.8*want[0]) {
				t.Errorf("the recorded losses %v hardly fall: the test sees little", want)
			}
		})
	}
}

// losses trains as fit does, at a constant rate.
func (r *recorded) losses(t *testing.T, steps int) []float64 {
	t.Helper()
	g, err := r.net.Graph()
	if err != nil {
		t.Fatal(err)
	}
	live := map[string][]float32{}
	for name := range r.under("start/") {
		live[name] = narrow(r.floats(t, "start/"+name))
	}
	o, err := tape.NewObjective(g, r.frozen, live, tape.Options{Threads: 1, Batch: r.tensors["image"].Shape[0]}, true)
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	copy(o.Input(0), narrow(r.floats(t, "image")))
	copy(o.Target(), narrow(r.floats(t, "target")))
	copy(o.Weight(), narrow(r.floats(t, "weight")))
	solver := newAdam(r.adam.WeightDecay)
	var out []float64
	for range steps {
		loss, err := o.Run()
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, loss)
		solver.begin()
		for i, p := range o.Learned() {
			solver.update(p.Name, live[p.Name], o.Gradient(i), r.adam.Rate, len(p.Shape) > 1)
		}
	}
	return out
}

func narrow(v []float64) []float32 {
	out := make([]float32, len(v))
	for i, x := range v {
		out[i] = float32(x)
	}
	return out
}

func widen(v []float32) []float64 {
	out := make([]float64, len(v))
	for i, x := range v {
		out[i] = float64(x)
	}
	return out
}
