package kinematics

import (
	"bufio"
	"math"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"

	"sim2reald/robot"
)

// golden is one line of a file of testdata/generate.py.
type golden struct {
	q      robot.Vector
	target Pose
	jac    *Jacobian // nil for most
}

func readGoldens(t testing.TB, name string) (tool Point, lines []golden) {
	t.Helper()
	f, err := os.Open("testdata/" + name + ".txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	in := bufio.NewScanner(f)
	for in.Scan() {
		if head, ok := strings.CutPrefix(in.Text(), "# "); ok {
			copy(tool[:], numbers(t, strings.Fields(head)[2:]))
			continue
		}
		lines = append(lines, parseGolden(t, numbers(t, strings.Fields(in.Text()))))
	}
	if err := in.Err(); err != nil || len(lines) == 0 {
		t.Fatalf("%s: %d lines, %v", name, len(lines), err)
	}
	return tool, lines
}

func numbers(t testing.TB, fields []string) []float64 {
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

func parseGolden(t testing.TB, v []float64) golden {
	t.Helper()
	if len(v) != 19 && len(v) != 61 {
		t.Fatalf("a line of %d numbers", len(v))
	}
	var g golden
	copy(g.q[:], v[:7])
	copy(g.target.P[:], v[7:10])
	copy(g.target.R[:], v[10:19])
	if len(v) == 61 {
		g.jac = new(Jacobian)
		for i := range g.jac {
			copy(g.jac[i][:], v[19+7*i:][:7])
		}
	}
	return g
}

// TestMuJoCoAgrees holds positions, rotations and Jacobians against MuJoCo's. What the makers publish agrees to the
// digits of the files; the simulators' models to those of their own numbers: Franka-Kitchen has 1.57 for pi/2,
// the Sawyers' quaternions have six digits.
func TestMuJoCoAgrees(t *testing.T) {
	for _, c := range []struct {
		file      string
		chain     Chain
		m, rad, j float64 // largest difference of positions, m, rotations, rad, and Jacobians
	}{
		{"panda", Panda(), 1e-11, 1e-11, 1e-11},
		{"sawyer", Sawyer(), 1e-11, 1e-11, 1e-11},
		{"kitchen", Panda(), 6e-4, 2e-3, 2e-3},
		{"metaworld", Sawyer(), 1e-6, 5e-6, 5e-6},
		{"rgb_stacking", SawyerMoMa(), 1e-6, 5e-6, 5e-6},
	} {
		t.Run(c.file, func(t *testing.T) {
			tool, lines := readGoldens(t, c.file)
			chain, err := c.chain.WithTool(tool)
			if err != nil {
				t.Fatal(err)
			}
			var m, rad, most float64
			for _, g := range lines {
				d, r, j := differences(t, &chain, &g)
				m, rad, most = max(m, d), max(rad, r), max(most, j)
			}
			t.Logf("%d poses: %.1e m, %.1e rad, Jacobian %.1e", len(lines), m, rad, most)
			if !(m <= c.m && rad <= c.rad && most <= c.j) {
				t.Errorf("differences of %g m, %g rad, Jacobian %g; want at most %g, %g, %g", m, rad, most, c.m, c.rad, c.j)
			}
		})
	}
}

func differences(t *testing.T, chain *Chain, g *golden) (m, rad, jac float64) {
	t.Helper()
	var ours Jacobian
	at, err := chain.Jacobian(&g.q, &ours)
	if err != nil {
		t.Fatal(err)
	}
	forward, err := chain.Forward(&g.q)
	if err != nil || forward != at {
		t.Fatalf("Forward gives %+v, Jacobian %+v (%v)", forward, at, err)
	}
	off := errorTwist(&at, &g.target)
	m, rad = off.sizes()
	if g.jac != nil {
		for i := range ours {
			for j := range chain.N() {
				jac = max(jac, math.Abs(ours[i][j]-g.jac[i][j]))
			}
		}
	}
	return m, rad, jac
}

// anyPose draws joint positions inside the limits.
func anyPose(rng *rand.Rand, lim *robot.Limits, n int) robot.Vector {
	var q robot.Vector
	for j := range n {
		q[j] = lim.QMin[j] + (lim.QMax[j]-lim.QMin[j])*rng.Float64()
	}
	return q
}

// TestJacobianIsTheDerivative holds it against central differences, whose error is about the step squared.
func TestJacobianIsTheDerivative(t *testing.T) {
	const step, tolerance = 1e-5, 1e-8
	rng := rand.New(rand.NewPCG(1, 1))
	ranges := robot.Sawyer().Limits
	for _, chain := range arms() {
		chain, err := chain.WithTool(Point{0.02, -0.03, 0.15})
		if err != nil {
			t.Fatal(err)
		}
		for range 100 {
			q := anyPose(rng, &ranges, chain.N())
			var jac Jacobian
			if _, err := chain.Jacobian(&q, &jac); err != nil {
				t.Fatal(err)
			}
			for j := range chain.N() {
				before, after := q, q
				before[j] -= step
				after[j] += step
				from, errs := chain.Forward(&before)
				to, err := chain.Forward(&after)
				if errs != nil || err != nil {
					t.Fatal(errs, err)
				}
				for i, d := range errorTwist(&from, &to) {
					if math.Abs(d/(2*step)-jac[i][j]) > tolerance {
						t.Fatalf("%s joint %d: row %d is %g, differences say %g", chain.Name, j, i, jac[i][j], d/(2*step))
					}
				}
			}
		}
	}
}

// TestZerosAndFrames pins what the tables say of the poses that a person can check by hand.
func TestZerosAndFrames(t *testing.T) {
	panda := Panda()
	at, err := panda.Forward(&robot.Vector{})
	if err != nil {
		t.Fatal(err)
	}
	// All zeros, no pose of a Panda: straight up, and its flange down again, 0.088 m out.
	if want := (Point{0.088, 0, 0.333 + 0.316 + 0.384 - 0.107}); at.P.Minus(want).Length() > 1e-12 {
		t.Errorf("the Panda's flange at %v, want %v", at.P, want)
	}
	sawyer := Sawyer()
	at, err = sawyer.Forward(&robot.Vector{0, -1.18, 0, 2.18, 0, 0.57, 3.3161})
	if err != nil {
		t.Fatal(err)
	}
	// Neutral: the flange's z down, its x to the left; 3.3161 is 180° and the 10° of joint 6's zero.
	if at.R[8] > -0.999 || at.R[3] < 0.999 {
		t.Errorf("the Sawyer's flange in its neutral pose is turned %v", at.R)
	}
}

func TestByName(t *testing.T) {
	for _, name := range Names() {
		if c, ok := ByName(name); !ok || c.Name != name || c.N() != 7 {
			t.Errorf("%s: %+v", name, c)
		}
	}
	if _, ok := ByName("ur5"); ok {
		t.Error("a chain that nobody published")
	}
}
