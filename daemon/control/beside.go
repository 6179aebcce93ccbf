package control

import (
	"fmt"
	"math"
	"sync"

	"sim2reald/camera"
	"sim2reald/model"
	"sim2reald/robot"
)

// Beside is an actor of two policies: the one at the controls, whose plan it makes, and another that is asked about
// the same pictures, to be told how the two differ. It takes longer than one and so is for a shadow, see Loop.Beside.
type Beside struct {
	policies [2]*PolicyActor // the one at the controls first
	together func(*model.Observation, []model.ActionChunk) error
	chunks   []model.ActionChunk
	other    Plan

	mu   sync.Mutex
	told Difference
}

// Difference is how far the first rows of two policies' plans are apart.
type Difference struct {
	Answers   uint64       // of both
	Mean      robot.Vector // of |first - second|, rad/s by joint
	Worst     robot.Vector // rad/s by joint
	Gripper   uint64       // answers in which one would close it and the other open it
	Failures  uint64       // of the second alone
	LastError error        // of these
}

// NewBeside makes an actor of first and second. together answers for both about an observation of the first's; nil, if
// the two look at their pictures differently, each is then asked by itself.
func NewBeside(first, second *PolicyActor, together func(*model.Observation, []model.ActionChunk) error) *Beside {
	return &Beside{policies: [2]*PolicyActor{first, second}, together: together, chunks: make([]model.ActionChunk, 2)}
}

// Act makes the first's plan and compares it with the second's. Only the first's error or panic is one: the second
// commands nothing.
func (b *Beside) Act(frames []*camera.Frame, state *robot.State, plan *Plan) error {
	if b.together == nil {
		return b.apart(frames, state, plan)
	}
	first, second := b.policies[0], b.policies[1]
	if err := first.observe(frames, state); err != nil {
		return err
	}
	if err := caught(func() error { return b.together(first.obs, b.chunks) }); err != nil {
		// It does not say whose it is: the first asked once more says whether it is the second's.
		if err := first.predict(); err != nil {
			return err
		}
		b.fails(fmt.Errorf("predicting: %w", err))
		return first.decode(&first.chunk, state, plan)
	}
	if err := first.decode(&b.chunks[0], state, plan); err != nil {
		return err
	}
	b.compare(plan, caught(func() error { return second.decode(&b.chunks[1], state, &b.other) }))
	return nil
}

// apart asks one after the other.
func (b *Beside) apart(frames []*camera.Frame, state *robot.State, plan *Plan) error {
	if err := b.policies[0].Act(frames, state, plan); err != nil {
		return err
	}
	b.compare(plan, act(b.policies[1], frames, state, &b.other))
	return nil
}

func (b *Beside) fails(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.told.Failures, b.told.LastError = b.told.Failures+1, err
}

// compare counts a pair of answers, or that the second gave none.
func (b *Beside) compare(plan *Plan, err error) {
	if err != nil {
		b.fails(err)
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.told.add(&plan.Wanted[0], &b.other.Wanted[0])
}

// add takes one more pair in. Decoded commands are finite.
func (d *Difference) add(first, second *robot.Command) {
	d.Answers++
	for j := range d.Mean {
		by := math.Abs(first.DQ[j] - second.DQ[j])
		d.Mean[j] += (by - d.Mean[j]) / float64(d.Answers)
		d.Worst[j] = max(d.Worst[j], by)
	}
	if (first.Gripper > 0.5) != (second.Gripper > 0.5) {
		d.Gripper++
	}
}

// Difference is what all answers so far came to.
func (b *Beside) Difference() Difference {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.told
}
