package lerobot

import (
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/parquet-go/parquet-go"
)

// column is one column of a parquet file to be written: its type, and the values of a row in the order of its leaves.
type column struct {
	node parquet.Node
	// put appends the values of row i to the row, numbering its leaves from leaf on, and says how many there are.
	put func(row parquet.Row, leaf, i int) (parquet.Row, int)
}

// writeRows writes n rows of columns that are named as the writer's schema, as a row group of their own.
func writeRows(w *parquet.GenericWriter[any], columns map[string]column, n int) error {
	names := slices.Sorted(maps.Keys(columns)) // a parquet.Group lies in this order
	for i := range n {
		row, leaf := make(parquet.Row, 0, 2*len(names)), 0
		for _, name := range names {
			more := 0
			row, more = columns[name].put(row, leaf, i)
			leaf += more
		}
		if _, err := w.WriteRows([]parquet.Row{row}); err != nil {
			return err
		}
	}
	return w.Flush()
}

func newTable(out io.Writer, columns map[string]column, options ...parquet.WriterOption) *parquet.GenericWriter[any] {
	group := parquet.Group{}
	for name, c := range columns {
		group[name] = c.node
	}
	options = append(options, parquet.NewSchema("schema", group), parquet.Compression(&parquet.Snappy))
	return parquet.NewGenericWriter[any](out, options...)
}

// scalar is one number or text a row.
func scalar(node parquet.Node, value func(i int) parquet.Value) column {
	return column{node, func(row parquet.Row, leaf, i int) (parquet.Row, int) {
		return append(row, value(i).Level(0, 0, leaf)), 1
	}}
}

func whole(values []int64) column {
	return scalar(parquet.Leaf(parquet.Int64Type), func(i int) parquet.Value { return parquet.Int64Value(values[i]) })
}

func seconds(values []float64) column {
	return scalar(parquet.Leaf(parquet.DoubleType), func(i int) parquet.Value { return parquet.DoubleValue(values[i]) })
}

func texts(values []string) column {
	return scalar(parquet.String(), func(i int) parquet.Value { return parquet.ByteArrayValue([]byte(values[i])) })
}

// list is width values a row, all at the same depth of lists within each other.
func list(node parquet.Node, depth, width int, value func(i, k int) parquet.Value) column {
	for range depth {
		node = parquet.List(node)
	}
	return column{node, func(row parquet.Row, leaf, i int) (parquet.Row, int) {
		for k := range width {
			row = append(row, value(i, k).Level(min(k, 1), depth, leaf))
		}
		return row, 1
	}}
}

// bytes are pictures as Hugging Face's datasets embed them: bytes, and a path that is then nobody's.
func embedded(pictures [][]byte) column {
	node := parquet.Group{"bytes": parquet.Optional(parquet.Leaf(parquet.ByteArrayType)), "path": parquet.Optional(parquet.String())}
	return column{node, func(row parquet.Row, leaf, i int) (parquet.Row, int) {
		return append(row, parquet.ByteArrayValue(pictures[i]).Level(0, 1, leaf), parquet.NullValue().Level(0, 0, leaf+1)), 2
	}}
}

// Values are one feature's in the frames of an episode: the list that its dtype asks for, row after row.
type Values struct {
	Floats   []float32
	Ints     []int64
	Bools    []bool
	Pictures [][]byte // PNG
}

// column wants n rows of the feature.
func (v *Values) column(f *Feature, n int) (column, error) {
	width := f.Width()
	have := map[string]int{Float32: len(v.Floats), Int64: len(v.Ints), Bool: len(v.Bools), Image: len(v.Pictures) * width}[f.DType]
	if have != n*width {
		return column{}, fmt.Errorf("%d numbers of %s for %d frames of %d", have, f.DType, n, width)
	}
	leaf := map[string]parquet.Type{Float32: parquet.FloatType, Int64: parquet.Int64Type, Bool: parquet.BooleanType}[f.DType]
	at := func(i, k int) parquet.Value {
		switch f.DType {
		case Float32:
			return parquet.FloatValue(v.Floats[i*width+k])
		case Int64:
			return parquet.Int64Value(v.Ints[i*width+k])
		}
		return parquet.BooleanValue(v.Bools[i*width+k])
	}
	switch {
	case f.DType == Image:
		return embedded(v.Pictures), nil
	case width == 1:
		return scalar(parquet.Leaf(leaf), func(i int) parquet.Value { return at(i, 0) }), nil
	}
	return list(parquet.Leaf(leaf), 1, width, at), nil
}

// numbers are the feature's, for statistics.
func (v *Values) numbers() []float64 {
	out := make([]float64, 0, len(v.Floats)+len(v.Ints)+len(v.Bools))
	for _, x := range v.Floats {
		out = append(out, float64(x))
	}
	for _, x := range v.Ints {
		out = append(out, float64(x))
	}
	for _, x := range v.Bools {
		if x {
			out = append(out, 1)
		} else {
			out = append(out, 0)
		}
	}
	return out
}
