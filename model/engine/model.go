package engine

import (
	"errors"
	"fmt"
	"strconv"

	ort "github.com/yalue/onnxruntime_go"

	"sim2reald/model/graph"
	"sim2reald/model/safetensors"
)

// Devices that can be asked for.
const (
	CPU  = "cpu"
	CUDA = "cuda"
	Auto = "auto" // CUDA where it can be had, else the CPU; Description says which and why
)

// Options says how a model is run.
type Options struct {
	Threads int    // of one inference, 1 to 256; 1 runs in the caller's thread
	Device  string // CPU, CUDA or Auto
	Batch   int    // examples to a run; 1 on the robot
}

// Description is what really runs.
type Description struct {
	Engine   string // "onnxruntime"
	Version  string
	Device   string // CPU or CUDA
	Threads  int
	Fallback string // why it is not what Auto prefers; empty if it is
}

// String is one line for logs and reports.
func (d Description) String() string {
	s := fmt.Sprintf("%s %s on %s, threads %d", d.Engine, d.Version, d.Device, d.Threads)
	if d.Fallback != "" {
		s += " (" + d.Fallback + ")"
	}
	return s
}

// Model is a lowered graph with its frozen weights, loaded once. Sessions on it carry the bundles.
type Model struct {
	session *ort.DynamicAdvancedSession
	graph   *graph.Graph
	batch   int
	says    Description
}

// Load lowers g and loads it. values are its frozen parameters; they are copied.
func (r *Runtime) Load(g *graph.Graph, values map[string]safetensors.Tensor, opts Options) (*Model, error) {
	if opts.Threads < 1 || opts.Threads > 256 {
		return nil, fmt.Errorf("loading model: threads %d is outside 1 to 256: %w", opts.Threads, ErrInput)
	}
	onnx, err := Lower(g, values, opts.Batch)
	if err != nil {
		return nil, err
	}
	m := &Model{graph: g, batch: opts.Batch,
		says: Description{Engine: "onnxruntime", Version: r.version, Threads: opts.Threads}}
	if err := m.open(onnx, opts); err != nil {
		return nil, err
	}
	return m, nil
}

// open makes the session on the device asked for.
func (m *Model) open(onnx []byte, opts Options) error {
	switch opts.Device {
	case CPU, CUDA:
		return m.openOn(onnx, opts.Device)
	case Auto:
		gpu := m.openOn(onnx, CUDA)
		if gpu == nil {
			return nil
		}
		m.says.Fallback = fmt.Sprintf("auto took the cpu: %v", gpu)
		return m.openOn(onnx, CPU)
	}
	return fmt.Errorf("device %q is none of %s, %s, %s: %w", opts.Device, CPU, CUDA, Auto, ErrDevice)
}

func (m *Model) openOn(onnx []byte, device string) error {
	options, err := ort.NewSessionOptions()
	if err != nil {
		return fmt.Errorf("loading model: %s: %w", oneLine(err), ErrLibrary)
	}
	defer options.Destroy()
	if err := configure(options, device, m.says.Threads); err != nil {
		return err
	}
	s, err := ort.NewDynamicAdvancedSessionWithONNXData(onnx, nil, nil, options)
	if err != nil && device == CUDA {
		return fmt.Errorf("loading model on cuda: %s: %w", oneLine(err), ErrDevice)
	}
	if err != nil {
		return fmt.Errorf("loading model: %s: %w", oneLine(err), ErrLower)
	}
	m.session, m.says.Device = s, device
	return nil
}

// configure sets threads and device.
func configure(options *ort.SessionOptions, device string, threads int) error {
	err := errors.Join(
		options.SetIntraOpNumThreads(threads),
		options.SetInterOpNumThreads(1),
		options.SetExecutionMode(ort.ExecutionModeSequential),
		// A spinning pool would take the cores that the control loop needs between two inferences.
		options.AddSessionConfigEntry("session.intra_op.allow_spinning", "0"),
	)
	if err != nil {
		return fmt.Errorf("configuring %s threads: %s: %w", strconv.Itoa(threads), oneLine(err), ErrLibrary)
	}
	if device == CUDA {
		return configureCUDA(options)
	}
	return nil
}

// configureCUDA asks for CUDA alone: without the second setting ONNX Runtime would run on the CPU what CUDA
// cannot, and say nothing.
func configureCUDA(options *ort.SessionOptions) error {
	const remedy = "it needs an NVIDIA driver, CUDA 13, cuDNN 9 and the library of the wheel onnxruntime-gpu 1.31.1; or ask for cpu"
	cuda, err := ort.NewCUDAProviderOptions()
	if err == nil {
		defer cuda.Destroy()
		err = options.AppendExecutionProviderCUDA(cuda)
	}
	if err == nil {
		err = options.AddSessionConfigEntry("session.disable_cpu_ep_fallback", "1")
	}
	if err != nil {
		return fmt.Errorf("cuda: %s: %s: %w", oneLine(err), remedy, ErrDevice)
	}
	return nil
}

// Describe says what really runs.
func (m *Model) Describe() Description { return m.says }

// Graph is what was loaded.
func (m *Model) Graph() *graph.Graph { return m.graph }

// Close frees the model, after its sessions have been closed.
func (m *Model) Close() error {
	if err := m.session.Destroy(); err != nil {
		return fmt.Errorf("closing model: %s: %w", oneLine(err), ErrLibrary)
	}
	return nil
}
