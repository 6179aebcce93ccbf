package main

import (
	"errors"
	"fmt"
	"sync"

	"sim2reald/daemon/config"
	"sim2reald/model/engine"
	"sim2reald/model/graph"
	"sim2reald/model/safetensors"
	"sim2reald/model/serving"
	"sim2reald/model/tape"
)

// engine is the one place that knows which engines there are. whole says that a network is kept in one piece,
// because what lies between two would leave a GPU and come back.
func (b *brain) engine() (e serving.Engine, whole bool, err error) {
	wanted := b.cfg.Engine
	if wanted.Name == config.Gorgonia {
		e, err = gorgonia(wanted)
		return e, false, err
	}
	runtime, err := b.library.open(wanted.Library)
	if err != nil {
		return nil, false, err
	}
	opts := engine.Options{
		Threads: wanted.Threads, Device: wanted.Device, Batch: 1, Precision: wanted.Precision, Spin: wanted.Spin, OneAtATime: true,
	}
	whole = opts.Device == engine.CUDA || opts.Device == engine.TensorRT || opts.Device == engine.Auto && runtime.Offers(engine.CUDA) == nil
	return serving.Loader(func(g *graph.Graph, values map[string]safetensors.Tensor) (*engine.Model, error) {
		return runtime.Load(g, values, opts)
	}), whole, nil
}

// library is ONNX Runtime as the brains of a process share it, which can open it once. The zero value opens it when
// it is first asked for.
type library struct {
	mu      sync.Mutex
	runtime *engine.Runtime // nil until then
}

func (l *library) open(path string) (_ *engine.Runtime, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.runtime == nil {
		l.runtime, err = engine.Open(path)
	}
	return l.runtime, err
}

// Close lets it go, after every brain.
func (l *library) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.runtime == nil {
		return nil
	}
	r := l.runtime
	l.runtime = nil
	return r.Close()
}

// gorgonia computes on the CPU in float32, and refuses what it cannot.
func gorgonia(wanted config.Engine) (serving.Engine, error) {
	if wanted.Device != engine.CPU && wanted.Device != engine.Auto {
		return nil, fmt.Errorf("engine.device %s: gorgonia computes on the cpu; set engine.device to cpu, or engine.name to onnxruntime", wanted.Device)
	}
	if wanted.Precision != engine.Float32 {
		return nil, fmt.Errorf("engine.precision %s: gorgonia computes in float32; set engine.precision to float32, or engine.name to onnxruntime", wanted.Precision)
	}
	if wanted.Spin {
		return nil, errors.New("engine.spin true: gorgonia's threads look for work for some 30 µs by themselves, and cannot be told to; set engine.spin to false, or engine.name to onnxruntime")
	}
	opts := tape.Options{Threads: wanted.Threads, Batch: 1}
	return serving.Loader(func(g *graph.Graph, values map[string]safetensors.Tensor) (*tape.Model, error) {
		return tape.Load(g, values, opts)
	}), nil
}
