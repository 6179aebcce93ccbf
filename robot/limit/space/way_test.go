package space

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"sim2reald/robot"
	"sim2reald/robot/kinematics"
	"sim2reald/robot/limit"
)

// ball is a capsule without length at the origin of a joint.
func ball(link string, joint int, radius float64) Capsule {
	return Capsule{Link: link, Joint: joint, Radius: radius}
}

// TestRoomIsTheDistance holds clearances against distances that are worked out by hand, to each side of a box and between
// two links.
func TestRoomIsTheDistance(t *testing.T) {
	const far, radius, other, margin, exact = 0.25, 0.1, 0.04, 0.03, 1e-12
	q := forward()
	chain, _ := kinematics.ByName("panda")
	var frames [robot.MaxJoints]kinematics.Pose
	if err := chain.Frames(&q, &frames); err != nil {
		t.Fatal(err)
	}
	at, second := frames[6].P, frames[1].P
	for k := range 6 {
		s := spaceOf(t, "panda", func(c *Config) {
			c.Shape = Shape{Capsules: []Capsule{ball("l7", 7, radius), ball("l2", 2, radius)}} // the box is not for joint 2
			if k%2 == 0 {
				c.Box.Min[k/2] = at[k/2] - far
			} else {
				c.Box.Max[k/2] = at[k/2] + far
			}
		})
		box, self := s.Look(&q)
		if math.Abs(box.M-(far-radius)) > exact || box.Link != "l7" || box.From != side(k) || !math.IsInf(self.M, 1) {
			t.Errorf("%s: %+v, want %g m", side(k), box, far-radius)
		}
	}
	s := spaceOf(t, "panda", func(c *Config) {
		c.Shape = Shape{Capsules: []Capsule{ball("l7", 7, radius), ball("l2", 2, other)}, Apart: [][2]string{{"l2", "l7"}}}
		c.Margin = margin
	})
	_, self := s.Look(&q)
	if want := at.Minus(second).Length() - radius - other - margin; math.Abs(self.M-want) > exact || self.Link != "l7" || self.From != "l2" {
		t.Errorf("between links: %+v, want %g m", self, want)
	}
}

// TestReach: no end of a capsule moves by more per rad than it is said to, and the bound is that of the arm's lengths.
func TestReach(t *testing.T) {
	const dq = 1e-6
	for _, name := range robot.Names() {
		m, _ := robot.ByName(name)
		s, rng := everywhere(t, name), rand.New(rand.NewPCG(4, 4))
		for range 200 {
			q := anyPose(rng, &m.Limits, m.N())
			for j := range m.N() {
				further := q
				further[j] += dq
				s.Look(&q)
				before := append([][2]kinematics.Point(nil), s.ends...)
				s.Look(&further)
				for i, p := range s.parts {
					for end := range 2 {
						if per := s.ends[i][end].Minus(before[i][end]).Length() / dq; per > p.reach[j]+1e-4 {
							t.Fatalf("%s: %s moves by %g m per rad of joint %d, more than its reach of %g", name, p.Link, per, j+1, p.reach[j])
						}
					}
				}
			}
		}
	}
	// Lengths of a Panda between the origins of its joints, Franka's documentation of its Denavit-Hartenberg parameters.
	chain, _ := kinematics.ByName("panda")
	p, err := newPart(&chain, Capsule{Link: "tool", Joint: 7, A: kinematics.Point{0.03, 0.04, 0.12}, B: kinematics.Point{0, 0, 0.05}, Radius: 0.01})
	if err != nil {
		t.Fatal(err)
	}
	between := []float64{1: 0.316, 2: 0.0825, 3: math.Hypot(0.0825, 0.384), 5: 0.088}
	want, along := robot.Vector{6: 0.05}, 0.13 // of A: from joint 7's axis, and from its origin
	for j := len(between) - 1; j >= 0; j-- {
		along += between[j]
		want[j] = along
	}
	for j := range want {
		if math.Abs(p.reach[j]-want[j]) > 1e-9 {
			t.Errorf("joint %d reaches %g m, want %g", j+1, p.reach[j], want[j])
		}
	}
}

// TestAfter works the way after a command out by hand: joint 1 has a known jerk, joint 2 has none.
func TestAfter(t *testing.T) {
	lim := robot.Limits{}
	for j := range lim.DDQMax {
		lim.DDQMax[j] = 1
	}
	lim.DDQMax[0], lim.DDDQMax[0], lim.DDQMax[1] = 2, 10, 4
	v, sent := robot.Vector{1, -3}, limit.Sent{DQ: robot.Vector{0.5, -1}}
	for _, ramps := range []bool{true, false} {
		s := spaceOf(t, "panda", func(c *Config) { c.Blind, c.Ramps = 200*time.Millisecond, ramps })
		w := s.after(&robot.Vector{3: -1}, &v, &sent, 0.1, &lim)
		want := way{from: robot.Vector{3: -1}, v: v, end: 0.1 + 0.2 + 0.75/2 + 0.4, uneven: (0.75 + 0.8) / 4, gain: robot.Vector{1.25}}
		if ramps {
			want.ramp = robot.Vector{0.25 / 4, 4.0 / 8}
		}
		near := func(a, b float64) bool { return math.Abs(a-b) < 1e-12 }
		for j := range w.v {
			if !near(w.ramp[j], want.ramp[j]) || !near(w.gain[j], want.gain[j]) {
				t.Errorf("ramps %t, joint %d: may be off by %g and %g, want %g and %g", ramps, j+1, w.ramp[j], w.gain[j], want.ramp[j], want.gain[j])
			}
		}
		if w.from != want.from || w.v != want.v || !near(w.end, want.end) || !near(w.uneven, want.uneven) {
			t.Errorf("ramps %t: %+v, want %+v", ramps, w, want)
		}
	}
}

// TestTolerance works out by hand what a way's tolerance takes from a clearance.
func TestTolerance(t *testing.T) {
	w := way{v: robot.Vector{0.5, -0.25, 9}, ramp: robot.Vector{0.1, 0.2, 9}, gain: robot.Vector{0.3, 0.4, 9}, uneven: 2}
	p := part{Capsule: Capsule{Joint: 2}, reach: robot.Vector{1, 2, 9}}
	near := func(a, b float64) bool { return math.Abs(a-b) < 1e-12 }
	for first, want := range []bounds{{0.5, 1, 1.1, 0.875}, {0.4, 0.5, 0.8, 0.125}, {}} {
		if b := w.of(&p, first); !near(b.ramp, want.ramp) || !near(b.uneven, want.uneven) || !near(b.gain, want.gain) || !near(b.bend, want.bend) {
			t.Errorf("from joint %d: %+v, want %+v", first+1, b, want)
		}
	}
	b := w.of(&p, 0)
	for _, c := range []struct{ f, taken, growth float64 }{{0, 0.5, 2.1}, {1, 2.6, 2.1}, {2, 4.7, 1.1}, {3, 5.8, 1.1}} {
		if taken, growth := w.taken(&b, c.f), w.growth(&b, c.f); !near(taken, c.taken) || !near(growth, c.growth) {
			t.Errorf("after %g s: %g m and %g m/s, want %g and %g", c.f, taken, growth, c.taken, c.growth)
		}
	}
}

// TestSoon: what lasts a while lasts until the clearance has sunk to what is kept, and no longer.
func TestSoon(t *testing.T) {
	const step = 1.5
	for _, c := range []struct {
		name                            string
		room, floor, taken, speed, bend float64
		end                             float64 // that the clearance sinks to; NaN where it lasts all of step
		none                            bool    // it does not last at all
	}{
		{name: "standing", room: 0.1, floor: 0.1, end: math.NaN()},
		{name: "approaching, and far enough", room: 0.1, floor: 0.1, speed: -0.02, bend: 0.02, end: math.NaN()},
		{name: "straight", room: 0.1, floor: 0.1, speed: -0.2, end: trifle},
		{name: "bent", room: 0.1, floor: 0.1, bend: 2, end: trifle},
		{name: "leaving, and bent back", room: 0.1, floor: 0.1, speed: 0.1, bend: 2, end: trifle},
		{name: "approaching, and bent", room: 0.1, floor: 0.1, speed: -0.1, bend: 2, end: trifle},
		{name: "less a tolerance", room: 0.1, floor: 0.1, taken: 0.02, speed: -0.2, end: 0.02},
		{name: "a tolerance that is a trifle", room: 0.1, floor: 0.1, taken: trifle / 2, speed: -0.2, end: trifle},
		{name: "in the skin", room: skin * 0.9, floor: 0.1, none: true},
		{name: "a hair within rounding", room: skin - rounding/2, floor: 0.1, end: math.NaN()},
		{name: "in the skin by a tolerance", room: 0.02, floor: 0.1, taken: 0.02, none: true},
		{name: "from within the skin", room: 0.0003, floor: 0.0003, speed: -0.01, end: trifle},
		{name: "from the wall, away", speed: 0.1, end: math.NaN()},
		{name: "from the wall, on", speed: -0.1, none: true},
		{name: "outside, and back", room: -0.01, floor: -0.01, speed: 0.1, end: math.NaN()},
		{name: "outside, deeper", room: -0.01, floor: -0.01, speed: -0.1, end: -0.01 - trifle},
		{name: "outside, deeper than it was", room: -0.011, floor: -0.01, none: true},
		{name: "no number", room: math.NaN(), floor: 0.1, none: true},
	} {
		lasts := soon(c.room, c.floor, c.taken, c.speed, c.bend, step)
		left := c.room + c.speed*lasts - c.bend*lasts*lasts/2
		switch {
		case c.none:
			if lasts != 0 {
				t.Errorf("%s: lasts %g s, want none", c.name, lasts)
			}
		case math.IsNaN(c.end):
			if lasts != step {
				t.Errorf("%s: lasts %g s, want all", c.name, lasts)
			}
		case !(lasts > 0 && lasts < step) || math.Abs(left-c.end) > 1e-12:
			t.Errorf("%s: after %g s %g m are left, want %g", c.name, lasts, left, c.end)
		}
	}
}

// TestAheadEndsWithTheWay: where nothing is near, a way is clear to its end and not beyond.
func TestAheadEndsWithTheWay(t *testing.T) {
	s := spaceOf(t, "panda", func(c *Config) { c.Shape.Apart = nil })
	w := way{from: forward(), end: 1}
	s.Look(&w.from)
	moves := s.moves(&w)
	if got := s.ahead(&w, &moves, 0.25); got != 0.75 {
		t.Errorf("%g s of 1, from 0.25", got)
	}
}
