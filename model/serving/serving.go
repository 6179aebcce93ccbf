// Package serving keeps one frozen base resident on an engine with any number of bundles, so that N bundles
// cost one base and N adapters, and several bundles that look at one picture share what is the same for them.
//
// What belongs here: how a network is cut so that its parts can be shared, bundles in memory, the checks that
// a bundle passes before it may answer, and the policy that the control loop asks. What does not: arithmetic
// (model/engine, model/tape), files (model/bundle), and when a swap is safe (daemon/control).
//
// A network is cut in three: the frozen layers before the first adapter, the layers from there to the
// features, and the head. The base's weights lie in the first two, each in one of them, and are in memory
// once. The head has none, so bundles may have heads of any shape. Within the second part a bundle may have
// fewer adapters than the part has places: those it lacks are zeros, which change no bit of the frozen
// network, and a narrower one is widened by zeros.
package serving

import (
	"errors"
	"fmt"

	"sim2reald/model"
	"sim2reald/model/graph"
	"sim2reald/model/safetensors"
)

// Every refusal of this package wraps one of these, or an error of the engine.
var (
	ErrNetwork = errors.New("network does not fit what is resident")
	ErrAnswer  = errors.New("bundle answers nonsense")
	ErrInput   = errors.New("wrong input")
	ErrOutput  = errors.New("output is not finite")
)

// Session runs a graph with one set of parameters. Inputs and outputs are in the order of the graph's.
type Session interface {
	Input(i int) []float32
	Output(i int) []float32
	Run() error
	Close() error
}

// Model is a graph with its frozen weights on an engine. A session may be made or closed while another runs.
type Model interface {
	Session(params map[string]safetensors.Tensor) (Session, error)
	Describe() model.Description
	Close() error
}

// Engine puts graphs on a device, for one picture at a time. Sessions of one model are used one after the
// other, from one goroutine at a time.
type Engine interface {
	Load(g *graph.Graph, values map[string]safetensors.Tensor) (Model, error)
}

// Loader makes an Engine of a function that loads an engine's own kind of model.
func Loader[S Session, M loaded[S]](load func(*graph.Graph, map[string]safetensors.Tensor) (M, error)) Engine {
	return loader[S, M](load)
}

// loaded is an engine's own kind of model.
type loaded[S Session] interface {
	Session(params map[string]safetensors.Tensor) (S, error)
	Describe() model.Description
	Close() error
}

type loader[S Session, M loaded[S]] func(*graph.Graph, map[string]safetensors.Tensor) (M, error)

func (l loader[S, M]) Load(g *graph.Graph, values map[string]safetensors.Tensor) (Model, error) {
	m, err := l(g, values)
	if err != nil {
		return nil, err
	}
	return adapted[S]{m}, nil
}

type adapted[S Session] struct{ loaded[S] }

func (a adapted[S]) Session(params map[string]safetensors.Tensor) (Session, error) {
	s, err := a.loaded.Session(params)
	if err != nil {
		return nil, err // and no session, which a nil of type S would be
	}
	return s, nil
}

// mismatch is ErrNetwork with what differs.
func mismatch(format string, args ...any) error {
	return fmt.Errorf("%s: %w", fmt.Sprintf(format, args...), ErrNetwork)
}
