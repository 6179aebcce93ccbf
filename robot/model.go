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

// models are the robots that the project knows, in the order that messages name them.
func models() []Model { return []Model{Panda(), Sawyer()} }

// ByName returns the table of a robot by its name in factsheets and bundles.
func ByName(name string) (Model, bool) {
	for _, m := range models() {
		if m.Name == name {
			return m, true
		}
	}
	return Model{}, false
}

// Names lists what ByName knows, for messages that refuse another.
func Names() []string {
	var names []string
	for _, m := range models() {
		names = append(names, m.Name)
	}
	return names
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
