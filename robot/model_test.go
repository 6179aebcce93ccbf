package robot

import (
	"encoding/json"
	"math"
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
		JerkMax         []float64 `json:"jerk_max"`
		TaperOffset     []float64 `json:"taper_offset"`
		TaperDecel      []float64 `json:"taper_decel"`
		TorqueMax       []float64 `json:"torque_max"`
		Home            []float64 `json:"home"`
	}
	if err := json.Unmarshal(text, &table); err != nil {
		t.Fatal(err)
	}
	m, ok := ByName(name)
	if !ok || table.Robot != name || !slices.Equal(m.Joints, table.JointNames) {
		t.Fatalf("the bridge knows %s with %v", table.Robot, table.JointNames)
	}
	if table.TaperDecel == nil {
		table.TaperOffset, table.TaperDecel = make([]float64, m.N()), make([]float64, m.N())
	}
	for _, row := range []struct {
		name   string
		ours   Vector
		theirs []float64
	}{
		{"position_min", m.Limits.QMin, table.PositionMin}, {"position_max", m.Limits.QMax, table.PositionMax},
		{"velocity_max", m.Limits.DQMax, table.VelocityMax}, {"acceleration_max", m.Limits.DDQMax, table.AccelerationMax},
		{"jerk_max", m.Limits.DDDQMax, table.JerkMax}, {"taper_offset", m.Limits.Taper.Offset, table.TaperOffset},
		{"taper_decel", m.Limits.Taper.Decel, table.TaperDecel}, {"torque_max", m.TauMax, table.TorqueMax}, {"home", m.Home, table.Home},
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

// TestHomesAreInside: limits of a simulator's description would refuse the Sawyer's own neutral pose.
func TestHomesAreInside(t *testing.T) {
	for _, name := range Names() {
		m, _ := ByName(name)
		for j := range m.N() {
			if q := m.Home[j]; q <= m.Limits.QMin[j] || q >= m.Limits.QMax[j] {
				t.Errorf("%s joint %d: %g outside %g to %g", name, j, q, m.Limits.QMin[j], m.Limits.QMax[j])
			}
		}
	}
}

// TestJerkDoesNotBindAtTenMilliseconds: from one full acceleration to the other fits into a tick of the simulated
// arms, so that what was measured on them before jerk was limited still holds.
func TestJerkDoesNotBindAtTenMilliseconds(t *testing.T) {
	for _, name := range Names() {
		m, _ := ByName(name)
		for j := range m.N() {
			if l := m.Limits; l.DDDQMax[j]*0.010 < 2*l.DDQMax[j] || l.DDDQMax[j]*0.001 >= 2*l.DDQMax[j] {
				t.Errorf("%s joint %d: %g rad/s² and %g rad/s³", name, j, l.DDQMax[j], l.DDDQMax[j])
			}
		}
	}
}

// TestWithinKeepsJerkAndTaper: a factsheet and a bundle say neither, and do not take them away.
func TestWithinKeepsJerkAndTaper(t *testing.T) {
	table := FR3().Limits
	plain := table
	plain.DDDQMax, plain.Taper = Vector{}, Taper{}
	if got := table.Within(plain, 7); got != table {
		t.Errorf("within limits without jerk and taper: %+v", got)
	}
	if got := plain.Within(table, 7); got != table {
		t.Errorf("limits without jerk and taper within the table: %+v", got)
	}
	tight := table
	tight.DDDQMax[0], tight.Taper.Decel[0], tight.Taper.Offset[0] = 100, 1, 0.5
	if table.Within(tight, 7) != tight || tight.Within(table, 7) != tight {
		t.Error("the tighter of two is not taken")
	}
}

// TestSpeed holds FR3's joint 1 against libfranka's formula, worked out by hand.
func TestSpeed(t *testing.T) {
	fr3, panda := FR3().Limits, Panda().Limits
	for _, c := range []struct {
		limits *Limits
		room   float64
		want   float64
	}{
		{&fr3, 2, 2.62}, {&fr3, 0.12, 0.9}, {&fr3, 0.0075, 0}, {&fr3, 0.001, 0}, {&fr3, 0, 0}, {&fr3, -1, 0},
		{&panda, 0, 2.175}, {&panda, -1, 2.175},
	} {
		if got := c.limits.Speed(0, c.room); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("with %g rad left: %g rad/s, want %g", c.room, got, c.want)
		}
	}
}

func TestModesAreNamedAsTheContractNamesThem(t *testing.T) {
	if Hold.String() != "hold" || Velocity.String() != "velocity" || Position.String() != "position" {
		t.Errorf("%s %s %s", Hold, Velocity, Position)
	}
}

func TestZerosAreNoPoseOfAFranka(t *testing.T) {
	for _, m := range []Model{Panda(), FR3()} {
		if m.Limits.QMax[3] >= 0 {
			t.Errorf("%s: joint 4 must exclude 0: it is how an action that nobody filled in is found", m.Name)
		}
	}
}
