package engine

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestOpen(t *testing.T) {
	t.Run("missing", func(t *testing.T) {
		_, err := Open(filepath.Join(t.TempDir(), "libonnxruntime.so"))
		if !errors.Is(err, ErrLibrary) || !strings.Contains(err.Error(), "make setup") {
			t.Errorf("error %v, want ErrLibrary with a remedy", err)
		}
	})
	t.Run("not a library", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "libonnxruntime.so")
		if err := os.WriteFile(path, []byte("text"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(path); !errors.Is(err, ErrLibrary) {
			t.Errorf("error %v, want ErrLibrary", err)
		}
	})
	t.Run("twice", func(t *testing.T) {
		r := runtimeOrSkip(t)
		if _, err := Open(r.path); !errors.Is(err, ErrLibrary) {
			t.Errorf("error %v, want ErrLibrary", err)
		}
		if r.Version() == "" {
			t.Error("no version")
		}
	})
}

func TestOneLine(t *testing.T) {
	for said, want := range map[string]string{
		"Error running\nnetwork: it failed.": "Error running network: it failed",
		"Error: /src/a.cc:1 void f() [ONNXRuntimeError] : 1 : FAIL : Failed to load library a.so with error: b : c": "Failed to load library a.so with error: b : c",
		"[ONNXRuntimeError] : 1": "[ONNXRuntimeError] : 1",
	} {
		if got := oneLine(errors.New(said)); got != want {
			t.Errorf("%q becomes %q, want %q", said, got, want)
		}
	}
}

// TestSpin reads back what the library is told: never to spin between two inferences, within one only when asked.
func TestSpin(t *testing.T) {
	runtimeOrSkip(t)
	for spin, want := range map[bool]string{false: "0", true: "1"} {
		o, err := sessionOptions(Options{Device: CPU, Threads: 2, Spin: spin})
		if err != nil {
			t.Fatal(err)
		}
		within, err := o.GetSessionConfigEntry("session.intra_op.allow_spinning")
		between, err2 := o.GetSessionConfigEntry("session.force_spinning_stop")
		if err := errors.Join(err, err2, o.Destroy()); err != nil {
			t.Fatal(err)
		}
		if within != want || between != "1" {
			t.Errorf("spin %v: allow_spinning %q, want %q; force_spinning_stop %q, want 1", spin, within, want, between)
		}
	}
}
