package robot

import (
	"encoding/json"
	"os"
	"slices"
	"testing"
)

// TestTablesAgree holds the daemon's table and the bridge's against each other: both check every command.
func TestTablesAgree(t *testing.T) {
	for _, name := range Names() {
		t.Run(name, func(t *testing.T) { tableAgrees(t, name) })
	}
}

func tableAgrees(t *testing.T, name string) {
	text, err := os.ReadFile("bridge/sim2real_bridge/limits/" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	var table struct {
		Robot           string    `json:"robot"`
		JointNames      []string  `json:"joint_names"`
		PositionMin     []float64 `json:"position_min"`
		PositionMax     []float64 `json:"position_max"`
		VelocityMax     []float64 `json:"velocity_max"`
		AccelerationMax []float64 `json:"acceleration_max"`
	}
	if err := json.Unmarshal(text, &table); err != nil {
		t.Fatal(err)
	}
	m, ok := ByName(name)
	if !ok || table.Robot != name || !slices.Equal(m.Joints, table.JointNames) {
		t.Fatalf("the bridge knows %s with %v", table.Robot, table.JointNames)
	}
	for _, row := range []struct {
		name   string
		ours   Vector
		theirs []float64
	}{
		{"position_min", m.Limits.QMin, table.PositionMin}, {"position_max", m.Limits.QMax, table.PositionMax},
		{"velocity_max", m.Limits.DQMax, table.VelocityMax}, {"acceleration_max", m.Limits.DDQMax, table.AccelerationMax},
	} {
		if !slices.Equal(row.ours[:m.N()], row.theirs) {
			t.Errorf("%s: %v here, %v in the bridge", row.name, row.ours, row.theirs)
		}
	}
}

func TestLimits(t *testing.T) {
	l := Panda().Limits
	tight := l
	tight.QMin[6], tight.QMax[3], tight.DQMax[0], tight.DDQMax[1] = -2, -0.4, 1, 5
	if got := l.Within(tight, 7); got != tight {
		t.Errorf("within the tighter: %+v", got)
	}
	if got := tight.Within(l, 7); got != tight {
		t.Errorf("within the wider: %+v", got)
	}
	if got := l.Scaled(0.5); got.DQMax[0] != 1.0875 || got.DDQMax != l.DDQMax {
		t.Errorf("scaled: %+v", got)
	}
}

func TestUnknownRobot(t *testing.T) {
	if m, ok := ByName("ur5"); ok || m.N() != 0 {
		t.Errorf("a robot that no table describes: %+v", m)
	}
}

// TestSawyerReachesItsNeutralPose: limits of a simulator's description would refuse it.
func TestSawyerReachesItsNeutralPose(t *testing.T) {
	l := Sawyer().Limits
	for j, q := range []float64{0, -1.18, 0, 2.18, 0, 0.57, 3.3161} {
		if q < l.QMin[j] || q > l.QMax[j] {
			t.Errorf("joint %d: %g outside %g to %g", j, q, l.QMin[j], l.QMax[j])
		}
	}
}

func TestZerosAreNoPoseOfAPanda(t *testing.T) {
	if l := Panda().Limits; l.QMax[3] >= 0 {
		t.Error("joint 4 must exclude 0: it is how an action that nobody filled in is found")
	}
}
