package engine

import (
	"errors"
	"fmt"
	"math"
	"slices"

	ort "github.com/yalue/onnxruntime_go"

	"sim2reald/model/graph"
	"sim2reald/model/safetensors"
)

// Session is one bundle on a Model: its parameters, and the tensors that a run reads and fills. It is used
// from one goroutine at a time; several sessions may share a model.
type Session struct {
	model   *Model
	binding *ort.IoBinding
	inputs  []*ort.Tensor[float32] // as Graph.Inputs
	outputs []*ort.Tensor[float32] // as Graph.Outputs
	params  []*ort.Tensor[float32] // as Graph.Swapped
}

// Session makes a session with the bundle's parameters, which are copied. They must be finite, and deviations
// to standardise with above zero.
func (m *Model) Session(params map[string]safetensors.Tensor) (*Session, error) {
	binding, err := m.session.CreateIoBinding()
	if err != nil {
		return nil, fmt.Errorf("making session: %s: %w", oneLine(err), ErrLibrary)
	}
	s := &Session{model: m, binding: binding}
	if err := s.bindAll(params); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// bindAll makes and binds every tensor.
func (s *Session) bindAll(params map[string]safetensors.Tensor) error {
	g := s.model.graph
	for _, n := range g.Inputs {
		t, err := s.tensor(n.Name, append([]int{s.model.batch}, n.Shape...), s.binding.BindInput)
		if err != nil {
			return err
		}
		s.inputs = append(s.inputs, t)
	}
	if err := checkDeviations(g, params); err != nil {
		return err
	}
	for _, p := range g.Swapped() {
		if err := s.bindParam(p, params); err != nil {
			return err
		}
	}
	for i, n := range g.Outputs {
		t, err := s.tensor(outputName(i), append([]int{s.model.batch}, n.Shape...), s.binding.BindOutput)
		if err != nil {
			return err
		}
		s.outputs = append(s.outputs, t)
	}
	return nil
}

// tensor makes a zero tensor and binds it.
func (s *Session) tensor(name string, shape []int, bind func(string, ort.Value) error) (*ort.Tensor[float32], error) {
	dims := make(ort.Shape, len(shape))
	for i, d := range shape {
		dims[i] = int64(d)
	}
	t, err := ort.NewEmptyTensor[float32](dims)
	if err != nil {
		return nil, fmt.Errorf("making tensor %q of %v: %s: %w", name, shape, oneLine(err), ErrLibrary)
	}
	if err := bind(name, t); err != nil {
		return nil, errors.Join(fmt.Errorf("binding %q: %s: %w", name, oneLine(err), ErrLibrary), t.Destroy())
	}
	return t, nil
}

// bindParam checks one parameter of the bundle and binds it. It is bound after it is filled, because a bound
// input is copied to its device when it is bound.
func (s *Session) bindParam(p *graph.Param, params map[string]safetensors.Tensor) error {
	values, err := paramValues(p, params)
	if err != nil {
		return err
	}
	t, err := s.tensor(p.Name, p.Shape, func(name string, v ort.Value) error {
		copy(v.(*ort.Tensor[float32]).GetData(), values)
		return s.binding.BindInput(name, v)
	})
	if err != nil {
		return err
	}
	s.params = append(s.params, t)
	return nil
}

// checkDeviations refuses to divide by zero: what is standardised needs deviations above it.
func checkDeviations(g *graph.Graph, params map[string]safetensors.Tensor) error {
	for _, n := range g.Nodes {
		if n.Op != graph.Standardise || !n.Params[1].Swapped() {
			continue
		}
		values, err := paramValues(n.Params[1], params)
		if err != nil {
			return err
		}
		for i, v := range values {
			if !(v > 0) {
				return fmt.Errorf("bundle parameter %q, element %d is %g, a deviation is above 0: %w", n.Params[1].Name, i, v, ErrInput)
			}
		}
	}
	return nil
}

// paramValues finds and checks the values of one parameter.
func paramValues(p *graph.Param, params map[string]safetensors.Tensor) ([]float32, error) {
	t, ok := params[p.Name]
	if !ok {
		return nil, fmt.Errorf("bundle parameter %q is missing: %w", p.Name, ErrInput)
	}
	if !slices.Equal(t.Shape, p.Shape) {
		return nil, fmt.Errorf("bundle parameter %q has shape %v, the graph wants %v: %w", p.Name, t.Shape, p.Shape, ErrInput)
	}
	values, err := t.Float32s()
	if err != nil {
		return nil, fmt.Errorf("bundle parameter %q: %w", p.Name, err)
	}
	if i := firstNotFinite(values); i >= 0 {
		return nil, fmt.Errorf("bundle parameter %q, element %d is %g: %w", p.Name, i, values[i], ErrInput)
	}
	return values, nil
}

// Input is the memory of the i-th of Graph.Inputs, (Batch, shape...) row-major. Write it before Run.
func (s *Session) Input(i int) []float32 { return s.inputs[i].GetData() }

// Output is the memory of the i-th of Graph.Outputs, (Batch, shape...) row-major, valid until the next Run.
func (s *Session) Output(i int) []float32 { return s.outputs[i].GetData() }

// Run fills the outputs from the inputs. On the CPU it allocates nothing on Go's heap.
func (s *Session) Run() error {
	if s.model.says.Device != CPU {
		if err := s.rebind(); err != nil {
			return err
		}
	}
	if err := s.model.session.RunWithBinding(s.binding); err != nil {
		return fmt.Errorf("running model: %s: %w", oneLine(err), ErrLibrary)
	}
	return nil
}

// rebind sends the inputs to the device, which happens when they are bound.
func (s *Session) rebind() error {
	for i, n := range s.model.graph.Inputs {
		if err := s.binding.BindInput(n.Name, s.inputs[i]); err != nil {
			return fmt.Errorf("sending %q to %s: %s: %w", n.Name, s.model.says.Device, oneLine(err), ErrLibrary)
		}
	}
	return nil
}

// Close frees the session's tensors.
func (s *Session) Close() error {
	errs := []error{s.binding.Destroy()}
	for _, group := range [][]*ort.Tensor[float32]{s.inputs, s.params, s.outputs} {
		for _, t := range group {
			errs = append(errs, t.Destroy())
		}
	}
	return errors.Join(errs...)
}

// firstNotFinite is the index of the first NaN or infinity, -1 if there is none.
func firstNotFinite(v []float32) int {
	for i, x := range v {
		if math.Float32bits(x)&0x7f800000 == 0x7f800000 {
			return i
		}
	}
	return -1
}
