package engine

import (
	"encoding/binary"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// The ONNX messages that are written here, and the field numbers of onnx.proto (onnx 1.23.2) that they use.
// They are written by hand because generated code for all of ONNX would outweigh the few fields in use.
const (
	irVersion    = 10 // of onnx 1.16, the one that opset 20 and 21 came with
	opsetVersion = 20 // the first with Gelu

	modelIRVersion = 1
	modelProducer  = 2
	modelGraph     = 7
	modelOpset     = 8
	opsetDomain    = 1
	opsetNumber    = 2

	graphNode        = 1
	graphName        = 2
	graphInitializer = 5
	graphInput       = 11
	graphOutput      = 12

	nodeInput  = 1
	nodeOutput = 2
	nodeName   = 3
	nodeOp     = 4
	nodeAttr   = 5
	nodeDomain = 7

	attrName   = 1
	attrFloat  = 2
	attrInt    = 3
	attrInts   = 8
	attrType   = 20
	typeFloat  = 1
	typeInt    = 2
	typeInts   = 7
	tensorDims = 1
	tensorType = 2
	tensorName = 8
	tensorRaw  = 9

	valueName   = 1
	valueType   = 2
	typeTensor  = 1
	elementType = 1
	tensorShape = 2
	shapeDim    = 1
	dimValue    = 1

	onnxFloat = 1
	onnxInt64 = 7
)

// message is one protobuf message while it is written.
type message []byte

func (m *message) varint(field protowire.Number, v int64) {
	*m = protowire.AppendTag(*m, field, protowire.VarintType)
	*m = protowire.AppendVarint(*m, uint64(v))
}

func (m *message) float(field protowire.Number, v float32) {
	*m = protowire.AppendTag(*m, field, protowire.Fixed32Type)
	*m = protowire.AppendFixed32(*m, math.Float32bits(v))
}

func (m *message) bytes(field protowire.Number, v []byte) {
	*m = protowire.AppendTag(*m, field, protowire.BytesType)
	*m = protowire.AppendBytes(*m, v)
}

func (m *message) text(field protowire.Number, v string) { m.bytes(field, []byte(v)) }

// attribute is a finished AttributeProto.
type attribute []byte

func floatAttr(name string, v float64) attribute {
	var m message
	m.text(attrName, name)
	m.float(attrFloat, float32(v))
	m.varint(attrType, typeFloat)
	return attribute(m)
}

func intAttr(name string, v int) attribute {
	var m message
	m.text(attrName, name)
	m.varint(attrInt, int64(v))
	m.varint(attrType, typeInt)
	return attribute(m)
}

func intsAttr(name string, v ...int) attribute {
	var m message
	m.text(attrName, name)
	for _, x := range v {
		m.varint(attrInts, int64(x))
	}
	m.varint(attrType, typeInts)
	return attribute(m)
}

// tensorHead is a TensorProto up to its raw data, whose bytes the caller appends.
func tensorHead(name string, dtype int64, shape []int, rawLen int) []byte {
	var m message
	for _, d := range shape {
		m.varint(tensorDims, int64(d))
	}
	m.varint(tensorType, dtype)
	m.text(tensorName, name)
	m = protowire.AppendTag(m, tensorRaw, protowire.BytesType)
	return protowire.AppendVarint(m, uint64(rawLen))
}

// int64Bytes are the raw data of a tensor of whole numbers.
func int64Bytes(v []int) []byte {
	out := make([]byte, 0, 8*len(v))
	for _, x := range v {
		out = binary.LittleEndian.AppendUint64(out, uint64(int64(x)))
	}
	return out
}

// valueInfo describes an input or output of floats.
func valueInfo(name string, shape []int) []byte {
	var dims message
	for _, d := range shape {
		var dim message
		dim.varint(dimValue, int64(d))
		dims.bytes(shapeDim, dim)
	}
	var tensor, typ, m message
	tensor.varint(elementType, onnxFloat)
	tensor.bytes(tensorShape, dims)
	typ.bytes(typeTensor, tensor)
	m.text(valueName, name)
	m.bytes(valueType, typ)
	return m
}

// float32Bytes are the raw data of one float.
func float32Bytes(v float32) []byte {
	return binary.LittleEndian.AppendUint32(nil, math.Float32bits(v))
}
