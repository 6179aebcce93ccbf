package engine

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"sync"

	"google.golang.org/protobuf/encoding/protowire"
)

// blockedDomain is that of the layers that ONNX Runtime has moved to its layout in blocks of channels.
const blockedDomain = "com.microsoft.nchwc"

// maxMarks keeps marks above 1e38, where no weight is.
const maxMarks = 1 << 25

// marks are numbers that stand for the numbers of all that is made while ONNX Runtime optimises a model: all different,
// in order, the largest below infinity.
type marks struct {
	first uint32 // bits of the first
	ends  []int  // of each made parameter, in numbers from the first
}

func newMarks(all []*made) (marks, error) {
	var m marks
	total := 0
	for _, k := range all {
		total += k.param.Len()
		m.ends = append(m.ends, total)
	}
	if total > maxMarks {
		return m, fmt.Errorf("bundles of %d numbers in convolutions, at most %d are followed: %w", total, maxMarks, ErrLower)
	}
	m.first = math.Float32bits(float32(math.Inf(1))) - uint32(total)
	return m, nil
}

// of are the marks of the i-th parameter.
func (m marks) of(i int) []float32 {
	begin := 0
	if i > 0 {
		begin = m.ends[i-1]
	}
	out := make([]float32, m.ends[i]-begin)
	for k := range out {
		out[k] = math.Float32frombits(m.first + uint32(begin+k))
	}
	return out
}

// total is how many there are.
func (m marks) total() int {
	if len(m.ends) == 0 {
		return 0
	}
	return m.ends[len(m.ends)-1]
}

// place is a constant of the optimised model that has become an input: where each of its numbers comes from.
type place struct {
	name  string
	shape []int
	from  []uint32 // 1 + the place in what is made, 0 for padding with zeros; nil where all lie as they are made

	once  sync.Once
	still []float32 // see ordered
}

// optimised is a model that ONNX Runtime has written, while it is read.
type optimised struct {
	marks   marks
	made    []*made
	kept    [][]byte // of the graph, whole fields
	size    int
	seen    []bool // marks
	blocked bool
}

// unmark reads an optimised model and gives it with inputs in place of every constant with marks, which are the places
// of all. blocked says whether any layer is in blocks of channels. The model's bytes are not kept.
func unmark(model []byte, all []*made, m marks) (out []byte, blocked bool, err error) {
	o := &optimised{marks: m, made: all, seen: make([]bool, m.total())}
	var head []byte
	err = fields(model, func(number protowire.Number, field, body []byte) error {
		if number == modelGraph {
			return fields(body, o.graphField)
		}
		head = append(head, field...)
		return nil
	})
	if err != nil {
		return nil, false, err
	}
	if i := slices.Index(o.seen, false); i >= 0 {
		k := slices.IndexFunc(m.ends, func(end int) bool { return i < end })
		return nil, false, fmt.Errorf("ONNX Runtime has computed with %q: %w", all[k].param.Name, ErrLower)
	}
	head = protowire.AppendTag(head, modelGraph, protowire.BytesType)
	head = protowire.AppendVarint(head, uint64(o.size))
	out = make([]byte, 0, len(head)+o.size)
	out = append(out, head...)
	for _, field := range o.kept {
		out = append(out, field...)
	}
	return out, o.blocked, nil
}

// fields calls f for every field of a message: its number, all its bytes and, where its value is bytes, those.
func fields(message []byte, f func(number protowire.Number, field, body []byte) error) error {
	for len(message) > 0 {
		number, kind, tag := protowire.ConsumeTag(message)
		if tag < 0 {
			return fmt.Errorf("optimised model: %v: %w", protowire.ParseError(tag), ErrLower)
		}
		length := protowire.ConsumeFieldValue(number, kind, message[tag:])
		if length < 0 {
			return fmt.Errorf("optimised model: %v: %w", protowire.ParseError(length), ErrLower)
		}
		var body []byte
		if kind == protowire.BytesType {
			body, _ = protowire.ConsumeBytes(message[tag:])
		}
		if err := f(number, message[:tag+length], body); err != nil {
			return err
		}
		message = message[tag+length:]
	}
	return nil
}

func (o *optimised) keep(field []byte) {
	o.kept, o.size = append(o.kept, field), o.size+len(field)
}

// graphField keeps a field of the graph, or puts an input in its place.
func (o *optimised) graphField(number protowire.Number, field, body []byte) error {
	switch number {
	case graphNode:
		return o.node(field, body)
	case graphInitializer:
		return o.constant(field, body)
	}
	o.keep(field)
	return nil
}

func (o *optimised) node(field, body []byte) error {
	o.keep(field)
	return fields(body, func(number protowire.Number, _, value []byte) error {
		o.blocked = o.blocked || number == nodeDomain && string(value) == blockedDomain
		return nil
	})
}

// constant keeps a constant, or makes an input of it if it is of marks.
func (o *optimised) constant(field, body []byte) error {
	t, err := readTensor(body)
	if err != nil {
		return err
	}
	if !t.floats() || !o.marked(t) {
		o.keep(field)
		return nil
	}
	p, k, err := o.placed(t)
	if err != nil {
		return err
	}
	o.made[k].places = append(o.made[k].places, p)
	o.keep(protowire.AppendBytes(protowire.AppendTag(nil, graphInput, protowire.BytesType), valueInfo(p.name, p.shape)))
	return nil
}

// mark is the place of a mark among all, -1 for any other number.
func (o *optimised) mark(bits uint32) int {
	if bits < o.marks.first || bits-o.marks.first >= uint32(o.marks.total()) {
		return -1
	}
	return int(bits - o.marks.first)
}

func (o *optimised) marked(t tensor) bool {
	for i := range t.len() {
		if o.mark(t.bits(i)) >= 0 {
			return true
		}
	}
	return false
}

// placed finds where the numbers of a constant with marks come from, all from one made parameter: the k-th.
func (o *optimised) placed(t tensor) (p *place, k int, err error) {
	p = &place{name: t.name, shape: t.shape, from: make([]uint32, t.len())}
	k, begin, end, moved := -1, 0, 0, false
	for i := range p.from {
		at := o.mark(t.bits(i))
		if at >= 0 && k < 0 {
			k = slices.IndexFunc(o.marks.ends, func(end int) bool { return at < end })
			end = o.marks.ends[k]
			begin = end - o.made[k].param.Len()
		}
		if at < 0 && t.bits(i) != 0 || at >= 0 && (at < begin || at >= end) {
			return nil, 0, fmt.Errorf("ONNX Runtime has computed with what it has in %q: %w", t.name, ErrLower)
		}
		moved = moved || at-begin != i
		if at >= 0 {
			o.seen[at] = true
			p.from[i] = uint32(at-begin) + 1
		}
	}
	if !moved && t.len() == o.made[k].param.Len() {
		p.from = nil
	}
	return p, k, nil
}

// tensor is a constant of a model.
type tensor struct {
	name  string
	shape []int
	dtype int
	raw   []byte
}

func readTensor(body []byte) (t tensor, err error) {
	err = fields(body, func(number protowire.Number, field, value []byte) error {
		switch number {
		case tensorName:
			t.name = string(value)
		case tensorRaw:
			t.raw = value
		case tensorType:
			t.dtype = int(varintOf(field))
		case tensorDims:
			if value != nil { // packed
				return fmt.Errorf("optimised model: packed shapes: %w", ErrLower)
			}
			t.shape = append(t.shape, int(varintOf(field)))
		}
		return nil
	})
	return t, err
}

// varintOf is the value of a field that holds one.
func varintOf(field []byte) uint64 {
	_, _, tag := protowire.ConsumeTag(field)
	v, _ := protowire.ConsumeVarint(field[tag:])
	return v
}

// floats says whether all of the tensor's numbers are float32s in raw.
func (t tensor) floats() bool {
	n := 1
	for _, d := range t.shape {
		n *= d
	}
	return t.dtype == onnxFloat && len(t.raw) == 4*n
}

func (t tensor) len() int { return len(t.raw) / 4 }

func (t tensor) bits(i int) uint32 { return binary.LittleEndian.Uint32(t.raw[4*i:]) }
