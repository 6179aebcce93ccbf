package space

import (
	"bufio"
	"math"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"

	"sim2reald/robot"
	"sim2reald/robot/kinematics"
)

// everywhere is the space of a robot without a box or a margin.
func everywhere(t testing.TB, name string) *Space {
	t.Helper()
	return spaceOf(t, name, func(*Config) {})
}

func spaceOf(t testing.TB, name string, edit func(*Config)) *Space {
	t.Helper()
	shape, ok := ByName(name)
	chain, known := kinematics.ByName(name)
	if !ok || !known {
		t.Fatalf("no %s", name)
	}
	cfg := Config{Chain: chain, Shape: shape, Box: Everywhere()}
	edit(&cfg)
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func numbers(t *testing.T, fields []string) []float64 {
	t.Helper()
	out := make([]float64, len(fields))
	for i, f := range fields {
		var err error
		if out[i], err = strconv.ParseFloat(f, 64); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

func lines(t *testing.T, name string) []string {
	t.Helper()
	f, err := os.Open("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var out []string
	in := bufio.NewScanner(f)
	for in.Scan() {
		out = append(out, in.Text())
	}
	if in.Err() != nil || len(out) == 0 {
		t.Fatal(name, in.Err())
	}
	return out
}

// fitted is by how much, mm, the points of a link's meshes stick out of its capsules at most: what the table came to when it
// was fitted, so that no number of it changes unnoticed. The points are rounded to a mm, and the kitchen's pi/2 is 1.57.
func fitted(robot string) map[string]float64 {
	if robot == "panda" {
		return map[string]float64{
			"link0": 0.24, "link1": -1.47, "link2": -1.51, "link3": -1.52, "link4": -1.30, "link5": -1.65, "link6": -0.86, "link7": -0.85, hand: -0.84,
		}
	}
	return map[string]float64{
		"base": -2.23, "l0": -1.36, "head": -0.77, "l1": -3.43, "l2": -1.33, "l3": -1.85, "l4": -1.93, "l5": -1.39, "l6": -1.19, hand: -6.93,
	}
}

// TestCapsulesHoldTheMeshes finds points of a link's meshes, in its own coordinate frame, that stick out of its capsules.
func TestCapsulesHoldTheMeshes(t *testing.T) {
	const rounding = 0.01 // mm
	for _, name := range []string{"panda", "sawyer"} {
		shape, _ := ByName(name)
		most := map[string]float64{}
		for _, line := range lines(t, name+".shape.txt") {
			fields := strings.Fields(line)
			p := kinematics.Point(numbers(t, fields[1:]))
			out := math.Inf(1)
			for _, c := range shape.Capsules {
				if c.Link == fields[0] {
					out = min(out, 1000*(fromSegment(p, c.A, c.B)-c.Radius))
				}
			}
			if old, ok := most[fields[0]]; !ok || out > old {
				most[fields[0]] = out
			}
		}
		for link, want := range fitted(name) {
			if out, ok := most[link]; !ok || math.Abs(out-want) > rounding {
				t.Errorf("%s: %s sticks out of its capsules by %.2f mm, want %.2f", name, link, out, want)
			}
		}
		if len(most) != len(fitted(name)) {
			t.Errorf("%s: meshes of %d links, want %d", name, len(most), len(fitted(name)))
		}
	}
}

// TestCapsulesHugTheMeshes: no end of a capsule is far from its link, so that the arm is not kept from where it could be.
// The farthest of Sawyer's is of its base, below the table.
func TestCapsulesHugTheMeshes(t *testing.T) {
	for name, most := range map[string]float64{"panda": 0.055, "sawyer": 0.11} {
		shape, _ := ByName(name)
		points := map[string][]kinematics.Point{}
		for _, line := range lines(t, name+".shape.txt") {
			fields := strings.Fields(line)
			points[fields[0]] = append(points[fields[0]], kinematics.Point(numbers(t, fields[1:])))
		}
		for _, c := range shape.Capsules {
			along := c.B.Minus(c.A)
			if l := along.Length(); l > 0 {
				along = along.Times(c.Radius / l)
			}
			for _, end := range []kinematics.Point{c.A.Minus(along), c.B.Plus(along)} {
				away := math.Inf(1)
				for _, p := range points[c.Link] {
					away = min(away, p.Minus(end).Length())
				}
				if away > most {
					t.Errorf("%s: an end of a capsule of %s is %.3f m from its mesh", name, c.Link, away)
				}
			}
		}
	}
}

// fromSegment is the distance of a point, worked out apart from the code under test.
func fromSegment(p, a, b kinematics.Point) float64 {
	along := b.Minus(a)
	t := 0.0
	if square := along.Dot(along); square > 0 {
		t = min(max(p.Minus(a).Dot(along)/square, 0), 1)
	}
	return p.Minus(a.Plus(along.Times(t))).Length()
}

// TestMuJoCoDistances holds clearances at random poses against the distances of the meshes' convex hulls. Capsules are not
// much nearer to each other, and never farther but by what a hull fills between a link's two capsules: the forearm of a
// Franka is bent, and its base has a foot.
func TestMuJoCoDistances(t *testing.T) {
	const filled, rounding = 0.02, 0.002 // m
	for name, nearer := range map[string]float64{"panda": 0.09, "sawyer": 0.13} {
		s := everywhere(t, name)
		all := lines(t, name+".distances.txt")
		compared := map[string]int{}
		for _, line := range all[1:] {
			v := numbers(t, strings.Fields(line))
			var q robot.Vector
			copy(q[:], v[:7])
			s.Look(&q)
			for i, pair := range strings.Fields(all[0])[1:] {
				between, kept := s.roomOf(pair)
				mesh := v[7+i]
				if !kept || mesh < 0 || mesh >= 0.5 {
					continue
				}
				compared[pair]++
				farther := rounding
				if strings.HasPrefix(pair, "link0") || strings.Contains(pair, "link5") {
					farther = filled
				}
				if between-mesh > farther || mesh-between > nearer {
					t.Errorf("%s: %s are %.4f m apart, their capsules %.4f m", name, pair, mesh, between)
				}
			}
		}
		t.Logf("%s: %v", name, compared)
		if len(compared) != len(s.cfg.Shape.Apart) {
			t.Errorf("%s: %d pairs compared of %d", name, len(compared), len(s.cfg.Shape.Apart))
		}
	}
}

// roomOf is the least clearance of a pair of links, where Look was.
func (s *Space) roomOf(pair string) (room float64, kept bool) {
	room = math.Inf(1)
	for i, p := range s.pairs {
		if s.parts[p.inner].Link+"-"+s.parts[p.outer].Link == pair {
			room, kept = min(room, s.floors[12*len(s.parts)+i]), true
		}
	}
	return room, kept
}

// TestLeftOut: pairs that are not kept apart are neighbours, or their capsules meet in none of many poses.
func TestLeftOut(t *testing.T) {
	neighbours := map[string]string{
		"link5-link7": "the forearm and the flange's link are never far apart; what can hit the forearm is the hand",
		"head-l2":     "the upper arm passes the head at 6 mm or more by the meshes",
	}
	poses := 20_000
	if raceEnabled {
		poses = 2000
	}
	for _, name := range robot.Names() {
		m, _ := robot.ByName(name)
		shape, _ := ByName(name)
		kept := shape.Apart
		shape.Apart = nil
		for _, a := range shape.Capsules {
			for _, b := range shape.Capsules {
				if b.Joint > a.Joint+1 && !contains(kept, a.Link, b.Link) && !contains(shape.Apart, a.Link, b.Link) {
					shape.Apart = append(shape.Apart, [2]string{a.Link, b.Link})
				}
			}
		}
		s := spaceOf(t, name, func(c *Config) { c.Shape = shape })
		rng := rand.New(rand.NewPCG(1, 2))
		for range poses {
			q := anyPose(rng, &m.Limits, m.N())
			s.Look(&q)
			for i, p := range s.pairs {
				pair := s.parts[p.inner].Link + "-" + s.parts[p.outer].Link
				if m := s.floors[12*len(s.parts)+i]; m < 0 && neighbours[pair] == "" {
					t.Fatalf("%s: %s meet at %v, and are not kept apart", name, pair, q)
				}
			}
		}
	}
}

func contains(pairs [][2]string, a, b string) bool {
	for _, p := range pairs {
		if p == [2]string{a, b} {
			return true
		}
	}
	return false
}

func anyPose(rng *rand.Rand, lim *robot.Limits, n int) robot.Vector {
	var q robot.Vector
	for j := range n {
		q[j] = lim.QMin[j] + (lim.QMax[j]-lim.QMin[j])*rng.Float64()
	}
	return q
}
