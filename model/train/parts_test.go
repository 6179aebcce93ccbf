package train

import (
	"bytes"
	"math"
	"slices"
	"testing"

	"sim2reald/camera"
	"sim2reald/model/dataset"
	"sim2reald/model/preprocess"
	"sim2reald/robot"
)

func TestShiftRepeatsEdges(t *testing.T) {
	src := &camera.Frame{Width: 3, Height: 2, Pix: make([]byte, 18)}
	for i := range 6 {
		src.Pix[3*i], src.Pix[3*i+1], src.Pix[3*i+2] = byte(i), byte(10+i), byte(20+i)
	}
	cases := map[string]struct {
		dx, dy int
		want   []byte // of the red channel
	}{
		"none":  {0, 0, []byte{0, 1, 2, 3, 4, 5}},
		"right": {1, 0, []byte{0, 0, 1, 3, 3, 4}},
		"left":  {-2, 0, []byte{2, 2, 2, 5, 5, 5}},
		"down":  {0, 1, []byte{0, 1, 2, 0, 1, 2}},
		"far":   {9, -9, []byte{3, 3, 3, 3, 3, 3}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			var dst camera.Frame
			draw{dx: c.dx, dy: c.dy, brightness: 1, contrast: 1, saturation: 1}.render(src, &dst)
			for i, want := range c.want {
				if got := dst.Pix[3*i : 3*i+3]; !slices.Equal(got, []byte{want, want + 10, want + 20}) {
					t.Fatalf("pixel %d is %v, want red %d", i, got, want)
				}
			}
		})
	}
}

func TestColourFactors(t *testing.T) {
	src := &camera.Frame{Width: 2, Height: 1, Pix: []byte{100, 100, 100, 200, 200, 200}}
	cases := map[string]struct {
		d    draw
		want []byte
	}{
		"brightness": {draw{dx: 0, dy: 0, brightness: 1.1, contrast: 1, saturation: 1}, []byte{110, 110, 110, 220, 220, 220}},
		"contrast":   {draw{dx: 0, dy: 0, brightness: 1, contrast: 0.5, saturation: 1}, []byte{125, 125, 125, 175, 175, 175}},
		"saturation": {draw{dx: 0, dy: 0, brightness: 1, contrast: 1, saturation: 0.5}, []byte{100, 100, 100, 200, 200, 200}}, // grey stays grey
		"clamped":    {draw{dx: 0, dy: 0, brightness: 1.9, contrast: 1, saturation: 1}, []byte{190, 190, 190, 255, 255, 255}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			var dst camera.Frame
			c.d.render(src, &dst)
			if !slices.Equal(dst.Pix, c.want) || src.Pix[0] != 100 {
				t.Fatalf("%v, want %v", dst.Pix, c.want)
			}
		})
	}
	var dst camera.Frame
	draw{dx: 0, dy: 0, brightness: 1, contrast: 1, saturation: 0}.render(&camera.Frame{Width: 1, Height: 1, Pix: []byte{200, 100, 0}}, &dst)
	if want := byte(119); dst.Pix[0] != want || dst.Pix[2] != want { // 0.299*200 + 0.587*100 rounded
		t.Fatalf("desaturated %v, want %d", dst.Pix, want)
	}
}

func TestDrawDependsOnItsNumbersOnly(t *testing.T) {
	a := Augment{Views: 3, ShiftPx: 4, Brightness: 0.1, Contrast: 0.1, Saturation: 0.1, Seed: 2}
	seen := map[draw]bool{}
	for step := range 20 {
		for view := 1; view <= 3; view++ {
			d := a.at(7, step, 0, view)
			if d != a.at(7, step, 0, view) || seen[d] {
				t.Fatalf("step %d view %d: %+v", step, view, d)
			}
			seen[d] = true
			if d.dx < -4 || d.dx > 4 || math.Abs(d.brightness-1) > 0.1 {
				t.Fatalf("%+v out of range", d)
			}
		}
	}
	if a.at(7, 3, 0, 0) != (draw{dx: 0, dy: 0, brightness: 1, contrast: 1, saturation: 1}) {
		t.Fatal("view 0 is not plain")
	}
}

// TestFreshViews: each epoch draws another view of a frame, and validation none.
func TestFreshViews(t *testing.T) {
	a, p := Augment{Fresh: true, ShiftPx: 200, Brightness: 0.1}, pictures{fresh: true}
	seen := map[draw]bool{}
	for epoch := range 50 {
		for step := range 20 {
			seen[a.at(3, step, 0, p.view(epoch, plainView))] = true
		}
	}
	if len(seen) != 50*20 {
		t.Errorf("%d draws in 50 epochs of 20 frames", len(seen))
	}
	if v := p.view(validation, plainView); v != plainView {
		t.Errorf("validation sees view %d", v)
	}
	if v := (&pictures{}).view(4, 2); v != 2 {
		t.Errorf("what is not fresh sees view %d, want that of the example", v)
	}
}

// TestNoise has the deviation that was asked for, no mean, and is the same for the same draw.
func TestNoise(t *testing.T) {
	grey := &camera.Frame{Width: 100, Height: 100, Pix: bytes.Repeat([]byte{128}, 3*100*100)}
	d := Augment{Noise: 0.04, Seed: 1}.at(1, 2, 0, 1)
	var one, two camera.Frame
	d.render(grey, &one)
	d.render(grey, &two)
	sum, squares := 0.0, 0.0
	for _, p := range one.Pix {
		v := float64(p) - 128
		sum, squares = sum+v, squares+v*v
	}
	n := float64(len(one.Pix))
	if mean, deviation := sum/n, math.Sqrt(squares/n); math.Abs(mean) > 0.3 || math.Abs(deviation-0.04*255) > 0.3 {
		t.Errorf("mean %.2f, deviation %.2f, want 0 and %.2f", mean, deviation, 0.04*255)
	}
	if !bytes.Equal(one.Pix, two.Pix) || bytes.Equal(one.Pix, grey.Pix) {
		t.Error("one draw gave two pictures, or the picture as it was")
	}
}

func TestLabelIsClippedToTheDemonstrationsSpeed(t *testing.T) {
	lim := robot.Limits{DQMax: robot.Vector{2, 2, 2}}.Scaled(0.5)
	s := &dataset.Step{Wanted: robot.Command{DQ: robot.Vector{1.5, -3, 0.25}, Gripper: 1.5}}
	got := label(s, 3, &lim)
	if got.DQ != (robot.Vector{1, -1, 0.25}) || got.Gripper != 1 {
		t.Fatalf("%+v", got)
	}
}

func TestChunkBeyondTheEndWeighsNothing(t *testing.T) {
	stats := preprocess.Stats{Mean: []float32{0, 0}, Std: []float32{1, 1}}
	actions, err := preprocess.NewActions(preprocess.JointSpace(1), stats)
	if err != nil {
		t.Fatal(err)
	}
	e := &dataset.Episode{Steps: make([]dataset.Step, 3)}
	for i := range e.Steps {
		e.Steps[i].Wanted.DQ[0] = 0.1 * float64(i+1)
	}
	a := &assembly{features: [][]float32{{10, 11, 20, 21, 30, 31}}, width: 1, views: 2, history: 1, chunk: 2, joints: 1,
		actions: actions, limits: robot.Limits{DQMax: robot.Vector{9}}}
	d := &demonstrations{episodes: []*dataset.Episode{e}}
	ex, err := a.examples(d, []bool{false}, false, 2)
	if err != nil {
		t.Fatal(err)
	}
	if ex.n != 6 || !slices.Equal(ex.x, []float32{10, 11, 20, 21, 30, 31}) {
		t.Fatalf("%d examples of %v", ex.n, ex.x)
	}
	if !slices.Equal(ex.y[:4], []float32{0.1, 0, 0.2, 0}) || !slices.Equal(ex.weight[:4], []float32{1, 1, 1, 1}) {
		t.Fatalf("first row %v weighs %v", ex.y[:4], ex.weight[:4])
	}
	if !slices.Equal(ex.y[20:], []float32{0.3, 0, 0, 0}) || !slices.Equal(ex.weight[20:], []float32{1, 1, 0, 0}) {
		t.Fatalf("last row %v weighs %v", ex.y[20:], ex.weight[20:])
	}
	held, err := a.examples(d, []bool{true}, true, 1)
	if err != nil || held.n != 3 || !slices.Equal(held.x, []float32{10, 20, 30}) {
		t.Fatalf("held out %d examples of %v, want the plain views (%v)", held.n, held.x, err)
	}
}

func TestMomentsHaveAFloor(t *testing.T) {
	rows := [][]float64{{1, 5}, {3, 5}}
	s := moments(2, 2, 0.01, func(i int) []float64 { return rows[i] })
	if !slices.Equal(s.Mean, []float32{2, 5}) || !slices.Equal(s.Std, []float32{1, 0.01}) {
		t.Fatalf("%+v", s)
	}
}

func TestSplitKeepsOneToTrain(t *testing.T) {
	for _, c := range []struct {
		n, want int
		share   float64
	}{{1, 0, 0.9}, {2, 1, 0.9}, {10, 1, 0.1}, {10, 0, 0}, {3, 0, 0.1}} {
		got := 0
		for _, h := range split(c.n, c.share, 1) {
			if h {
				got++
			}
		}
		if got != c.want {
			t.Errorf("%d of %d held out for %g, want %d", got, c.n, c.share, c.want)
		}
	}
	if slices.Equal(split(20, 0.5, 1), split(20, 0.5, 2)) {
		t.Error("the split does not depend on the seed")
	}
}
