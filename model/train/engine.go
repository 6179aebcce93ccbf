package train

import (
	"errors"
	"fmt"

	"sim2reald/model"
	"sim2reald/model/adapter"
	"sim2reald/model/engine"
	"sim2reald/model/graph"
	"sim2reald/model/safetensors"
)

// EngineSource computes features with the engine that the robot uses, one loaded model per worker, so that
// each worker has its own core.
type EngineSource struct {
	runtime *engine.Runtime
	graph   *graph.Graph
	values  map[string]safetensors.Tensor
	options engine.Options
	length  int
	says    string
}

// NewEngineSource is for the frozen features of net's cameras on the base in file; device is one of the engine's, batch the
// observations of one run. It loads the model once to learn what really runs.
func NewEngineSource(rt *engine.Runtime, net adapter.Network, file *safetensors.File, device string, batch int) (*EngineSource, error) {
	// The rest is not the base's: training puts observations and proprioception side by side itself.
	net.Proprio, net.History, net.Adapters, net.Full = 0, 1, adapter.Placement{}, false
	g, err := net.Features()
	if err != nil {
		return nil, err
	}
	values, err := net.Arch.Values(file, net.Height, net.Width)
	if err != nil {
		return nil, err
	}
	s := &EngineSource{runtime: rt, graph: g, values: values, length: net.FeatureLen(),
		options: engine.Options{Threads: 1, Device: device, Batch: batch}}
	m, err := rt.Load(g, values, s.options)
	if err != nil {
		return nil, err
	}
	d := m.Describe()
	s.says, s.options.Device = fmt.Sprintf("%s %s on %s, batch %d", d.Engine, d.Version, d.Device, batch), d.Device
	return s, m.Close()
}

// Identity is engine, version, device and batch.
func (s *EngineSource) Identity() string { return s.says }

// Len is the number of features of one observation.
func (s *EngineSource) Len() int { return s.length }

// Extractor loads the model for one worker.
func (s *EngineSource) Extractor() (Extractor, error) {
	m, err := s.runtime.Load(s.graph, s.values, s.options)
	if err != nil {
		return nil, err
	}
	session, err := m.Session(nil)
	if err != nil {
		return nil, errors.Join(err, m.Close())
	}
	return &engineExtractor{m, session, s.options.Batch, s.length}, nil
}

type engineExtractor struct {
	model   *engine.Model
	session *engine.Session
	batch   int
	length  int
}

func (e *engineExtractor) Batch() int { return e.batch }

// Extract leaves old pictures in the rows beyond obs: each row is computed by itself.
func (e *engineExtractor) Extract(obs []*model.Observation, out []float32) error {
	if len(obs) > e.batch || len(out) != len(obs)*e.length {
		return fmt.Errorf("%w: %d observations into %d numbers, batch %d", ErrOptions, len(obs), len(out), e.batch)
	}
	for k, o := range obs {
		for c, picture := range o.Images {
			copy(e.session.Input(c)[k*len(picture):(k+1)*len(picture)], picture)
		}
	}
	if err := e.session.Run(); err != nil {
		return err
	}
	copy(out, e.session.Output(0))
	return nil
}

func (e *engineExtractor) Close() error { return errors.Join(e.session.Close(), e.model.Close()) }

var _ Source = (*EngineSource)(nil)
