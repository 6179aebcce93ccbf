// Package engine runs a graph on ONNX Runtime: it lowers the graph to an ONNX model in memory, loads that
// with the base's weights as constants, and runs it with the bundle's parameters as inputs, so that one
// resident base serves many bundles. On the CPU the convolutions of bundles are as fast as frozen ones, see blocked.go.
//
// What belongs here: the lowering, devices and threads, and tensors that are filled in place. What does not:
// what the layers are (model/graph, model/backbone, model/adapter), training (model/train), and what bundles on
// one base share (model/serving).
//
// The library is ONNX Runtime's own libonnxruntime.so, from the PyPI wheel onnxruntime 1.32.0 (CPU) or
// onnxruntime-gpu; nothing is linked in.
package engine

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	ort "github.com/yalue/onnxruntime_go"
)

// Every refusal of this package wraps one of these.
var (
	ErrLower   = errors.New("cannot be lowered")
	ErrLibrary = errors.New("ONNX Runtime is not available")
	ErrDevice  = errors.New("device is not available")
	ErrInput   = errors.New("wrong input")
	ErrOutput  = errors.New("output is not finite")
)

// Runtime is the loaded library. The library keeps its state in the process, so there is one at a time;
// holding it as a value is what lets the rest of the project not know that.
type Runtime struct {
	path    string
	version string
}

// Open loads the library at path. A second Open before Close is an error.
func Open(path string) (*Runtime, error) {
	if ort.IsInitialized() {
		return nil, fmt.Errorf("opening %s: this process has ONNX Runtime open already: %w", path, ErrLibrary)
	}
	// An absolute path keeps the loader from looking anywhere else.
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("opening %s: %v: %w", path, err, ErrLibrary)
	}
	if _, err := os.Stat(abs); err != nil {
		return nil, fmt.Errorf("opening ONNX Runtime: %v; `make setup` installs it: %w", err, ErrLibrary)
	}
	ort.SetSharedLibraryPath(abs)
	// Warnings tell of ONNX Runtime's own choices; what a user must know comes back as an error.
	if err := ort.InitializeEnvironment(ort.WithLogLevelError()); err != nil {
		return nil, fmt.Errorf("opening %s: %s: %w", abs, oneLine(err), ErrLibrary)
	}
	return &Runtime{path: abs, version: ort.GetVersion()}, nil
}

// Close unloads the library, after every Model has been closed.
func (r *Runtime) Close() error {
	if err := ort.DestroyEnvironment(); err != nil {
		return fmt.Errorf("closing %s: %s: %w", r.path, oneLine(err), ErrLibrary)
	}
	return nil
}

// Version is that of the library, "1.32.0".
func (r *Runtime) Version() string { return r.version }

// oneLine flattens the library's messages, which run over several lines and end in a full stop, and leaves out
// where in its sources an error was made: "file:line function [ONNXRuntimeError] : 1 : FAIL : what is wrong".
func oneLine(err error) string {
	text := strings.Join(strings.Fields(err.Error()), " ")
	if _, tail, ok := strings.Cut(text, "[ONNXRuntimeError] : "); ok {
		if parts := strings.SplitN(tail, " : ", 3); len(parts) == 3 {
			text = parts[2]
		}
	}
	return strings.TrimRight(text, ".")
}
