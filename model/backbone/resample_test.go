package backbone

import (
	"math"
	"testing"

	"sim2reald/model/safetensors"
)

// TestResample holds the filter to Pillow's. Pillow keeps float32 between its two passes, values are of the
// order of one: hence 2e-6.
func TestResample(t *testing.T) {
	const tolerance = 2e-6
	f, err := safetensors.ReadFile("testdata/resample.safetensors", safetensors.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"shrink", "grow", "mixed", "odd"} {
		t.Run(name, func(t *testing.T) {
			from, to := f.Tensors[name+".in"], f.Tensors[name+".out"]
			in, err := from.Float32s()
			if err != nil {
				t.Fatal(err)
			}
			want, err := to.Float32s()
			if err != nil {
				t.Fatal(err)
			}
			got := resample(in, from.Shape[0], from.Shape[1], to.Shape[0], to.Shape[1], from.Shape[2])
			if len(got) != len(want) {
				t.Fatalf("%d numbers, want %d", len(got), len(want))
			}
			for i := range want {
				if d := math.Abs(float64(got[i] - want[i])); !(d <= tolerance) {
					t.Fatalf("number %d is %g, Pillow's %g", i, got[i], want[i])
				}
			}
		})
	}
}

func TestFiltersSumToOne(t *testing.T) {
	for from := 1; from <= 40; from += 3 {
		for to := 1; to <= 40; to += 3 {
			for i, f := range filters(from, to) {
				sum := 0.0
				for _, w := range f.weights {
					sum += w
				}
				if !(math.Abs(sum-1) < 1e-12) || f.first < 0 || f.first+len(f.weights) > from {
					t.Fatalf("%d to %d, output %d: weights sum to %g over [%d, %d)", from, to, i, sum, f.first, f.first+len(f.weights))
				}
			}
		}
	}
}
