package limit

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"

	"sim2reald/robot"
)

// TestGolden holds testdata/follow.txt, which the bridge's limiter reproduces as well: single periods of one joint,
// from anywhere, lawful or not. `UPDATE_GOLDENS=1 go test ./robot/limit -run Golden` writes it again.
func TestGolden(t *testing.T) {
	const file = "testdata/follow.txt"
	got := goldenSteps()
	if os.Getenv("UPDATE_GOLDENS") != "" {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	ours, theirs := strings.Fields(string(got)), strings.Fields(string(want))
	if len(ours) != len(theirs) {
		t.Fatalf("%d fields, the file has %d", len(ours), len(theirs))
	}
	for i := range ours {
		if !same(ours[i], theirs[i]) {
			t.Fatalf("field %d is %s, the file has %s; if that is meant, write it again and review it", i, ours[i], theirs[i])
		}
	}
}

// same compares numbers as the bridge does: processors that fuse a product and a sum round once less.
func same(a, b string) bool {
	x, errX := strconv.ParseFloat(a, 64)
	y, errY := strconv.ParseFloat(b, 64)
	if errX != nil || errY != nil {
		return a == b
	}
	return math.Abs(x-y) <= 1e-12
}

func goldenSteps() []byte {
	var out bytes.Buffer
	fmt.Fprintln(&out, "# robot joint dt/s q/rad v/(rad/s) a/(rad/s2) wanted/(rad/s) dq/(rad/s)")
	rng := rand.New(rand.NewPCG(3, 4))
	for _, name := range robot.Names() {
		m, _ := robot.ByName(name)
		for j := range m.N() {
			for _, h := range []float64{0.0005, 0.001, 0.0017, 0.003} {
				for range 8 {
					x, state, wanted := jointOf(j, h, &m.Limits), somewhere(rng, &m.Limits, j), 2*m.Limits.DQMax[j]*(2*rng.Float64()-1)
					fmt.Fprintf(&out, "%s %d %g %.17g %.17g %.17g %.17g %.17g\n",
						name, j, h, state.q, state.v, state.a, wanted, x.follow(state, wanted).dq)
				}
			}
		}
	}
	return out.Bytes()
}

// somewhere is a state of joint j within its limits, or a little outside its range; not always one to stop from.
func somewhere(rng *rand.Rand, l *robot.Limits, j int) motion {
	m := motion{
		q: l.QMin[j] + rng.Float64()*(l.QMax[j]-l.QMin[j]),
		v: l.DQMax[j] * (2*rng.Float64() - 1), a: l.DDQMax[j] * (2*rng.Float64() - 1),
	}
	switch rng.IntN(6) {
	case 0:
		m.q = l.QMax[j] - 0.3*rng.Float64()
	case 1:
		m.q = l.QMin[j] + 0.3*rng.Float64()
	case 2:
		m.q = l.QMax[j] + 0.05*rng.Float64()
	case 3:
		m.v, m.a = 0.01*m.v, 0.1*m.a
	}
	return m
}
