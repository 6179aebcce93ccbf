package robot

import "math"

// Limits are what a robot's maker allows per joint, base to tip.
type Limits struct {
	QMin   Vector // rad
	QMax   Vector // rad
	DQMax  Vector // rad/s, magnitude
	DDQMax Vector // rad/s², magnitude
}

// Scaled returns the limits with the velocity limits multiplied by scale, which must lie in (0, 1].
// Acceleration stays: it is what a stop needs.
func (l Limits) Scaled(scale float64) Limits {
	for j := range l.DQMax {
		l.DQMax[j] *= scale
	}
	return l
}

// Within returns the narrower of both for each of the first n joints: a robot's table and what its bridge
// enforces on the arm that is there.
func (l Limits) Within(other Limits, n int) Limits {
	for j := range n {
		l.QMin[j] = max(l.QMin[j], other.QMin[j])
		l.QMax[j] = min(l.QMax[j], other.QMax[j])
		l.DQMax[j] = min(l.DQMax[j], other.DQMax[j])
		l.DDQMax[j] = min(l.DDQMax[j], other.DDQMax[j])
	}
	return l
}

// Model is a robot that the project knows.
type Model struct {
	Name   string
	Joints []string // names, base to tip
	Limits Limits
}

// N is the number of joints.
func (m Model) N() int { return len(m.Joints) }

// Panda is the Franka Emika Panda (FER). Source: frankaemika/docs, control-parameters-joint-panda.csv.
// Trap: joint 4 cannot be 0, so that a vector of zeros is not a pose of this robot.
func Panda() Model {
	return Model{
		Name: "panda",
		Joints: []string{
			"panda_joint1", "panda_joint2", "panda_joint3", "panda_joint4",
			"panda_joint5", "panda_joint6", "panda_joint7",
		},
		Limits: Limits{
			QMin:   Vector{-2.8973, -1.7628, -2.8973, -3.0718, -2.8973, -0.0175, -2.8973},
			QMax:   Vector{2.8973, 1.7628, 2.8973, -0.0698, 2.8973, 3.7525, 2.8973},
			DQMax:  Vector{2.1750, 2.1750, 2.1750, 2.1750, 2.6100, 2.6100, 2.6100},
			DDQMax: Vector{15, 7.5, 10, 12.5, 15, 20, 20},
		},
	}
}

// ByName returns the table of a robot by its name in factsheets and bundles.
func ByName(name string) (Model, bool) {
	if name == "panda" {
		return Panda(), true
	}
	return Model{}, false
}

// Finite reports whether the first n numbers of v are neither NaN nor infinite. It is asked before any
// comparison, because every comparison with NaN is false.
func (v *Vector) Finite(n int) bool {
	for _, x := range v[:n] {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return false
		}
	}
	return true
}
