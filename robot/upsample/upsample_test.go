package upsample

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"sim2reald/robot"
)

const ms = time.Millisecond

func newChunks(t testing.TB, chunks int, decay float64) *Chunks {
	t.Helper()
	c, err := New(Options{Joints: 2, Period: 100 * ms, LookAhead: 500 * ms, Chunks: chunks, Decay: decay})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func rows(mode robot.Mode, of ...float64) []robot.Command {
	var out []robot.Command
	for _, x := range of {
		r := robot.Command{Mode: mode, Gripper: math.Abs(x) / 10}
		if mode == robot.Position {
			r.Q = robot.Vector{x, -x}
		} else {
			r.DQ = robot.Vector{x, -x}
		}
		out = append(out, r)
	}
	return out
}

func put(t testing.TB, c *Chunks, at time.Duration, r []robot.Command) {
	t.Helper()
	if err := c.Put(at, r); err != nil {
		t.Fatal(err)
	}
}

func TestAtVelocity(t *testing.T) {
	c := newChunks(t, 1, 0)
	if _, ok := c.At(0); ok {
		t.Error("a command of no chunk")
	}
	put(t, c, 1000*ms, rows(robot.Velocity, 1, 2, 2, 0))
	for _, want := range []struct {
		at      time.Duration
		ok      bool
		dq      float64
		gripper float64
	}{
		{999 * ms, false, 0, 0},
		{1000 * ms, true, 1, 0.1},
		{1050 * ms, true, 1, 0.1},      // the middle of the first row's period
		{1100 * ms, true, 1.625, 0.15}, // between slopes 1 and 0: 1 + 0.5 + 0.125
		{1150 * ms, true, 2, 0.2},
		{1200 * ms, true, 2, 0.2},
		{1300 * ms, true, 1, 0.1}, // slopes 0 at both ends
		{1350 * ms, true, 0, 0},
		{1500 * ms, true, 0, 0},
		{1500*ms + 1, false, 0, 0},
	} {
		got, ok := c.At(want.at)
		if ok != want.ok || math.Abs(got.DQ[0]-want.dq) > 1e-12 || got.DQ[1] != -got.DQ[0] || math.Abs(got.Gripper-want.gripper) > 1e-12 {
			t.Errorf("at %v: %+v %t, want %+v", want.at, got, ok, want)
		}
	}
}

// TestAtPosition: the speed that comes with a position is that of the positions.
func TestAtPosition(t *testing.T) {
	c := newChunks(t, 1, 0)
	put(t, c, 0, rows(robot.Position, 0, 1, 3, 3))
	const h = 1e-7
	for at := 0 * ms; at < 400*ms; at += 7 * ms {
		got, _ := c.At(at)
		next, _ := c.At(at + 100*time.Nanosecond)
		if got.Mode != robot.Position || math.Abs((next.Q[0]-got.Q[0])/h-got.DQ[0]) > 1e-3 {
			t.Errorf("at %v: %g rad/s by the command, %g by its positions", at, got.DQ[0], (next.Q[0]-got.Q[0])/h)
		}
	}
	first, _ := c.At(0)
	if math.Abs(first.DQ[0]-10) > 1e-9 {
		t.Errorf("the first row is left at %g rad/s, want 10", first.DQ[0])
	}
	last, _ := c.At(450 * ms)
	if last.Q[0] != 3 || last.DQ != (robot.Vector{}) {
		t.Errorf("after the last row: %+v", last)
	}
}

// TestMonotone: between two rows no joint goes beyond either.
func TestMonotone(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for range 300 {
		c, of := newChunks(t, 1, 0), make([]float64, 5)
		for i := range of {
			of[i] = float64(rng.IntN(5) - 2)
		}
		put(t, c, 0, rows(robot.Position, of...))
		for at := range 400 {
			got, _ := c.At(time.Duration(at) * ms)
			lo, hi := min(of[at/100], of[at/100+1]), max(of[at/100], of[at/100+1])
			if q := got.Q[0]; q < lo || q > hi {
				t.Fatalf("rows %v at %d ms: %g", of, at, q)
			}
		}
	}
}

// TestHolds: a hold is neither blended nor moved into.
func TestHolds(t *testing.T) {
	mixed := append(rows(robot.Velocity, 1, 2), rows(robot.Hold, 5)...)
	mixed = append(mixed, rows(robot.Velocity, 3)...)
	for _, chunks := range []int{1, 3} {
		c := newChunks(t, chunks, 0.1)
		put(t, c, 0, rows(robot.Velocity, 4, 4, 4, 4, 4))
		put(t, c, 0, mixed)
		for at, want := range map[time.Duration]robot.Mode{
			50 * ms: robot.Velocity, 199 * ms: robot.Velocity, 200 * ms: robot.Hold, 299 * ms: robot.Hold, 300 * ms: robot.Velocity,
		} {
			got, ok := c.At(at)
			if !ok || got.Mode != want || want == robot.Hold && got.DQ != (robot.Vector{}) {
				t.Errorf("%d chunks at %v: %+v", chunks, at, got)
			}
		}
	}
	c := newChunks(t, 1, 0)
	put(t, c, 0, mixed)
	for at, want := range map[time.Duration]float64{149 * ms: 1.9998, 150 * ms: 2, 199 * ms: 2, 300 * ms: 3, 399 * ms: 3} {
		if got, _ := c.At(at); math.Abs(got.DQ[0]-want) > 1e-4 {
			t.Errorf("beside a hold at %v: %g rad/s, want %g", at, got.DQ[0], want)
		}
	}
}

func TestSampleBeforeTheFirst(t *testing.T) {
	r := rows(robot.Position, 1, 2)
	if got := Sample(r, -ms, 100*ms, 2); got.Q != (robot.Vector{1, -1}) {
		t.Errorf("%+v", got)
	}
}

// TestSampleHidesNothing: what is not finite is there when its row is due.
func TestSampleHidesNothing(t *testing.T) {
	for _, mode := range []robot.Mode{robot.Velocity, robot.Position} {
		r := rows(mode, 1, 2, math.NaN(), 3)
		for _, at := range []time.Duration{200 * ms, 220 * ms, 250 * ms, 280 * ms} {
			got := Sample(r, at, 100*ms, 2)
			if got.Q.Finite(2) && got.DQ.Finite(2) {
				t.Errorf("%v at %v: %+v", mode, at, got)
			}
		}
	}
}

func TestPutRefuses(t *testing.T) {
	for _, c := range []struct {
		name string
		at   time.Duration
		rows []robot.Command
		ok   bool
	}{
		{"none", 100 * ms, nil, false},
		{"as many as there is room for", 100 * ms, make([]robot.Command, MaxRows), true},
		{"more", 100 * ms, make([]robot.Command, MaxRows+1), false},
		{"of the same moment", 100 * ms, rows(robot.Velocity, 1), true},
		{"from before", 100*ms - 1, rows(robot.Velocity, 1), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			u := newChunks(t, 2, 0)
			put(t, u, 100*ms, rows(robot.Velocity, 6))
			before, _ := u.At(150 * ms)
			if err := u.Put(c.at, c.rows); (err == nil) != c.ok {
				t.Fatalf("error %v", err)
			}
			if after, _ := u.At(150 * ms); !c.ok && after != before {
				t.Errorf("what was refused changed %+v to %+v", before, after)
			}
		})
	}
}

func TestNewRefuses(t *testing.T) {
	good := Options{Joints: 7, Period: 1, LookAhead: 1, Chunks: 1}
	if _, err := New(good); err != nil {
		t.Error(err)
	}
	for name, edit := range map[string]func(*Options){
		"no joints": func(o *Options) { o.Joints = 0 }, "too many joints": func(o *Options) { o.Joints = robot.MaxJoints + 1 },
		"no period": func(o *Options) { o.Period = 0 }, "no look-ahead": func(o *Options) { o.LookAhead = 0 },
		"no chunk": func(o *Options) { o.Chunks = 0 }, "too many chunks": func(o *Options) { o.Chunks = MaxChunks + 1 },
		"decay NaN": func(o *Options) { o.Decay = math.NaN() }, "decay infinite": func(o *Options) { o.Decay = math.Inf(1) },
		"decay negative": func(o *Options) { o.Decay = -1e-9 },
	} {
		o := good
		edit(&o)
		if _, err := New(o); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func BenchmarkAt(b *testing.B) {
	c, err := New(Options{Joints: 7, Period: 80 * ms, LookAhead: time.Hour, Chunks: MaxChunks, Decay: 0.01})
	if err != nil {
		b.Fatal(err)
	}
	for i := range MaxChunks {
		put(b, c, time.Duration(i)*ms, rows(robot.Position, make([]float64, MaxRows)...))
	}
	b.ReportAllocs()
	for b.Loop() {
		c.At(500 * ms)
	}
}

func TestAtAllocatesNothing(t *testing.T) {
	c := newChunks(t, 3, 0.1)
	r := rows(robot.Velocity, 1, 2, 3)
	if n := testing.AllocsPerRun(100, func() {
		_ = c.Put(100*ms, r)
		c.At(150 * ms)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
