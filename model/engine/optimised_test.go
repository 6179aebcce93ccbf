package engine

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"sim2reald/model/graph"
	"sim2reald/model/safetensors"
)

// marked is a model of two constants of marks, the second moved and padded, and one that is none; and what they stand for.
func marked(t testing.TB, change func(second []float32)) ([]byte, []*made, marks) {
	t.Helper()
	all := []*made{{param: &graph.Param{Name: "bias", Shape: []int{2}}}, {param: &graph.Param{Name: "weight", Shape: []int{3, 1}}}}
	m, err := newMarks(all)
	if err != nil {
		t.Fatal(err)
	}
	l := &lowering{batch: 1}
	moved := m.of(1)
	moved = []float32{moved[2], moved[1], moved[0], 0}
	change(moved)
	for name, v := range map[string][]float32{"bias": m.of(0), "reordered": moved, "other": {1, 2}} {
		l.constant(name, onnxFloat, []int{len(v)}, safetensors.Float32(nil, v).Data)
	}
	l.emit("Relu", []string{"other"})
	onnx, err := l.model()
	if err != nil {
		t.Fatal(err)
	}
	return onnx, all, m
}

func TestUnmark(t *testing.T) {
	onnx, all, m := marked(t, func([]float32) {})
	out, blocked, err := unmark(onnx, all, m)
	if err != nil || blocked {
		t.Fatalf("blocked %v, %v", blocked, err)
	}
	for _, name := range []string{"reordered", "bias", "other", "Relu"} {
		if !strings.Contains(string(out), name) {
			t.Errorf("%q is lost", name)
		}
	}
	if len(out) >= len(onnx)+8 {
		t.Errorf("%d bytes of %d: the constants are still there", len(out), len(onnx))
	}
	bias, weight := all[0].places, all[1].places
	if len(bias) != 1 || bias[0].from != nil || bias[0].name != "bias" {
		t.Errorf("bias: %+v", bias)
	}
	if len(weight) != 1 || !slices.Equal(weight[0].order([]float32{5, 6, 7}), []float32{7, 6, 5, 0}) {
		t.Errorf("weight: %+v", weight)
	}
}

func TestUnmarkRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		change func(second []float32)
		want   string
	}{
		"computed with":          {func(v []float32) { v[0] = 0.5 }, `"reordered"`},
		"left out":               {func(v []float32) { v[0] = 0 }, `computed with "weight"`},
		"two parameters in one":  {func(v []float32) { v[3] = first(t) }, `"reordered"`},
		"a part left out of two": {func(v []float32) { v[1] = v[0] }, `computed with "weight"`},
	} {
		onnx, all, m := marked(t, c.change)
		if _, _, err := unmark(onnx, all, m); !errors.Is(err, ErrLower) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
	onnx, all, m := marked(t, func([]float32) {})
	if _, _, err := unmark(onnx[:len(onnx)-1], all, m); !errors.Is(err, ErrLower) {
		t.Errorf("cut off: %v", err)
	}
	if _, err := newMarks([]*made{{param: &graph.Param{Shape: []int{maxMarks, 2}}}}); !errors.Is(err, ErrLower) {
		t.Errorf("too many: %v", err)
	}
}

// first is the first mark of marked's.
func first(t testing.TB) float32 {
	_, _, m := marked(t, func([]float32) {})
	return m.of(0)[0]
}

// FuzzUnmark: whatever the library writes, the reader ends with a model or an error.
func FuzzUnmark(f *testing.F) {
	onnx, _, _ := marked(f, func([]float32) {})
	f.Add(onnx)
	f.Fuzz(func(t *testing.T, model []byte) {
		_, all, m := marked(t, func([]float32) {})
		if _, _, err := unmark(model, all, m); err != nil && !errors.Is(err, ErrLower) {
			t.Fatal(err)
		}
	})
}
