package engine

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"

	"sim2reald/model/graph"
	"sim2reald/model/safetensors"
)

// runtimeOrSkip opens the library until the test's end, or skips and says what is missing. Every test opens
// it anew, so that none depends on another and opening after closing is tried all the time.
func runtimeOrSkip(t testing.TB) *Runtime {
	t.Helper()
	path, err := testLibrary()
	if err != nil {
		lacks(t, "ONNX Runtime (set SIM2REALD_ONNXRUNTIME or run `make setup`)", err)
	}
	r, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// lacks skips a test for want of something that `make setup` installs, and fails it under `make test`.
func lacks(t testing.TB, what string, err error) {
	t.Helper()
	if os.Getenv("SIM2REALD_ALL") != "" {
		t.Fatalf("SIM2REALD_ALL wants every test, this one needs %s: %v", what, err)
	}
	t.Skipf("needs %s: %v", what, err)
}

// testLibrary is $SIM2REALD_ONNXRUNTIME or what `make setup` put into build/lib.
func testLibrary() (string, error) {
	if path := os.Getenv("SIM2REALD_ONNXRUNTIME"); path != "" {
		return path, nil
	}
	root, err := repositoryRoot()
	if err != nil {
		return "", err
	}
	path := filepath.Join(root, "build", "lib", "libonnxruntime.so")
	_, err = os.Stat(path)
	return path, err
}

// repositoryRoot walks up to go.mod.
func repositoryRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for ; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", fmt.Errorf("no go.mod above the test")
		}
	}
}

// session loads g and closes everything at the test's end.
func session(t testing.TB, r *Runtime, g *graph.Graph, frozen, params map[string]safetensors.Tensor, batch, threads int) *Session {
	t.Helper()
	return sessionWith(t, r, g, frozen, params, Options{Threads: threads, Device: CPU, Batch: batch})
}

func sessionWith(t testing.TB, r *Runtime, g *graph.Graph, frozen, params map[string]safetensors.Tensor, o Options) *Session {
	t.Helper()
	m, err := r.Load(g, frozen, o)
	if err != nil {
		t.Fatal(err)
	}
	s, err := m.Session(params)
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

// relative is the largest difference over the largest magnitude of want: one number for a whole tensor,
// because single elements near zero have no meaningful relative error.
func relative(got []float32, want []float64) float64 {
	diff, size := 0.0, 0.0
	for i, w := range want {
		diff = math.Max(diff, math.Abs(float64(got[i])-w))
		size = math.Max(size, math.Abs(w))
	}
	if math.IsNaN(diff) {
		return math.Inf(1)
	}
	return diff / size
}
