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

// Session is one bundle on a Model: its parameters, and the tensors that a run reads and fills. It is used
// from one goroutine at a time; several sessions may share a model, and with Options.OneAtATime they share its
// inputs and outputs too.
type Session struct {
	model   *Model
	runner  *ort.DynamicAdvancedSession // the model's, or this bundle's own
	binding *ort.IoBinding
	*buffers
	params []*ort.Tensor[float32]
}

// buffers are the tensors that a run reads and fills.
type buffers struct {
	inputs  []*ort.Tensor[float32] // as Graph.Inputs
	outputs []*ort.Tensor[float32] // as Graph.Outputs
}

// Session makes a session with the bundle's parameters. They must be finite, and deviations to standardise
// with above zero. They are not copied where they are float32, and must then stay as they are. What a bundle adds to
// the base's parameters is summed here, once, and costs nothing where it is zero; what convolutions take of it is put into
// the order that they want, see blocked.go.
func (m *Model) Session(params map[string]safetensors.Tensor) (*Session, error) {
	if err := checkDeviations(m.graph, params); err != nil {
		return nil, err
	}
	s := &Session{model: m, runner: m.session, buffers: m.shared}
	if err := s.open(params); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// open makes what the session does not share and binds everything.
func (s *Session) open(params map[string]safetensors.Tensor) (err error) {
	if s.runner == nil {
		if s.runner, err = s.model.bake(params); err != nil {
			return err
		}
	}
	if s.buffers == nil {
		if s.buffers, err = s.model.newBuffers(); err != nil {
			return err
		}
	}
	if s.binding, err = s.runner.CreateIoBinding(); err != nil {
		return fmt.Errorf("making session: %s: %w", oneLine(err), ErrLibrary)
	}
	if err := errors.Join(s.bindInputs(), s.bindOutputs()); err != nil {
		return err
	}
	for _, p := range s.model.plain {
		if err := s.bindParam(p, params); err != nil {
			return err
		}
	}
	for _, k := range s.model.made {
		if err := s.bindMade(k, params); err != nil {
			return err
		}
	}
	return nil
}

// newBuffers makes zero tensors for every input and output.
func (m *Model) newBuffers() (*buffers, error) {
	b := &buffers{}
	for _, group := range []struct {
		nodes []*graph.Node
		into  *[]*ort.Tensor[float32]
	}{{m.graph.Inputs, &b.inputs}, {m.graph.Outputs, &b.outputs}} {
		for _, n := range group.nodes {
			shape := append([]int{m.opts.Batch}, n.Shape...)
			t, err := ort.NewEmptyTensor[float32](dims(shape))
			if err != nil {
				err = fmt.Errorf("making tensor %q of %v: %s: %w", n.Name, shape, oneLine(err), ErrLibrary)
				return nil, errors.Join(err, b.close())
			}
			*group.into = append(*group.into, t)
		}
	}
	return b, nil
}

func (b *buffers) close() error {
	var errs []error
	for _, t := range append(slices.Clone(b.inputs), b.outputs...) {
		errs = append(errs, t.Destroy())
	}
	return errors.Join(errs...)
}

func dims(shape []int) ort.Shape {
	out := make(ort.Shape, len(shape))
	for i, d := range shape {
		out[i] = int64(d)
	}
	return out
}

// bindInputs also sends them to the device, as they are at this moment.
func (s *Session) bindInputs() error {
	for i, n := range s.model.graph.Inputs {
		if err := s.binding.BindInput(n.Name, s.inputs[i]); err != nil {
			return fmt.Errorf("binding %q: %s: %w", n.Name, oneLine(err), ErrLibrary)
		}
	}
	return nil
}

func (s *Session) bindOutputs() error {
	for i := range s.model.graph.Outputs {
		if err := s.binding.BindOutput(outputName(i), s.outputs[i]); err != nil {
			return fmt.Errorf("binding %q: %s: %w", outputName(i), oneLine(err), ErrLibrary)
		}
	}
	return nil
}

// bindParam checks one parameter of the bundle and binds it. On a GPU it is copied there at this moment.
func (s *Session) bindParam(p *graph.Param, params map[string]safetensors.Tensor) error {
	values, err := s.model.inputValues(p, params)
	if err != nil {
		return err
	}
	return s.bindValues(p.Name, p.Shape, values)
}

// bindMade makes one parameter of convolutions and binds it to all its places.
func (s *Session) bindMade(k *made, params map[string]safetensors.Tensor) error {
	values, still, err := k.values(params)
	if err != nil {
		return err
	}
	for _, p := range k.places {
		if err := s.bindValues(p.name, p.shape, p.ordered(values, still)); err != nil {
			return err
		}
	}
	return nil
}

func (s *Session) bindValues(name string, shape []int, values []float32) error {
	t, err := ort.NewTensor(dims(shape), values)
	if err != nil {
		return fmt.Errorf("making tensor %q of %v: %s: %w", name, shape, oneLine(err), ErrLibrary)
	}
	s.params = append(s.params, t)
	if err := s.binding.BindInput(name, t); err != nil {
		return fmt.Errorf("binding %q: %s: %w", name, oneLine(err), ErrLibrary)
	}
	return nil
}

// Graph is the network that the session runs.
func (s *Session) Graph() *graph.Graph { return s.model.graph }

// Batch is the number of examples to a run.
func (s *Session) Batch() int { return s.model.opts.Batch }

// Describe says what really runs.
func (s *Session) Describe() model.Description { return s.model.says }

// Input is the memory of the i-th of Graph.Inputs, (Batch, shape...) row-major. Write it before Run.
func (s *Session) Input(i int) []float32 { return s.inputs[i].GetData() }

// Output is the memory of the i-th of Graph.Outputs, (Batch, shape...) row-major, valid until the next Run.
func (s *Session) Output(i int) []float32 { return s.outputs[i].GetData() }

// Run fills the outputs from the inputs. On the CPU it allocates nothing on Go's heap.
func (s *Session) Run() error {
	if s.model.says.Device != CPU {
		if err := s.bindInputs(); err != nil {
			return err
		}
	}
	if err := s.runner.RunWithBinding(s.binding); err != nil {
		return fmt.Errorf("running model: %s: %w", oneLine(err), ErrLibrary)
	}
	return nil
}

// Close frees what the session does not share.
func (s *Session) Close() error {
	var errs []error
	if s.binding != nil {
		errs = append(errs, s.binding.Destroy())
	}
	for _, t := range s.params {
		errs = append(errs, t.Destroy())
	}
	if s.buffers != nil && s.buffers != s.model.shared {
		errs = append(errs, s.buffers.close())
	}
	if s.runner != nil && s.runner != s.model.session {
		errs = append(errs, s.runner.Destroy())
	}
	return errors.Join(errs...)
}
