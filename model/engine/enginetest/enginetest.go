// Package enginetest opens ONNX Runtime for the tests of other packages.
//
// What belongs here: finding what `make setup` has installed, and saying so when it has not. What does not:
// any use outside tests.
package enginetest

import (
	"os"
	"path/filepath"
	"testing"

	"sim2reald/model/engine"
)

// Open opens the library until the test's end: $SIM2REALD_ONNXRUNTIME, or what lies below the repository's
// root, which is root from the test's folder. Without it a test is skipped, and under SIM2REALD_ALL fails.
func Open(t testing.TB, root string) *engine.Runtime {
	t.Helper()
	r, err := engine.Open(library(t, root))
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

func library(t testing.TB, root string) string {
	t.Helper()
	if path := os.Getenv("SIM2REALD_ONNXRUNTIME"); path != "" {
		return path
	}
	path := filepath.Join(root, "build", "lib", "libonnxruntime.so")
	_, err := os.Stat(path)
	if err != nil && os.Getenv("SIM2REALD_ALL") != "" {
		t.Fatalf("SIM2REALD_ALL wants every test: %v", err)
	}
	if err != nil {
		t.Skipf("needs ONNX Runtime (set SIM2REALD_ONNXRUNTIME or run `make setup`): %v", err)
	}
	return path
}
