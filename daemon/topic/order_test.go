package topic

import (
	"errors"
	"slices"
	"testing"
	"time"

	"sim2reald/robot"
)

// sawyerStates names each joint's own position and velocity, in any order.
func sawyerStates(names []string) *JointStates {
	joints := robot.Sawyer().Joints
	m := &JointStates{Envelope: Envelope{Epoch: "0123456789abcdef", Seq: 7}, Name: slices.Clone(names)}
	for _, name := range names {
		j := slices.Index(joints, name) // -1 for what is no joint of the arm
		m.Position = append(m.Position, 0.1*float64(j+1))
		m.Velocity = append(m.Velocity, 0.01*float64(j+1))
	}
	return m
}

// permutations calls f with every order of names, by Heap's algorithm.
func permutations(names []string, n int, f func([]string)) {
	if n <= 1 {
		f(names)
		return
	}
	for i := range n {
		permutations(names, n-1, f)
		if j := i * (1 - n%2); i < n-1 { // n even: i, odd: 0
			names[j], names[n-1] = names[n-1], names[j]
		}
	}
}

// TestSawyerInAnyOrder: all 5040 orders of its joints are one and the same state.
func TestSawyerInAnyOrder(t *testing.T) {
	joints := robot.Sawyer().Joints
	want, err := DecodeState(sawyerStates(joints), joints, time.Minute)
	if err != nil || want.Q[6] != 0.1*float64(7) {
		t.Fatalf("%+v, %v", want, err)
	}
	seen := map[string]bool{}
	permutations(slices.Clone(joints), len(joints), func(names []string) {
		got, err := DecodeState(sawyerStates(names), joints, time.Minute)
		if err != nil || got != want {
			t.Errorf("%v: %+v, %v", names, got, err)
		}
		key := ""
		for _, n := range names {
			key += n[len(n)-1:]
		}
		seen[key] = true
	})
	if len(seen) != 5040 {
		t.Errorf("%d orders, want 5040", len(seen))
	}
}

// TestSawyerWithOthers is what its own driver says on the same topic, none of which may shift a joint: the head's and the
// torso's positions with the arm's, the gripper's alone, a part, one twice, none.
func TestSawyerWithOthers(t *testing.T) {
	joints := robot.Sawyer().Joints
	for name, names := range map[string][]string{
		"head first":       slices.Concat([]string{"head_pan"}, joints, []string{"torso_t0"}),
		"head for a wrist": append([]string{"head_pan"}, joints[:6]...),
		"gripper alone":    {"right_gripper_l_finger_joint", "right_gripper_r_finger_joint"},
		"without j3":       slices.Concat(joints[:3], joints[4:]),
		"j3 twice":         slices.Concat(joints[:3], []string{"right_j3", "right_j3"}, joints[5:]),
		"j3 and j3 again":  append(slices.Clone(joints), "right_j3"),
		"nothing":          {},
	} {
		if s, err := DecodeState(sawyerStates(names), joints, 0); !errors.Is(err, ErrPayload) {
			t.Errorf("%s: %+v, %v", name, s, err)
		}
	}
}
