package preprocess

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"sim2reald/model"
	"sim2reald/robot"
	"sim2reald/robot/kinematics"
)

// pandaSolver draws a Panda to the pose that its maker's examples start from.
func pandaSolver(t testing.TB) *kinematics.Solver {
	t.Helper()
	home := robot.Vector{0, -math.Pi / 4, 0, -3 * math.Pi / 4, 0, math.Pi / 2, math.Pi / 4}
	chain, err := kinematics.Panda().WithTool(kinematics.Point{0, 0, 0.1034})
	if err != nil {
		t.Fatal(err)
	}
	s, err := kinematics.NewSolver(chain, robot.Panda().Limits, home)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func twistActions(t testing.TB, s *kinematics.Solver, parts ...int) *Actions {
	t.Helper()
	space, err := TwistSpace(s, parts, 12.5)
	if err != nil {
		t.Fatal(err)
	}
	a, err := NewActions(space, testStats(len(parts)+1))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// wayOf is how a command, held for a period, displaces and turns the tool of an arm at q, per second.
func wayOf(t testing.TB, a *Actions, cmd *robot.Command, q robot.Vector) kinematics.Twist {
	t.Helper()
	s := a.space.inverse
	to := a.space.moved(&q, &cmd.DQ, a.space.period)
	from, err := s.Chain.Forward(&q)
	after, errAfter := s.Chain.Forward(&to)
	if err != nil || errAfter != nil {
		t.Fatal(err, errAfter)
	}
	var out kinematics.Twist
	for i := range 3 {
		out[i] = (after.P[i] - from.P[i]) / a.space.period
		out[3+i] = a.turn(&from, &after)[i]
	}
	return out
}

// turn is the small rotation between two poses, as a vector in the base, per second.
func (a *Actions) turn(from, to *kinematics.Pose) [3]float64 {
	var d [9]float64 // to.R · from.Rᵀ
	for i := range 9 {
		for k := range 3 {
			d[i] += to.R[i/3*3+k] * from.R[i%3*3+k]
		}
	}
	return [3]float64{(d[7] - d[5]) / 2 / a.space.period, (d[2] - d[6]) / 2 / a.space.period, (d[3] - d[1]) / 2 / a.space.period}
}

// TestTwistRoundTrips: a joint command that becomes a label and is decoded again moves the tool as it did, whatever
// else the joints then do; parts that the action lacks are zero. What is left is of third order in the period.
func TestTwistRoundTrips(t *testing.T) {
	s := pandaSolver(t)
	worst := 0.0
	for _, parts := range [][]int{{0, 1, 2, 3, 4, 5}, {0, 1, 2}, {0, 1, 2, 5}} {
		a := twistActions(t, s, parts...)
		rng := rand.New(rand.NewPCG(7, 1))
		for range 200 {
			state := &robot.State{Q: s.Posture}
			sent := robot.Command{Mode: robot.Velocity, Gripper: rng.Float64()}
			for j := range 7 {
				state.Q[j] += 0.3 * (2*rng.Float64() - 1)
				sent.DQ[j] = 0.2 * (2*rng.Float64() - 1)
			}
			chunk := &model.ActionChunk{Rows: 1, Dim: a.Dim(), Data: make([]float32, a.Dim())}
			if err := a.Encode(&sent, &state.Q, chunk.Data); err != nil {
				t.Fatal(err)
			}
			var got [1]robot.Command
			if err := a.Decode(chunk, state, got[:]); err != nil {
				t.Fatal(err)
			}
			want, moved := wayOf(t, a, &sent, state.Q), wayOf(t, a, &got[0], state.Q)
			for i := range want {
				if !slices.Contains(parts, i) {
					want[i] = 0
				}
				worst = max(worst, math.Abs(moved[i]-want[i]))
				if math.Abs(moved[i]-want[i]) > 5e-4 || math.Abs(got[0].Gripper-sent.Gripper) > 1e-6 {
					t.Fatalf("parts %v: twist %v and gripper %g, want %v and %g", parts, moved, got[0].Gripper, want, sent.Gripper)
				}
			}
		}
	}
	t.Logf("largest difference %.1e m/s or rad/s", worst)
}

// TestLaterRowsMeetTheArmWhereItWillBe: a chunk of one straight motion, carried out without being measured again,
// stays straight and does not turn.
func TestLaterRowsMeetTheArmWhereItWillBe(t *testing.T) {
	const rows, sideways = 16, 0.1
	s := pandaSolver(t)
	space, err := TwistSpace(s, []int{1}, 12.5)
	if err != nil {
		t.Fatal(err)
	}
	a, err := NewActions(space, Stats{Mean: []float32{sideways, 0}, Std: []float32{1, 1}})
	if err != nil {
		t.Fatal(err)
	}
	var wanted [rows]robot.Command
	q := s.Posture
	if err := a.Decode(&model.ActionChunk{Rows: rows, Dim: 2, Data: make([]float32, 2*rows)}, &robot.State{Q: q}, wanted[:]); err != nil {
		t.Fatal(err)
	}
	from, err := s.Chain.Forward(&q)
	if err != nil {
		t.Fatal(err)
	}
	for _, cmd := range wanted {
		q = space.moved(&q, &cmd.DQ, space.period)
	}
	to, err := s.Chain.Forward(&q)
	if err != nil {
		t.Fatal(err)
	}
	off := math.Hypot(to.P[0]-from.P[0], to.P[2]-from.P[2])
	turned := to.R[0]*from.R[0] + to.R[3]*from.R[3] + to.R[6]*from.R[6]
	if d := to.P[1] - from.P[1]; math.Abs(d-rows*sideways/12.5) > 1e-4 || off > 1e-4 || turned < math.Cos(1e-3) {
		t.Errorf("moved %g m sideways, %g m off the line, cosine of the turn %.7f", d, off, turned)
	}
}

func TestDeviations(t *testing.T) {
	s := pandaSolver(t)
	dq := robot.Vector{0.5}
	space, err := TwistSpace(s, []int{1, 5}, 12.5)
	if err != nil {
		t.Fatal(err)
	}
	got, err := space.Deviations(&dq)
	at, errAt := s.Chain.Forward(&s.Posture)
	if err != nil || errAt != nil || len(got) != 2 {
		t.Fatal(got, err, errAt)
	}
	// Joint 1 turns about the base's z: all of its speed, and as much sideways as the tool is far out.
	if math.Abs(got[1]-0.5) > 1e-12 || math.Abs(got[0]-0.5*at.P[0]) > 1e-12 {
		t.Errorf("%v for joint 1 alone at %v", got, at.P)
	}
	joint := JointSpace(2)
	if got, err := joint.Deviations(&robot.Vector{1, 2, 3}); err != nil || !slices.Equal(got, []float64{1, 2}) {
		t.Errorf("of joints: %v, %v", got, err)
	}
}

func TestTwistRefusals(t *testing.T) {
	s := pandaSolver(t)
	a := twistActions(t, s, 0, 1, 2)
	nan := math.NaN()
	zeros := &model.ActionChunk{Rows: 1, Dim: 4, Data: make([]float32, 4)}
	absurd := &model.ActionChunk{Rows: 1, Dim: 4, Data: []float32{1e6, 0, 0, 0}}
	home := &robot.State{Q: s.Posture}
	for name, c := range map[string]struct {
		do   func() error
		want string
	}{
		"measured NaN": {func() error { return a.Decode(zeros, &robot.State{Q: robot.Vector{nan}}, make([]robot.Command, 1)) }, "decoding row 0: joint position 0 is NaN"},
		"absurd":       {func() error { return a.Decode(absurd, home, make([]robot.Command, 1)) }, "twist 0"},
		"label's q":    {func() error { return a.Encode(&robot.Command{}, &robot.Vector{nan}, make([]float32, 4)) }, "joint position 0 is NaN"},
		"label's dq": {func() error {
			return a.Encode(&robot.Command{DQ: robot.Vector{nan}}, &s.Posture, make([]float32, 4))
		}, "label 0 is NaN"},
		"label's row": {func() error { return a.Encode(&robot.Command{}, &s.Posture, make([]float32, 8)) }, "row of 8, want 4"},
		"no parts":    {func() error { _, err := TwistSpace(s, nil, 10); return err }, "0 parts"},
		"seventh":     {func() error { _, err := TwistSpace(s, []int{6}, 10); return err }, "ascending"},
		"twice":       {func() error { _, err := TwistSpace(s, []int{1, 1}, 10); return err }, "ascending"},
		"rate":        {func() error { _, err := TwistSpace(s, []int{1}, nan); return err }, "NaN Hz"},
		"statistics": {func() error {
			space, err := TwistSpace(s, []int{1}, 10)
			if err != nil {
				return err
			}
			_, err = NewActions(space, testStats(8))
			return err
		}, "want 2"},
	} {
		if err := c.do(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	var bad *kinematics.NotFiniteError
	if err := a.Decode(zeros, &robot.State{Q: robot.Vector{nan}}, make([]robot.Command, 1)); !errors.As(err, &bad) {
		t.Errorf("the cause is lost: %v", err)
	}
}

func TestTwistAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	s := pandaSolver(t)
	a := twistActions(t, s, 0, 1, 2, 5)
	state, row := &robot.State{Q: s.Posture}, make([]float32, 5)
	chunk := &model.ActionChunk{Rows: 2, Dim: 5, Data: make([]float32, 10)}
	var wanted [2]robot.Command
	n := testing.AllocsPerRun(100, func() {
		if err := errors.Join(a.Decode(chunk, state, wanted[:]), a.Encode(&wanted[0], &state.Q, row)); err != nil {
			t.Fatal(err)
		}
	})
	if n != 0 {
		t.Fatalf("%v allocations a decode, want 0", n)
	}
}

func BenchmarkDecodeTwist(b *testing.B) {
	s := pandaSolver(b)
	a := twistActions(b, s, 0, 1, 2)
	state := &robot.State{Q: s.Posture}
	chunk := &model.ActionChunk{Rows: 1, Dim: 4, Data: []float32{0.1, 0, 0, 0}}
	var wanted [1]robot.Command
	b.ReportAllocs()
	for b.Loop() {
		if err := a.Decode(chunk, state, wanted[:]); err != nil {
			b.Fatal(err)
		}
	}
}
