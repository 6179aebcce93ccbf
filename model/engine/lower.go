package engine

import (
	"fmt"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"

	"sim2reald/model/graph"
	"sim2reald/model/safetensors"
)

// maxModel is protobuf's own limit for one message.
const maxModel = 1<<31 - 1

// Lower writes g as an ONNX model for batches of the given size. Frozen parameters become constants, taken
// from values; those of the bundle become inputs after the graph's own, named as they are. The input of a delta takes
// the sum with the parameter that it is added to, which is no constant then. The model's outputs are named
// "output.0", "output.1", ...
func Lower(g *graph.Graph, values map[string]safetensors.Tensor, batch int) ([]byte, error) {
	l, err := newLowering(g, batch)
	if err != nil {
		return nil, err
	}
	if err := l.parameters(g.Params, values); err != nil {
		return nil, err
	}
	for _, n := range g.Nodes {
		if err := l.layer(n); err != nil {
			return nil, err
		}
	}
	l.outputs(g)
	return l.model()
}

func newLowering(g *graph.Graph, batch int) (*lowering, error) {
	if batch < 1 || batch > 4096 {
		return nil, fmt.Errorf("lowering: batch %d is outside 1 to 4096: %w", batch, ErrLower)
	}
	return &lowering{batch: batch, names: make([]string, len(g.Nodes))}, nil
}

// outputs names the graph's outputs.
func (l *lowering) outputs(g *graph.Graph) {
	for i, n := range g.Outputs {
		name := outputName(i)
		l.emitAs(name, "Identity", []string{l.apart(n)})
		l.part(graphOutput, valueInfo(name, l.shape(n)))
	}
}

func outputName(i int) string { return fmt.Sprintf("output.%d", i) }

// lowering collects the fields of a GraphProto. Their bytes are kept in pieces, so that weights are copied
// once, into the finished model.
type lowering struct {
	batch  int
	names  []string // the ONNX value of each graph node
	pieces [][]byte
	size   int
	count  int // of values made up so far
}

// part adds a field that holds one message.
func (l *lowering) part(field protowire.Number, body []byte) {
	l.partHead(field, len(body))
	l.piece(body)
}

func (l *lowering) partHead(field protowire.Number, length int) {
	l.piece(protowire.AppendVarint(protowire.AppendTag(nil, field, protowire.BytesType), uint64(length)))
}

func (l *lowering) piece(b []byte) {
	l.pieces = append(l.pieces, b)
	l.size += len(b)
}

// parameters writes the constants and declares the inputs.
func (l *lowering) parameters(params []*graph.Param, values map[string]safetensors.Tensor) error {
	for _, p := range params {
		if p.Swapped() {
			l.part(graphInput, valueInfo(p.Name, p.Shape))
			continue
		}
		if p.Delta != nil {
			continue
		}
		raw, err := rawFloats(p, values)
		if err != nil {
			return err
		}
		l.constant(p.Name, onnxFloat, p.Shape, raw)
	}
	return nil
}

// value is the ONNX value of a layer that has been lowered.
func (l *lowering) value(n *graph.Node) string { return l.names[n.ID] }

// param is the ONNX value of a parameter, with what the bundle adds to it, if anything.
func (l *lowering) param(p *graph.Param) string {
	if p.Delta != nil {
		return p.Delta.Name
	}
	return p.Name
}

// rawFloats finds a parameter's values as float32 bytes, without a copy where they are float32 already.
func rawFloats(p *graph.Param, values map[string]safetensors.Tensor) ([]byte, error) {
	t, ok := values[p.Name]
	if !ok {
		return nil, fmt.Errorf("parameter %q has no values: %w", p.Name, ErrLower)
	}
	if !slices.Equal(t.Shape, p.Shape) {
		return nil, fmt.Errorf("parameter %q has shape %v, the graph wants %v: %w", p.Name, t.Shape, p.Shape, ErrLower)
	}
	if t.DType != safetensors.F32 {
		v, err := t.Float32s()
		if err != nil {
			return nil, fmt.Errorf("parameter %q: %w", p.Name, err)
		}
		t = safetensors.Float32(t.Shape, v)
	}
	if len(t.Data) != 4*p.Len() {
		return nil, fmt.Errorf("parameter %q has %d bytes, %d floats need %d: %w",
			p.Name, len(t.Data), p.Len(), 4*p.Len(), ErrLower)
	}
	return t.Data, nil
}

// constant writes an initializer.
func (l *lowering) constant(name string, dtype int64, shape []int, raw []byte) {
	head := tensorHead(name, dtype, shape, len(raw))
	l.partHead(graphInitializer, len(head)+len(raw))
	l.piece(head)
	l.piece(raw)
}

// ints writes a constant of whole numbers and gives its name.
func (l *lowering) ints(v ...int) string {
	name := l.fresh()
	l.constant(name, onnxInt64, []int{len(v)}, int64Bytes(v))
	return name
}

// fresh is a value name that no layer or parameter has: those may not begin with a colon.
func (l *lowering) fresh() string {
	l.count++
	return fmt.Sprintf(":%d", l.count)
}

// emit writes an ONNX node with one output and gives the output's name.
func (l *lowering) emit(op string, in []string, attrs ...attribute) string {
	return l.emitAs(l.fresh(), op, in, attrs...)
}

func (l *lowering) emitAs(out, op string, in []string, attrs ...attribute) string {
	l.emitMany([]string{out}, op, in, attrs...)
	return out
}

func (l *lowering) emitMany(out []string, op string, in []string, attrs ...attribute) {
	var m message
	for _, name := range in {
		m.text(nodeInput, name)
	}
	for _, name := range out {
		m.text(nodeOutput, name)
	}
	m.text(nodeName, out[0])
	m.text(nodeOp, op)
	for _, a := range attrs {
		m.bytes(nodeAttr, a)
	}
	l.part(graphNode, m)
}

// shape is that of a node with its batch axis.
func (l *lowering) shape(n *graph.Node) []int { return append([]int{l.batch}, n.Shape...) }

// model closes the ModelProto.
func (l *lowering) model() ([]byte, error) {
	var head, name, opset message
	opset.text(opsetDomain, "")
	opset.varint(opsetNumber, opsetVersion)
	head.varint(modelIRVersion, irVersion)
	head.text(modelProducer, "sim2reald")
	head.bytes(modelOpset, opset)
	name.text(graphName, "policy")
	l.piece(name)
	head = protowire.AppendTag(head, modelGraph, protowire.BytesType)
	head = protowire.AppendVarint(head, uint64(l.size))
	if len(head)+l.size > maxModel {
		return nil, fmt.Errorf("lowering: model of %d bytes, ONNX takes at most %d: %w", l.size, maxModel, ErrLower)
	}
	out := make([]byte, 0, len(head)+l.size)
	out = append(out, head...)
	for _, p := range l.pieces {
		out = append(out, p...)
	}
	return out, nil
}
