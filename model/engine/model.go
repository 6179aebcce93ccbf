package engine

import (
	"errors"
	"fmt"
	"slices"

	ort "github.com/yalue/onnxruntime_go"

	"sim2reald/model"
	"sim2reald/model/graph"
	"sim2reald/model/safetensors"
)

// Devices that can be asked for.
const (
	CPU      = "cpu"
	CUDA     = "cuda"
	TensorRT = "tensorrt" // an engine per bundle, with the bundle's weights as constants
	Auto     = "auto"     // CUDA where it can be had, else the CPU; Description says which and why
)

// Precisions of the frozen weights. Everything that a bundle trains is float32 in each of them.
const (
	Float32 = "float32"
	Int8    = "int8" // frozen matrices in 8 bits, see quantise.go
)

// Options says how a model is run.
type Options struct {
	Threads   int    // of one inference, 1 to 256; 1 runs in the caller's thread
	Device    string // CPU, CUDA, TensorRT or Auto
	Batch     int    // examples to a run; 1 on the robot
	Precision string // Float32, which "" means as well, or Int8
	// Spin lets the threads of an inference wait for each other without sleeping, until it ends. That is quicker
	// while no other work wants their cores, and much slower while some does.
	Spin bool
	// OneAtATime lets all sessions of the model share the memory of their inputs and outputs, so that a bundle
	// costs its parameters alone. They are then all used from one goroutine, one after the other.
	OneAtATime bool
}

// Model is a lowered graph with its frozen weights, loaded once. Sessions on it carry the bundles.
type Model struct {
	session *ort.DynamicAdvancedSession // nil where every bundle has its own
	graph   *graph.Graph
	opts    Options // as they really are
	values  map[string]safetensors.Tensor
	adapted map[string][]float32 // see adaptedValues
	plain   []*graph.Param       // of the bundle, inputs of the session as they are
	made    []*made              // what is made of others, see blocked.go
	factors []*product           // that it is made with
	shared  *buffers             // of all sessions, with OneAtATime
	says    model.Description
}

// Load lowers g and loads it. values are its frozen parameters. They are copied, but on TensorRT they are
// kept, for the engines of the bundles to come.
func (r *Runtime) Load(g *graph.Graph, values map[string]safetensors.Tensor, opts Options) (*Model, error) {
	if opts.Threads < 1 || opts.Threads > 256 {
		return nil, fmt.Errorf("loading model: threads %d is outside 1 to 256: %w", opts.Threads, ErrInput)
	}
	if opts.Precision == "" {
		opts.Precision = Float32
	}
	if opts.Precision != Float32 && opts.Precision != Int8 {
		return nil, fmt.Errorf("loading model: precision %q is neither %s nor %s: %w", opts.Precision, Float32, Int8, ErrInput)
	}
	m := &Model{graph: g, opts: opts, says: model.Description{
		Engine: "onnxruntime", Version: r.version, Threads: opts.Threads, Precision: opts.Precision, Spin: opts.Spin}}
	if err := m.open(r, values); err != nil {
		return nil, err
	}
	if opts.OneAtATime {
		var err error
		if m.shared, err = m.newBuffers(); err != nil {
			return nil, errors.Join(err, m.Close())
		}
	}
	return m, nil
}

// open makes the session on the device asked for.
func (m *Model) open(r *Runtime, values map[string]safetensors.Tensor) error {
	switch m.opts.Device {
	case CPU, CUDA, TensorRT:
		return m.openOn(r, m.opts.Device, values)
	case Auto:
		gpu := m.openOn(r, CUDA, values)
		if gpu == nil {
			m.says.Fallback = "auto took cuda, which is there"
			return nil
		}
		if !errors.Is(gpu, ErrDevice) {
			return gpu // the CPU would only say the same again
		}
		m.says.Fallback = fmt.Sprintf("auto took the cpu: %v", gpu)
		return m.openOn(r, CPU, values)
	}
	return fmt.Errorf("device %q is none of %s, %s, %s, %s: %w", m.opts.Device, CPU, CUDA, TensorRT, Auto, ErrDevice)
}

func (m *Model) openOn(r *Runtime, device string, values map[string]safetensors.Tensor) (err error) {
	if m.opts.Precision == Int8 && device != CPU {
		return fmt.Errorf("%s: the int8 path is the cpu's; ask for float32 there, or for cpu: %w", device, ErrDevice)
	}
	m.opts.Device, m.says.Device = device, device
	if m.adapted, err = adaptedValues(m.graph, values); err != nil {
		return err
	}
	if device == TensorRT && len(m.graph.Swapped()) > 0 {
		m.values = values
		m.says.Fallback = "tensorrt takes no weights as inputs: each bundle is an engine of its own, with the base in it"
		return r.Offers(device)
	}
	if m.opts.Precision == Float32 && device == CPU && slices.ContainsFunc(m.graph.Nodes, changed) {
		return m.openConvolutions(r, values)
	}
	m.plain = m.graph.Swapped()
	m.session, err = m.load(m.graph, values)
	return err
}

// load lowers a graph and makes an ONNX Runtime session of it.
func (m *Model) load(g *graph.Graph, values map[string]safetensors.Tensor) (*ort.DynamicAdvancedSession, error) {
	onnx, err := lower(g, values, m.opts.Batch, m.opts.Precision)
	if err != nil {
		return nil, err
	}
	return m.start(onnx)
}

// start makes a session of an ONNX model, its options changed as told.
func (m *Model) start(onnx []byte, change ...func(*ort.SessionOptions) error) (*ort.DynamicAdvancedSession, error) {
	options, err := sessionOptions(m.opts)
	if err != nil {
		return nil, err
	}
	defer options.Destroy()
	for _, f := range change {
		if err := f(options); err != nil {
			return nil, fmt.Errorf("configuring ONNX Runtime: %s: %w", oneLine(err), ErrLibrary)
		}
	}
	s, err := ort.NewDynamicAdvancedSessionWithONNXData(onnx, nil, nil, options)
	if err != nil && m.opts.Device != CPU {
		return nil, fmt.Errorf("loading model on %s: %s: %w", m.opts.Device, oneLine(err), ErrDevice)
	}
	if err != nil {
		return nil, fmt.Errorf("loading model: %s: %w", oneLine(err), ErrLower)
	}
	return s, nil
}

// Describe says what really runs.
func (m *Model) Describe() model.Description { return m.says }

// Graph is what was loaded.
func (m *Model) Graph() *graph.Graph { return m.graph }

// Close frees the model, after its sessions have been closed.
func (m *Model) Close() error {
	errs := []error{m.closeFactors()}
	if m.shared != nil {
		errs = append(errs, m.shared.close())
	}
	if m.session != nil {
		errs = append(errs, m.session.Destroy())
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("closing model: %s: %w", oneLine(err), ErrLibrary)
	}
	return nil
}
