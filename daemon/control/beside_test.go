package control

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"sim2reald/camera"
	"sim2reald/daemon/control/supervisor"
	"sim2reald/model"
	"sim2reald/robot"
)

// oneJoint is a policy with what stands before and behind it: it wants speed of joint 0, and never looks.
type oneJoint struct {
	speed, gripper float32
	err            error
	panics         bool
	asked          int
}

func (*oneJoint) Observe([]*camera.Frame, *robot.State, *model.Observation) error { return nil }

func (o *oneJoint) Predict(_ *model.Observation, out *model.ActionChunk) error {
	o.asked++
	if o.panics {
		panic("out of its mind")
	}
	out.Rows, out.Dim, out.Data = 1, 2, []float32{o.speed, o.gripper}
	return o.err
}

func (*oneJoint) Decode(chunk *model.ActionChunk, _ *robot.State, wanted []robot.Command) error {
	wanted[0] = robot.Command{Mode: robot.Velocity, DQ: robot.Vector{float64(chunk.Data[0])}, Gripper: float64(chunk.Data[1])}
	return nil
}

func (o *oneJoint) actor(t *testing.T) *PolicyActor {
	t.Helper()
	a, err := NewPolicyActor(o, &model.Observation{}, o, o, 1)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// inOne asks policies as serving.Together does: the first error ends it, and is nobody's by name.
func inOne(policies ...*oneJoint) func(*model.Observation, []model.ActionChunk) error {
	return func(obs *model.Observation, out []model.ActionChunk) error {
		for i, p := range policies {
			if err := p.Predict(obs, &out[i]); err != nil {
				return err
			}
		}
		return nil
	}
}

// TestBeside asks two policies in one pass and one by one: the plan is always the first's, the differences are counted,
// and what the second does wrong is told and is no failure.
func TestBeside(t *testing.T) {
	for name, shared := range map[string]bool{"in one pass": true, "one by one": false} {
		t.Run(name, func(t *testing.T) {
			first, second := &oneJoint{speed: 0.5}, &oneJoint{speed: 0.25}
			b := NewBeside(first.actor(t), second.actor(t), nil)
			if shared {
				b.together = inOne(first, second)
			}
			var plan Plan
			look := func() error { return b.Act(nil, &robot.State{}, &plan) }
			err := look()
			second.speed, second.gripper = 1.25, 1
			if err = errors.Join(err, look()); err != nil {
				t.Fatal(err)
			}
			d := b.Difference()
			if d.Answers != 2 || d.Mean[0] != 0.5 || d.Worst[0] != 0.75 || d.Gripper != 1 || d.Failures != 0 || plan.Wanted[0].DQ[0] != 0.5 {
				t.Errorf("%+v, plan %v", d, plan.Wanted[0])
			}
			second.err = errors.New("second is broken")
			if err := look(); err != nil || plan.Rows != 1 || plan.Wanted[0].DQ[0] != 0.5 {
				t.Errorf("the second's failure: %v, plan %v", err, plan.Wanted[0])
			}
			if d = b.Difference(); d.Answers != 2 || d.Failures != 1 || !strings.Contains(d.LastError.Error(), "second is broken") {
				t.Errorf("%+v", d)
			}
			second.panics = true
			if err := look(); err != nil || plan.Wanted[0].DQ[0] != 0.5 || !strings.Contains(b.Difference().LastError.Error(), "out of its mind") {
				t.Errorf("the second's panic: %v, %+v", err, b.Difference())
			}
			first.err = errors.New("first is broken")
			if err := look(); err == nil || !strings.Contains(err.Error(), "first is broken") || b.Difference().Failures != 2 {
				t.Errorf("the first's failure: %v, %+v", err, b.Difference())
			}
		})
	}
}

// TestBesideInShadowAlone: the second is asked while the daemon shadows, and neither before nor after, nor after a swap.
func TestBesideInShadowAlone(t *testing.T) {
	first, second := &oneJoint{speed: 0.1}, &oneJoint{speed: 0.2}
	b := newBenchOf(false, func(c *Config) { c.Actor = first.actor(t) })
	pair := NewBeside(first.actor(t), second.actor(t), inOne(first, second))
	b.loop.Beside(pair)
	asked := func() int {
		before := second.asked
		b.see(10 * time.Millisecond)
		if err := b.loop.Think(); err != nil {
			t.Fatal(err)
		}
		b.loop.Step()
		return second.asked - before
	}
	b.armAndStart(t)
	if asked() != 0 {
		t.Error("asked while the arm runs")
	}
	ask(t, b, supervisor.HoldStill)
	ask(t, b, supervisor.Stop)
	ask(t, b, supervisor.Arm)
	ask(t, b, supervisor.Shadow)
	if asked() != 1 {
		t.Error("not asked in the shadow")
	}
	if would, shadows := b.loop.Shadowed(); !shadows || math.Abs(would[0]-0.1) > 1e-6 {
		t.Errorf("would be sent: %v, shadows %t", would, shadows)
	}
	b.loop.Beside(nil)
	if asked() != 0 {
		t.Error("asked after it was taken away")
	}
	b.loop.Beside(pair)
	if err := b.loop.Swap(Pilot{Actor: first.actor(t), Limits: robot.Panda().Limits, Bundle: "other"}); err != nil {
		t.Fatal(err)
	}
	if asked() != 0 {
		t.Error("asked beside another pilot")
	}
}
