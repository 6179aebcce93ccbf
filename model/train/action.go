package train

import (
	"fmt"
	"math"

	"sim2reald/model/bundle"
	"sim2reald/model/dataset"
	"sim2reald/model/preprocess"
	"sim2reald/robot"
)

// Tool says how recorded joint velocities become actions of kind cartesian_velocity: the motion of a point of the
// flange that they amounted to.
type Tool struct {
	Dimensions []string   // as bundle.ParseTwist gives them
	Chain      string     // of kinematics.ByName
	Point      [3]float64 // m, in the flange
}

// String is for messages; nil is the joints.
func (t *Tool) String() string {
	if t == nil {
		return "the joints"
	}
	return fmt.Sprintf("%v of %v m on %s", t.Dimensions, t.Point, t.Chain)
}

// action describes the numbers to learn. The posture of a tool's is the middle of the joints' ranges until the
// demonstrations have been read.
func (o *Options) action(m *dataset.Meta) bundle.Action {
	a := bundle.Action{Kind: bundle.ActionVelocity, Unit: bundle.UnitVelocity, RateHz: m.ControlRateHz,
		ChunkSize: o.ChunkSize, NActionSteps: o.NSteps, Dimensions: bundle.Dimensions(m.Robot.JointNames)}
	if o.Tool == nil {
		return a
	}
	a.Kind, a.Unit, a.Dimensions = bundle.ActionCartesian, bundle.UnitCartesian, o.Tool.Dimensions
	a.Cartesian = &bundle.Cartesian{Chain: o.Tool.Chain, Tool: o.Tool.Point}
	lim := m.Limits.Robot()
	for j := range m.Robot.JointNames {
		a.Cartesian.Posture = append(a.Cartesian.Posture, (lim.QMin[j]+lim.QMax[j])/2)
	}
	return a
}

// speech names what an action's numbers mean, so that two heads can be compared.
func speech(a *bundle.Action) string {
	s := fmt.Sprintf("%s %v, %d in an answer", a.Kind, a.Dimensions, a.ChunkSize)
	if c := a.Cartesian; c != nil {
		s += fmt.Sprintf(", of %v m on %s", c.Tool, c.Chain)
	}
	return s
}

// statistics are those of joint positions and labels over the steps that are trained on, with the space that the
// labels are in. It gives a tool's action the demonstrations' mean posture.
func (r *run) statistics(held []bool, n int, lim *robot.Limits) (preprocess.Space, error) {
	steps := r.demos.trained(held)
	r.proprio = moments(n, len(steps), proprioFloor, func(i int) []float64 { return steps[i].Q[:n] })
	if c := r.manifest.Action.Cartesian; c != nil {
		for j := range c.Posture {
			mean := math.Round(1e6*float64(r.proprio.Mean[j])) / 1e6 // no digits beyond what it means
			c.Posture[j] = min(max(mean, lim.QMin[j]), lim.QMax[j])
		}
	}
	space, err := r.manifest.Space()
	if err != nil {
		return space, err
	}
	values := make([]float64, space.Dim())
	r.action = moments(len(values), len(steps), actionFloor, func(i int) []float64 {
		c := label(steps[i], n, lim)
		if bad := space.Values(&c, &steps[i].Q, values); bad != nil {
			err = bad
		}
		return values
	})
	return space, err
}

// trained are the steps that are not held out.
func (d *demonstrations) trained(held []bool) []*dataset.Step {
	var steps []*dataset.Step
	for i, e := range d.episodes {
		for s := range e.Steps {
			if !held[i] {
				steps = append(steps, &e.Steps[s])
			}
		}
	}
	return steps
}
