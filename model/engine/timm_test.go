package engine_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sim2reald/model/backbone"
	"sim2reald/model/engine"
	"sim2reald/model/graph"
	"sim2reald/model/safetensors"
	"sim2reald/model/tape"
)

// runner is a session of any engine.
type runner interface {
	Input(i int) []float32
	Output(i int) []float32
	Run() error
}

// contender is an engine by name, and how it opens a graph.
type contender struct {
	name string
	open func(t *testing.T, g *graph.Graph, values map[string]safetensors.Tensor, batch int) runner
}

func engines() []contender {
	return []contender{{"onnxruntime", onONNXRuntime}, {"gorgonia", onGorgonia}}
}

func onONNXRuntime(t *testing.T, g *graph.Graph, values map[string]safetensors.Tensor, batch int) runner {
	m, err := engine.RuntimeOrSkip(t).Load(g, values, engine.Options{Threads: 1, Device: engine.CPU, Batch: batch})
	if err != nil {
		t.Fatal(err)
	}
	s, err := m.Session(nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func onGorgonia(t *testing.T, g *graph.Graph, values map[string]safetensors.Tensor, batch int) runner {
	m, err := tape.Load(g, values, tape.Options{Threads: 1, Batch: batch})
	if err != nil {
		t.Fatal(err)
	}
	s, err := m.Session(nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// TestGoldens holds the whole path (names, derived weights, graph, each engine) to what timm 1.0.31 computes:
// every case NAME.arch.json, NAME.safetensors, NAME.io.safetensors of the folder $MODEL_GOLDENS, from the
// repository's root if it is relative; without it the project's own cases. The bound is for float32 in another
// order of operations, through networks of any depth; timm's own float32 differs from its float64 by up to
// 6e-7 in the project's cases, and a wrong epsilon or padding shows at 1e-4 and above.
func TestGoldens(t *testing.T) {
	const tolerance = 1e-5
	for _, path := range goldenCases(t) {
		for _, e := range engines() {
			t.Run(filepath.Base(path)+"/"+e.name, func(t *testing.T) {
				c := readGolden(t, path)
				shape := c.io.Tensors["input"].Shape
				net, values := c.network(t, shape[2], shape[3])
				s := e.open(t, net, values, shape[0])
				copy(s.Input(0), c.float32s(t, "input"))
				if err := s.Run(); err != nil {
					t.Fatal(err)
				}
				c.compare(t, "unpooled", s.Output(0), tolerance)
				c.compare(t, "pooled", s.Output(1), tolerance)
				if _, ok := c.io.Tensors["pooled_f64"]; ok {
					c.compare(t, "pooled_f64", s.Output(1), tolerance)
				}
			})
		}
	}
}

// goldenCases are the paths of the cases without their endings. A folder without cases fails.
func goldenCases(t *testing.T) []string {
	t.Helper()
	root, err := engine.RepositoryRoot()
	if err != nil {
		t.Fatal(err)
	}
	dir := os.Getenv("MODEL_GOLDENS")
	if dir == "" {
		dir = filepath.Join("model", "backbone", "testdata")
	}
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(root, dir)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.arch.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no case NAME.arch.json in %s: %v", dir, err)
	}
	for i, f := range files {
		files[i] = strings.TrimSuffix(f, ".arch.json")
	}
	return files
}

// goldenCase is one backbone and what timm computes with it.
type goldenCase struct {
	arch        backbone.Arch
	weights, io *safetensors.File
}

func readGolden(t *testing.T, path string) goldenCase {
	t.Helper()
	text, err := os.ReadFile(path + ".arch.json")
	if err != nil {
		t.Fatal(err)
	}
	var c goldenCase
	if c.arch, err = backbone.Parse(text); err != nil {
		t.Fatal(err)
	}
	if c.weights, err = safetensors.ReadFile(path+".safetensors", safetensors.DefaultLimits()); err != nil {
		t.Fatal(err)
	}
	if c.io, err = safetensors.ReadFile(path+".io.safetensors", safetensors.DefaultLimits()); err != nil {
		t.Fatal(err)
	}
	if in := c.io.Tensors["input"]; len(in.Shape) != 4 || in.Shape[1] != 3 {
		t.Fatalf("input of shape %v, want (batch, 3, height, width)", in.Shape)
	}
	return c
}

// network is the frozen backbone with the outputs unpooled and pooled, and its weights.
func (c goldenCase) network(t *testing.T, height, width int) (*graph.Graph, map[string]safetensors.Tensor) {
	t.Helper()
	if err := c.arch.Check(c.weights); err != nil {
		t.Fatal(err)
	}
	b := graph.NewBuilder()
	out := c.arch.Build(b, "", b.Input("image", 3, height, width), nil)
	net, err := b.Build(out.Unpooled, out.Pooled)
	if err != nil {
		t.Fatal(err)
	}
	values, err := c.arch.Values(c.weights, height, width)
	if err != nil {
		t.Fatal(err)
	}
	return net, values
}

func (c goldenCase) float32s(t *testing.T, name string) []float32 {
	t.Helper()
	v, err := c.io.Tensors[name].Float32s()
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return v
}

// compare fails where the difference is beyond the tolerance of the largest value.
func (c goldenCase) compare(t *testing.T, name string, got []float32, tolerance float64) {
	t.Helper()
	want, err := c.io.Tensors[name].Float64s()
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if len(got) != len(want) {
		t.Fatalf("%s: %d numbers, timm has %d", name, len(got), len(want))
	}
	if d := engine.Relative(got, want); !(d <= tolerance) {
		t.Errorf("%s: relative difference %.3g, at most %.3g", name, d, tolerance)
	} else {
		t.Logf("%s: relative difference %.3g", name, d)
	}
}
