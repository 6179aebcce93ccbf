package space

import (
	"math"
	"strings"
	"testing"
	"time"

	"sim2reald/robot"
	"sim2reald/robot/kinematics"
	"sim2reald/robot/limit"
)

const tick = 10 * time.Millisecond

func walled(t testing.TB, y float64) *Space {
	return spaceOf(t, "panda", func(c *Config) { c.Box.Max[1], c.Margin, c.Blind = y, 0.02, 200*time.Millisecond })
}

// forward is a pose in which all that the box is for lies before the base, so that the first joint moves it one way.
func forward() robot.Vector { return robot.Vector{0, 0.5, 0, -2, 0, 2.5, math.Pi / 4} }

// beside is the space of a Panda in the forward pose with so much room, m, to the left.
func beside(t testing.TB, room float64) *Space {
	q := forward()
	box, _ := walled(t, 1).Look(&q)
	return walled(t, 1-box.M+room)
}

// TestApply holds what goes out, and what is said of it.
func TestApply(t *testing.T) {
	panda := robot.Panda()
	turning := robot.Command{Mode: robot.Velocity, DQ: robot.Vector{0.15}, Gripper: 0.5}
	back := robot.Command{Mode: robot.Velocity, DQ: robot.Vector{-0.15}, Gripper: 0.5}
	nowhere := forward()
	nowhere[3] = math.NaN()
	for _, c := range []struct {
		name       string
		command    robot.Command
		q          robot.Vector
		room       float64
		want       robot.Mode
		least, top float64 // of the first joint's velocity
		restrained bool
		pushes     bool
	}{
		{"room enough", turning, forward(), 0.1, robot.Velocity, 0.15, 0.15, false, false},
		{"a hold", robot.Command{Mode: robot.Hold}, forward(), -0.1, robot.Hold, 0, 0, false, false},
		{"no room to go on blindly", turning, forward(), 0.005, robot.Velocity, 0.016, 0.14, true, false},
		{"no room at all", turning, forward(), 0.0006, robot.Velocity, 0, 0.01, true, true},
		{"outside, deeper", turning, forward(), -0.02, robot.Velocity, 0, 0, true, true},
		{"outside, and back", back, forward(), -0.02, robot.Velocity, -0.15, -0.01, true, false},
		{"nowhere", turning, nowhere, 0.1, robot.Hold, 0, 0, true, true},
		{"a position", robot.Command{Mode: robot.Position, Q: forward(), Gripper: 0.5}, forward(), 0.1, robot.Hold, 0, 0, true, true},
	} {
		s := beside(t, c.room)
		got, v := s.Apply(c.command, &limit.Sent{}, &c.q, tick, &panda.Limits)
		if got.Mode != c.want || got.DQ[0] < c.least || got.DQ[0] > c.top || got.Gripper != c.command.Gripper || v.Restrained != c.restrained || v.Pushes() != c.pushes {
			t.Errorf("%s: %+v, %+v", c.name, got, v)
		}
		if !v.Restrained && v.Share != 1 {
			t.Errorf("%s: a share of %g without a restraint", c.name, v.Share)
		}
	}
}

// TestApplyBetweenLinks: links that are nearer to each other than the margin may part, and come no nearer. Here the elbow
// alone moves, which takes the flange to the shoulder or away.
func TestApplyBetweenLinks(t *testing.T) {
	q, panda := forward(), robot.Panda()
	shape := Shape{Capsules: []Capsule{ball("l7", 7, 0.05), ball("l2", 2, 0.05)}, Apart: [][2]string{{"l2", "l7"}}}
	between := func(margin float64) *Space {
		return spaceOf(t, "panda", func(c *Config) { c.Shape, c.Margin, c.Blind = shape, margin, 200*time.Millisecond })
	}
	_, self := between(0).Look(&q)
	for _, c := range []struct {
		name       string
		room       float64 // m
		elbow      float64 // rad/s
		least, top float64
		restrained bool
	}{
		{"far, and nearer", 0.1, -0.1, -0.1, -0.1, false},
		{"far, and away", 0.1, 0.1, 0.1, 0.1, false},
		{"near, and nearer", 0.002, -0.1, -0.04, -0.001, true},
		{"near, and away", 0.002, 0.1, 0.1, 0.1, false},
		{"too near, and nearer", -0.02, -0.1, 0, 0, true},
		{"too near, and away", -0.02, 0.1, 0.01, 0.1, true},
	} {
		got, v := between(self.M-c.room).Apply(robot.Command{Mode: robot.Velocity, DQ: robot.Vector{3: c.elbow}}, &limit.Sent{}, &q, tick, &panda.Limits)
		if math.Abs(v.Self.M-c.room) > 1e-9 || got.DQ[3] < c.least || got.DQ[3] > c.top || v.Restrained != c.restrained {
			t.Errorf("%s: %g rad/s, %+v", c.name, got.DQ[3], v)
		}
	}
}

// TestStopKeepsItsDirection: what does not go on is braked alike in all joints, as hard as the slowest allows.
func TestStopKeepsItsDirection(t *testing.T) {
	panda := robot.Panda()
	s := walled(t, -1) // outside everywhere
	sent := limit.Sent{Mode: robot.Velocity, DQ: robot.Vector{1, 0.5, 0.2}}
	got, v := s.Apply(robot.Command{Mode: robot.Velocity, DQ: robot.Vector{1.1, 0.5, 0.2}}, &sent, &panda.Home, tick, &panda.Limits)
	// Joint 1 needs 1/15 s, joint 2 0.5/7.5 s, the same: one of 6.7 ticks is gone.
	for j, was := range sent.DQ {
		if want := was * (1 - 0.15); math.Abs(got.DQ[j]-want) > 1e-12 {
			t.Errorf("joint %d: %g, want %g", j, got.DQ[j], want)
		}
	}
	if !v.Restrained || v.Share != 0 {
		t.Errorf("%+v", v)
	}
	sent.DQ = robot.Vector{0.05}
	if got, _ = s.Apply(robot.Command{Mode: robot.Velocity, DQ: robot.Vector{0.1}}, &sent, &panda.Home, tick, &panda.Limits); got.DQ != (robot.Vector{}) {
		t.Errorf("what can stop in a tick goes on with %v", got.DQ)
	}
	sent.DQ = robot.Vector{math.NaN()}
	if got, _ = s.Apply(robot.Command{Mode: robot.Velocity, DQ: robot.Vector{0.1}}, &sent, &panda.Home, tick, &panda.Limits); got.DQ != (robot.Vector{}) {
		t.Errorf("after what is no number: %v", got)
	}
}

// TestLook names what is nearest, with its sign.
func TestLook(t *testing.T) {
	home := robot.Panda().Home
	s := spaceOf(t, "panda", func(c *Config) { c.Box = Box{Min: kinematics.Point{-1, -1, 0.5}, Max: kinematics.Point{1, 1, 1.2}} })
	box, self := s.Look(&home)
	if !strings.HasPrefix(box.String(), "link3 is 0.") || !strings.HasSuffix(box.String(), " m too near to z_min") {
		t.Errorf("%v", box)
	}
	if !strings.Contains(self.String(), " m left to link") || self.M < 0.02 {
		t.Errorf("%v", self)
	}
	if again, _ := s.Look(&home); again != box {
		t.Errorf("asked again: %v", again)
	}
	elsewhere := home
	elsewhere[1] += 0.1
	if other, _ := s.Look(&elsewhere); other == box {
		t.Error("the room of another pose is the same")
	}
	if other, _ := s.Another().Look(&home); other != box {
		t.Errorf("another: %v", other)
	}
	if box, _ := everywhere(t, "sawyer").Look(&home); box.String() != "nothing near" {
		t.Errorf("%v", box)
	}
}

// TestNewRefuses wants one line for what cannot be.
func TestNewRefuses(t *testing.T) {
	chain, _ := kinematics.ByName("panda")
	for name, c := range map[string]struct {
		edit func(*Config)
		want string
	}{
		"box":           {func(c *Config) { c.Box.Min[1] = 2; c.Box.Max[1] = 1 }, "ends at y from 2 to 1 m"},
		"flat box":      {func(c *Config) { c.Box.Min[2] = 1; c.Box.Max[2] = 1 }, "ends at z from 1 to 1 m"},
		"box of NaN":    {func(c *Config) { c.Box.Max[0] = math.NaN() }, "ends at x from -Inf to NaN m"},
		"margin":        {func(c *Config) { c.Margin = -0.001 }, "the margin between links is -0.001 m"},
		"margin NaN":    {func(c *Config) { c.Margin = math.NaN() }, "the margin between links is NaN m"},
		"wide margin":   {func(c *Config) { c.Margin = 1 }, "the margin between links is 1 m"},
		"blind":         {func(c *Config) { c.Blind = -1 }, "the bridge would go on for -1ns"},
		"blind an hour": {func(c *Config) { c.Blind = time.Hour }, "the bridge would go on for 1h0m0s"},
		"radius":        {func(c *Config) { c.Shape.Capsules[0].Radius = 0 }, "the capsule of link0 is none"},
		"wide radius":   {func(c *Config) { c.Shape.Capsules[0].Radius = 10 }, "the capsule of link0 is none"},
		"far A":         {func(c *Config) { c.Shape.Capsules[0].A = kinematics.Point{10, 0, 0} }, "the capsule of link0 is none"},
		"far B":         {func(c *Config) { c.Shape.Capsules[0].B = kinematics.Point{0, -10, 0} }, "the capsule of link0 is none"},
		"radius NaN":    {func(c *Config) { c.Shape.Capsules[0].Radius = math.NaN() }, "the capsule of link0 is none"},
		"end NaN":       {func(c *Config) { c.Shape.Capsules[3].B[2] = math.NaN() }, "the capsule of link2 is none"},
		"joint":         {func(c *Config) { c.Shape.Capsules[3].Joint = 8 }, "the capsule of link2 is none"},
		"negative":      {func(c *Config) { c.Shape.Capsules[3].Joint = -1 }, "the capsule of link2 is none"},
		"no link":       {func(c *Config) { c.Shape.Apart = [][2]string{{"link0", "tail"}} }, "links link0 and tail cannot be kept apart"},
		"one joint":     {func(c *Config) { c.Shape.Apart = [][2]string{{"link7", "hand"}} }, "the first must move with fewer joints"},
		"wrong way":     {func(c *Config) { c.Shape.Apart = [][2]string{{"link5", "link2"}} }, "the first must move with fewer joints"},
	} {
		cfg := Config{Chain: chain, Shape: Franka(), Box: Everywhere()}
		c.edit(&cfg)
		_, err := New(cfg)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

// TestNewTakes what is just within the bounds.
func TestNewTakes(t *testing.T) {
	spaceOf(t, "panda", func(c *Config) { c.Blind, c.Margin = time.Minute, 0 })
}

// TestNearest holds the distance of segments against a fine search.
func TestNearest(t *testing.T) {
	p := func(x, y, z float64) kinematics.Point { return kinematics.Point{x, y, z} }
	for _, c := range [][4]kinematics.Point{
		{p(0, 0, 0), p(1, 0, 0), p(0.3, 1, -1), p(0.3, 1, 1)}, {p(0, 0, 0), p(1, 0, 0), p(2, 1, 0), p(3, 1, 0)},
		{p(0, 0, 0), p(1, 0, 0), p(-1, 1, 0), p(3, 1, 0)}, {p(0, 0, 0), p(0, 0, 0), p(1, 1, 0), p(1, -1, 0)},
		{p(0, 0, 0), p(1, 1, 1), p(2, 0, 0), p(2, 0, 0)}, {p(0, 0, 0), p(0, 0, 0), p(0, 3, 0), p(0, 3, 0)},
		{p(0, 0, 0), p(1, 2, 0), p(0.5, 0.9, 0.2), p(2, -1, 1)},
	} {
		a, b := nearest(c[0], c[1], c[2], c[3])
		least := math.Inf(1)
		for i := range 201 {
			at := c[0].Plus(c[1].Minus(c[0]).Times(float64(i) / 200))
			least = min(least, fromSegment(at, c[2], c[3]))
		}
		if got := a.Minus(b).Length(); got > least+1e-12 || got < least-0.01 {
			t.Errorf("%v: %g, a search finds %g", c, got, least)
		}
	}
}

// TestAwayFromTheWall: an arm that stands where it was stopped gets away again, also in the first milliseconds.
func TestAwayFromTheWall(t *testing.T) {
	for _, dt := range []time.Duration{time.Millisecond, tick, 80 * time.Millisecond} {
		a := newArm(t, "panda", dt, 0, 200*time.Millisecond)
		there := robot.Command{Mode: robot.Velocity, DQ: robot.Vector{1, 0.5, 0.5, -0.5, 0, 0, 0.5}}
		away := robot.Command{Mode: robot.Velocity}
		for j := range away.DQ {
			away.DQ[j] = -there.DQ[j]
		}
		follow := func(wish robot.Command, steps int) {
			for range steps {
				allowed, _ := limit.Apply(wish, &a.sent, &a.q, a.n, a.dt, &a.lim)
				c, _ := a.s.Apply(allowed, &a.sent, &a.q, a.dt, &a.lim)
				a.obeys(&c)
			}
		}
		follow(there, int(8*time.Second/dt))
		stood := a.room()
		if stood > 0.02 || a.least < 0 {
			t.Fatalf("%v: it stands %g m from the wall, least %g", dt, stood, a.least)
		}
		follow(away, int(time.Second/dt))
		if a.room() < stood+0.02 {
			t.Errorf("%v: a second later it is still %g m from what was %g", dt, a.room(), stood)
		}
	}
}

func BenchmarkApply(b *testing.B) {
	for _, name := range robot.Names() {
		m, _ := robot.ByName(name)
		for _, c := range []struct {
			name string
			room float64 // m, to the side that it moves to
		}{{"clear", 1}, {"near", 0.01}, {"against", 0.0006}} {
			b.Run(name+"/"+c.name, func(b *testing.B) {
				s := spaceOf(b, name, func(c *Config) { c.Box.Max[1], c.Margin, c.Blind = 1, 0.02, 200*time.Millisecond })
				box, _ := s.Look(&m.Home)
				s = spaceOf(b, name, func(to *Config) { to.Box.Max[1], to.Margin, to.Blind = 1-box.M+c.room, 0.02, 200*time.Millisecond })
				wanted := robot.Command{Mode: robot.Velocity, DQ: robot.Vector{0.1, 0.07, 0.1, 0.1, 0.1, 0.1, 0.1}}
				b.ReportAllocs()
				for b.Loop() {
					s.looked = false // a measurement is new each tick
					s.Apply(wanted, &limit.Sent{}, &m.Home, tick, &m.Limits)
				}
			})
		}
	}
}
