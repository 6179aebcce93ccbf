package robot

import "math"

// Limits are what a robot's maker allows per joint, base to tip.
type Limits struct {
	QMin    Vector // rad
	QMax    Vector // rad
	DQMax   Vector // rad/s, magnitude
	DDQMax  Vector // rad/s², magnitude
	DDDQMax Vector // rad/s³, magnitude; 0 where none is known: factsheets and bundles do not say one
	Taper   Taper  // all zero where the speed limit does not depend on position
}

// Taper lowers the speed limit towards the ends of a joint's range, as the FR3 does: with room rad left to the
// end that the joint moves to, its speed is at most -Offset + sqrt(2·Decel·room), never below zero.
type Taper struct {
	Offset Vector // rad/s
	Decel  Vector // rad/s²; 0 for a joint without taper
}

// Speed is the greatest speed of joint j, rad/s, with room rad left to the end that it moves to.
func (l *Limits) Speed(j int, room float64) float64 {
	if l.Taper.Decel[j] == 0 {
		return l.DQMax[j]
	}
	return min(l.DQMax[j], max(0, -l.Taper.Offset[j]+math.Sqrt(max(0, 2*l.Taper.Decel[j]*room))))
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
// enforces on the arm that is there. Jerk and taper are those of whichever knows them.
func (l Limits) Within(other Limits, n int) Limits {
	for j := range n {
		l.QMin[j] = max(l.QMin[j], other.QMin[j])
		l.QMax[j] = min(l.QMax[j], other.QMax[j])
		l.DQMax[j] = min(l.DQMax[j], other.DQMax[j])
		l.DDQMax[j] = min(l.DDQMax[j], other.DDQMax[j])
		l.DDDQMax[j] = lowest(l.DDDQMax[j], other.DDDQMax[j])
		l.Taper.Decel[j] = lowest(l.Taper.Decel[j], other.Taper.Decel[j])
		l.Taper.Offset[j] = max(l.Taper.Offset[j], other.Taper.Offset[j])
	}
	return l
}

// lowest is the lower of two bounds, where 0 is a bound that is not known.
func lowest(a, b float64) float64 {
	if a == 0 || b == 0 {
		return a + b
	}
	return min(a, b)
}

// Model is a robot that the project knows.
type Model struct {
	Name   string
	Joints []string // names, base to tip
	Limits Limits
	TauMax Vector // N·m, magnitude
	Home   Vector // rad, where the arm rests when it has nothing to do
}

// N is the number of joints.
func (m Model) N() int { return len(m.Joints) }

// models are the robots that the project knows, in the order that messages name them.
func models() []Model { return []Model{Panda(), FR3(), Sawyer()} }

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
