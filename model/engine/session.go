package engine

import (
	"errors"
	"fmt"
	"maps"
	"math"
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
// with above zero. They are not copied where they are float32, and must then stay as they are: a tensor that
// many bundles have in common, such as a zero, is in memory once.
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
	swapped := s.model.graph.Swapped()
	if s.runner == nil {
		if s.runner, err = s.model.bake(params); err != nil {
			return err
		}
		swapped = nil // they are constants
	}
	if s.buffers == nil {
		if s.buffers, err = s.model.newBuffers(); err != nil {
			return err
		}
	}
	if s.binding, err = s.runner.CreateIoBinding(); err != nil {
		return fmt.Errorf("making session: %s: %w", oneLine(err), ErrLibrary)
	}
	if err := s.bind(); err != nil {
		return err
	}
	for _, p := range swapped {
		if err := s.bindParam(p, params); err != nil {
			return err
		}
	}
	return nil
}

// bake makes an engine for one bundle, its parameters as constants, where they cannot be inputs.
func (m *Model) bake(params map[string]safetensors.Tensor) (*ort.DynamicAdvancedSession, error) {
	all := maps.Clone(m.values)
	for _, p := range m.graph.Swapped() {
		values, err := paramValues(p, params)
		if err != nil {
			return nil, err
		}
		all[p.Name] = safetensors.Float32(p.Shape, values)
	}
	return m.load(frozen(m.graph), all)
}

// frozen is the same network with every parameter a constant.
func frozen(g *graph.Graph) *graph.Graph {
	params := map[*graph.Param]*graph.Param{nil: nil}
	out := &graph.Graph{}
	for _, p := range g.Params {
		params[p] = &graph.Param{Name: p.Name, Shape: p.Shape}
		out.Params = append(out.Params, params[p])
	}
	nodes := map[*graph.Node]*graph.Node{}
	mapped := func(from []*graph.Node) (to []*graph.Node) {
		for _, n := range from {
			to = append(to, nodes[n])
		}
		return to
	}
	for _, n := range g.Nodes {
		c := *n
		c.In, c.Params = mapped(n.In), nil
		for _, p := range n.Params {
			params[p].Delta = params[p.Delta]
			c.Params = append(c.Params, params[p])
		}
		nodes[n] = &c
		out.Nodes = append(out.Nodes, &c)
	}
	out.Inputs, out.Outputs = mapped(g.Inputs), mapped(g.Outputs)
	return out
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

// bind binds inputs and outputs.
func (s *Session) bind() error {
	for i, n := range s.model.graph.Inputs {
		if err := s.binding.BindInput(n.Name, s.inputs[i]); err != nil {
			return fmt.Errorf("binding %q: %s: %w", n.Name, oneLine(err), ErrLibrary)
		}
	}
	for i := range s.model.graph.Outputs {
		if err := s.binding.BindOutput(outputName(i), s.outputs[i]); err != nil {
			return fmt.Errorf("binding %q: %s: %w", outputName(i), oneLine(err), ErrLibrary)
		}
	}
	return nil
}

// bindParam checks one parameter of the bundle and binds it. On a GPU it is copied there at this moment.
func (s *Session) bindParam(p *graph.Param, params map[string]safetensors.Tensor) error {
	values, err := paramValues(p, params)
	if err != nil {
		return err
	}
	t, err := ort.NewTensor(dims(p.Shape), values)
	if err != nil {
		return fmt.Errorf("making tensor %q of %v: %s: %w", p.Name, p.Shape, oneLine(err), ErrLibrary)
	}
	s.params = append(s.params, t)
	if err := s.binding.BindInput(p.Name, t); err != nil {
		return fmt.Errorf("binding %q: %s: %w", p.Name, oneLine(err), ErrLibrary)
	}
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
	values, err := t.View()
	if err != nil {
		return nil, fmt.Errorf("bundle parameter %q: %w", p.Name, err)
	}
	if len(values) != p.Len() {
		return nil, fmt.Errorf("bundle parameter %q has %d numbers, its shape %v wants %d: %w", p.Name, len(values), p.Shape, p.Len(), ErrInput)
	}
	if i := firstNotFinite(values); i >= 0 {
		return nil, fmt.Errorf("bundle parameter %q, element %d is %g: %w", p.Name, i, values[i], ErrInput)
	}
	return values, nil
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
		if err := s.rebind(); err != nil {
			return err
		}
	}
	if err := s.runner.RunWithBinding(s.binding); err != nil {
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

// firstNotFinite is the index of the first NaN or infinity, -1 if there is none.
func firstNotFinite(v []float32) int {
	for i, x := range v {
		if math.Float32bits(x)&0x7f800000 == 0x7f800000 {
			return i
		}
	}
	return -1
}
