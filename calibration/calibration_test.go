package calibration

import (
	"math"
	"testing"
)

func TestPinhole(t *testing.T) {
	k, err := Pinhole(224, 112, math.Pi/2)
	if err != nil {
		t.Fatal(err)
	}
	// The upper edge of the picture lies half a pixel above the centre of row 0, at half the field of view.
	u, v, ok := k.Project(0, -1, 1)
	if !ok || math.Abs(u-111.5) > 1e-9 || math.Abs(v+0.5) > 1e-9 {
		t.Errorf("got %v, %v, %v", u, v, ok)
	}
	if _, _, ok := k.Project(0, 0, -1); ok {
		t.Error("a point behind the camera was seen")
	}
	for _, bad := range []float64{0, -1, math.Pi, math.NaN()} {
		if _, err := Pinhole(224, 224, bad); err == nil {
			t.Errorf("field of view %v was accepted", bad)
		}
	}
}
