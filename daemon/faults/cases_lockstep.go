package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"sim2reald/daemon/topic"
)

// replayed runs one seed twice in lock-step and compares what was sent, number for number.
func replayed(ctx context.Context, b *bench) outcome {
	steps := b.count(200, 1000)
	first, err := b.lockstepRun(ctx, steps)
	if err != nil {
		return broken(err)
	}
	second, err := b.lockstepRun(ctx, steps)
	if err != nil {
		return broken(err)
	}
	for i := range steps {
		x, y := first[i].msg, second[i].msg
		if x.Mode != y.Mode || x.Gripper != y.Gripper || !slices.Equal(x.Velocity, y.Velocity) {
			return measured(false, "command %d differs: %v, then %v", i+1, x.Velocity, y.Velocity)
		}
	}
	return measured(true, "%d commands of two runs equal bit for bit (lock-step, CPU); replay of a recording is not built yet", steps)
}

// lockstepRun lets an episode run for so many steps and gives its commands.
func (b *bench) lockstepRun(ctx context.Context, steps int) ([]sent, error) {
	r, err := b.newRig(ctx, rigOptions{armArgs: []string{"--clock", "lockstep"}})
	if err != nil {
		return nil, err
	}
	defer r.close()
	id, err := r.begin(ctx)
	if err != nil {
		return nil, err
	}
	if err := r.armed(ctx); err != nil {
		return nil, err
	}
	if err := r.ask(ctx, "start", 0); err != nil {
		return nil, err
	}
	if err := r.release(id); err != nil {
		return nil, err
	}
	err = eventually(ctx, 60*time.Second, fmt.Sprintf("%d steps", steps), func() bool {
		_, s, ok := newest[topic.JointStates](r.tap, "joint_states")
		return ok && s.Episode != nil && s.Episode.Step > steps
	})
	if err != nil {
		return nil, err
	}
	var of []sent
	for _, c := range r.commands(0, "") {
		if c.msg.Mode == "velocity" {
			of = append(of, c)
		}
	}
	if len(of) < steps {
		return nil, fmt.Errorf("%d motion commands in %d steps", len(of), steps)
	}
	return of[:steps], r.safe()
}
