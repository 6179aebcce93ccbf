package preprocess

import (
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"sim2reald/camera"
	"sim2reald/model"
	"sim2reald/robot"
)

func testSpec() Spec {
	return Spec{
		Cameras: []Camera{
			{Name: "front", SourceWidth: 16, SourceHeight: 12, Width: 8, Height: 6, Colour: "rgb",
				Interpolation: "area", Mean: [3]float64{0.485, 0.456, 0.406}, Std: [3]float64{0.229, 0.224, 0.225}},
			{Name: "wrist", SourceWidth: 4, SourceHeight: 4, Width: 4, Height: 4, Colour: "rgb",
				Interpolation: "area", Mean: [3]float64{0.5, 0.5, 0.5}, Std: [3]float64{0.5, 0.5, 0.5}},
		},
		Proprioception: ProprioPositions,
	}
}

func testStats(n int) Stats {
	s := Stats{Mean: make([]float32, n), Std: make([]float32, n)}
	for i := range n {
		s.Mean[i], s.Std[i] = 0.1*float32(i), 1+0.5*float32(i)
	}
	return s
}

func noise(name string, w, h int) *camera.Frame {
	r := rand.New(rand.NewPCG(1, 2))
	f := &camera.Frame{Camera: name, Width: w, Height: h, Pix: make([]byte, 3*w*h)}
	for i := range f.Pix {
		f.Pix[i] = byte(r.Uint32())
	}
	return f
}

// naive averages each block of k x k pixels and normalises, the slow obvious way.
func naive(f *camera.Frame, c Camera, k, ch, x, y int) float64 {
	sum := 0.0
	for dy := range k {
		for dx := range k {
			sum += float64(f.Pix[3*((y*k+dy)*f.Width+x*k+dx)+ch])
		}
	}
	return (sum/float64(k*k)/255 - c.Mean[ch]) / c.Std[ch]
}

func TestObserveMatchesNaive(t *testing.T) {
	spec := testSpec()
	o, err := NewObserver(spec, 3, testStats(3))
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	obs := o.Observation()
	frames := []*camera.Frame{noise("front", 16, 12), noise("wrist", 4, 4)}
	state := &robot.State{Q: robot.Vector{1, 2, 3}}
	if err := o.Observe(frames, state, obs); err != nil {
		t.Fatal(err)
	}
	for i, k := range []int{2, 1} {
		c := spec.Cameras[i]
		for ch := range 3 {
			tolerance := 0.5001 / 255 / c.Std[ch] // 8 bit rounding of the mean
			for y := range c.Height {
				for x := range c.Width {
					got := float64(obs.Images[i][(ch*c.Height+y)*c.Width+x])
					if want := naive(frames[i], c, k, ch, x, y); math.Abs(got-want) > tolerance {
						t.Fatalf("%s channel %d at %d,%d: %g, want %g", c.Name, ch, x, y, got, want)
					}
				}
			}
		}
	}
	for j, want := range []float32{1, (2 - 0.1) / 1.5, (3 - 0.2) / 2} {
		if math.Abs(float64(obs.Proprio[j]-want)) > 1e-6 {
			t.Fatalf("proprio %v", obs.Proprio)
		}
	}
}

func TestObserveRefusesOtherFrames(t *testing.T) {
	o, err := NewObserver(testSpec(), 3, testStats(3))
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	cases := map[string]struct {
		frames []*camera.Frame
		want   string
	}{
		"too few":    {[]*camera.Frame{noise("front", 16, 12)}, "1 frames, want 2"},
		"wrong name": {[]*camera.Frame{noise("front", 16, 12), noise("side", 4, 4)}, `"side" where "wrist"`},
		"wrong size": {[]*camera.Frame{noise("front", 12, 16), noise("wrist", 4, 4)}, "12x16"},
		"short":      {[]*camera.Frame{{Camera: "front", Width: 16, Height: 12}, noise("wrist", 4, 4)}, "0 bytes"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			err := o.Observe(c.frames, &robot.State{}, o.Observation())
			if !errors.Is(err, ErrFrame) || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("%v, want %q", err, c.want)
			}
		})
	}
	state := &robot.State{Q: robot.Vector{0, math.NaN(), 0}}
	var bad *NotFiniteError
	err = o.Observe([]*camera.Frame{noise("front", 16, 12), noise("wrist", 4, 4)}, state, o.Observation())
	if !errors.As(err, &bad) || bad.Index != 1 {
		t.Fatalf("NaN position: %v", err)
	}
}

func TestSpecRefuses(t *testing.T) {
	cases := map[string]struct {
		change func(*Spec)
		want   string
	}{
		"no camera":     {func(s *Spec) { s.Cameras = nil }, "no camera"},
		"same name":     {func(s *Spec) { s.Cameras[1].Name = "front" }, "cameras[1].name"},
		"slash":         {func(s *Spec) { s.Cameras[1].Name = "a/b" }, "cameras[1].name"},
		"zero width":    {func(s *Spec) { s.Cameras[0].Width = 0 }, "width_px: 0"},
		"huge source":   {func(s *Spec) { s.Cameras[0].SourceHeight = 5000 }, "source_height_px: 5000"},
		"bgr":           {func(s *Spec) { s.Cameras[0].Colour = "bgr" }, `colour: "bgr"`},
		"interpolation": {func(s *Spec) { s.Cameras[0].Interpolation = "cubic" }, `"cubic"`},
		"zero std":      {func(s *Spec) { s.Cameras[0].Std[1] = 0 }, "std[1] 0"},
		"nan mean":      {func(s *Spec) { s.Cameras[0].Mean[2] = math.NaN() }, "mean[2] NaN"},
		"proprio":       {func(s *Spec) { s.Proprioception = "" }, "proprioception"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			s := testSpec()
			c.change(&s)
			_, err := NewObserver(s, 3, testStats(3))
			if !errors.Is(err, ErrSpec) || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("%v, want %q", err, c.want)
			}
		})
	}
	if _, err := NewObserver(testSpec(), 3, testStats(2)); !errors.Is(err, ErrSpec) {
		t.Fatalf("proprio stats of the wrong length: %v", err)
	}
}

func TestActionsRoundTrip(t *testing.T) {
	a, err := NewActions(JointSpace(3), testStats(4))
	if err != nil {
		t.Fatal(err)
	}
	want := robot.Command{Mode: robot.Velocity, DQ: robot.Vector{-1.5, 0.25, 2}, Gripper: 0.75}
	chunk := &model.ActionChunk{Rows: 2, Dim: 4, Data: make([]float32, 8)}
	if err := a.Encode(&want, &robot.Vector{}, chunk.Data[4:]); err != nil {
		t.Fatal(err)
	}
	var both [2]robot.Command
	if err := a.Decode(chunk, &robot.State{}, both[:]); err != nil {
		t.Fatal(err)
	}
	got := both[1]
	if got.Mode != robot.Velocity || math.Abs(got.Gripper-0.75) > 1e-6 {
		t.Fatalf("%+v", got)
	}
	for j := range 3 {
		if math.Abs(got.DQ[j]-want.DQ[j]) > 1e-6 {
			t.Fatalf("joint %d: %g, want %g", j, got.DQ[j], want.DQ[j])
		}
	}
}

func TestDecodeClampsGripperAndRefuses(t *testing.T) {
	a, err := NewActions(JointSpace(1), testStats(2)) // gripper = 1.5x + 0.1
	if err != nil {
		t.Fatal(err)
	}
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	cases := map[string]struct {
		chunk   model.ActionChunk
		rows    int
		gripper float64
		finite  bool
		shape   bool
	}{
		"above":      {model.ActionChunk{Rows: 1, Dim: 2, Data: []float32{0, 9}}, 1, 1, true, true},
		"below":      {model.ActionChunk{Rows: 1, Dim: 2, Data: []float32{0, -9}}, 1, 0, true, true},
		"nan joint":  {model.ActionChunk{Rows: 1, Dim: 2, Data: []float32{nan, 0}}, 1, 0, false, true},
		"inf grip":   {model.ActionChunk{Rows: 1, Dim: 2, Data: []float32{0, inf}}, 1, 0, false, true},
		"rows":       {model.ActionChunk{Rows: 1, Dim: 2, Data: []float32{0, 0}}, 2, 0, true, false},
		"dim":        {model.ActionChunk{Rows: 1, Dim: 3, Data: []float32{0, 0, 0}}, 1, 0, true, false},
		"short data": {model.ActionChunk{Rows: 2, Dim: 2, Data: []float32{0, 0}}, 1, 0, true, false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			wanted := [2]robot.Command{{Gripper: -7}}
			err := a.Decode(&c.chunk, &robot.State{}, wanted[:c.rows])
			cmd := wanted[0]
			var bad *NotFiniteError
			if errors.As(err, &bad) == c.finite || errors.Is(err, ErrChunk) == c.shape {
				t.Fatalf("error %v", err)
			}
			if err != nil && cmd.Gripper != -7 {
				t.Fatal("a refused chunk touched the command")
			}
			if err == nil && cmd.Gripper != c.gripper {
				t.Fatalf("gripper %g, want %g", cmd.Gripper, c.gripper)
			}
		})
	}
}

func TestAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	o, err := NewObserver(testSpec(), 3, testStats(3))
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	a, err := NewActions(JointSpace(3), testStats(4))
	if err != nil {
		t.Fatal(err)
	}
	frames := []*camera.Frame{noise("front", 16, 12), noise("wrist", 4, 4)}
	obs, state := o.Observation(), &robot.State{}
	chunk := &model.ActionChunk{Rows: 1, Dim: 4, Data: make([]float32, 4)}
	var wanted [1]robot.Command
	n := testing.AllocsPerRun(100, func() {
		if err := errors.Join(o.Observe(frames, state, obs), a.Decode(chunk, state, wanted[:])); err != nil {
			t.Fatal(err)
		}
	})
	if n != 0 {
		t.Fatalf("%v allocations a step, want 0", n)
	}
}

func BenchmarkObserve(b *testing.B) {
	s := testSpec()
	s.Cameras = s.Cameras[:1]
	s.Cameras[0].SourceWidth, s.Cameras[0].SourceHeight, s.Cameras[0].Width, s.Cameras[0].Height = 224, 224, 112, 112
	o, err := NewObserver(s, 3, testStats(3))
	if err != nil {
		b.Fatal(err)
	}
	defer o.Close()
	frames, obs := []*camera.Frame{noise("front", 224, 224)}, o.Observation()
	b.ReportAllocs()
	for b.Loop() {
		if err := o.Observe(frames, &robot.State{}, obs); err != nil {
			b.Fatal(err)
		}
	}
}
