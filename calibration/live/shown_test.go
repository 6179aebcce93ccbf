package live

import (
	"fmt"
	"strings"
	"testing"

	"sim2reald/calibration"
)

// TestAround: what is shown of a view goes around all that was seen of the board, whatever is cut off.
func TestAround(t *testing.T) {
	at := func(uv ...[2]float64) (v calibration.View) {
		for i, p := range uv {
			v.Corners = append(v.Corners, calibration.Corner{ID: 3 * i, U: p[0], V: p[1]})
		}
		return v
	}
	for _, c := range []struct {
		name string
		v    calibration.View
		want string
	}{
		{"nothing", at(), "[]"},
		{"a grid", at([2]float64{0, 0}, [2]float64{1, 0}, [2]float64{2, 0}, [2]float64{0, 1}, [2]float64{1, 1}, [2]float64{2, 1}), "[[0 0] [2 0] [2 1] [0 1]]"},
		{"without a corner", at([2]float64{1, 0}, [2]float64{2, 0}, [2]float64{0, 1}, [2]float64{1, 1}, [2]float64{2, 1}), "[[0 1] [1 0] [2 0] [2 1]]"},
	} {
		if got := fmt.Sprint(around(c.v)); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

// TestBars tell what there is of what is wanted.
func TestBars(t *testing.T) {
	b := newBench(t, "")
	b.Collect(true)
	for _, at := range []calibration.Transform{board(-0.2, -0.15, 0.6, 0), board(0, 0, 0.6, 0.45), board(0.05, 0.05, 0.45, 0)} {
		b.hold(at, nil)
	}
	s := b.Shown()
	want := map[string]string{"views": "3 of 15", "tilt": "up to 2"}
	for _, bar := range s.Bars {
		if !strings.HasPrefix(bar.Text, want[bar.Name]) || !(bar.Part > 0) {
			t.Errorf("%+v", bar)
		}
	}
	if len(s.Missing) == 0 || !strings.Contains(s.Missing[0], "lower left") {
		t.Errorf("missing: %q", s.Missing)
	}
	h := newBench(t, calibration.EyeInHand)
	h.Collect(true)
	for i := range 6 {
		turned := calibration.Transform{R: calibration.Exp(calibration.Vec{0.15 * float64(i), 0, 0})}
		h.hold(board(0, 0, 0.6, 0), func(l *Look) { l.Arm.TBaseFlange = turned })
	}
	s = h.Shown()
	if len(s.Views) != 6 || len(s.Missing) != 1 || !strings.Contains(s.Missing[0], "about one axis only") || s.Enough {
		t.Errorf("%d views, %v, missing %q", len(s.Views), s.Bars, s.Missing)
	}
}
