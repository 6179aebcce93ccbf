package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"sync"
	"time"

	"sim2reald/daemon/control"
	"sim2reald/daemon/evaluation"
	"sim2reald/model/dataset"
	"sim2reald/robot"
)

// collector records what the bridge's teacher shows.
type collector struct {
	w       *workcell
	teacher *teacher
	data    *dataset.Dataset
	flags   *collectFlags
	began   time.Time
	had     int // episodes that were there already

	mu    sync.Mutex
	steps []dataset.Step
}

// byTeacher goes through the seeds that the dataset lacks. whole is false when ctx ended before.
func byTeacher(ctx context.Context, w *workcell, data *dataset.Dataset, f *collectFlags, t *teacher) (whole bool, err error) {
	if !w.fact.Teacher || !w.lockstep() {
		return false, errors.New("collect: the bridge has no teacher for this task, or not the clock lockstep; start it with --teacher --clock lockstep")
	}
	t.joints, t.limits = w.model.Joints, w.model.Limits.Scaled(f.scale)
	c := &collector{w: w, teacher: t, data: data, flags: f, began: time.Now(), had: len(data.Seeds())}
	l, err := w.newLoop(control.Pilot{Actor: t, Limits: t.limits, Bundle: "none: a teacher's demonstration", CheckRig: w.calibrated})
	if err != nil {
		return false, err
	}
	l.recorder = c.record
	looping, stop := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan error, 1)
	go func() { ended <- l.run(looping, w) }()
	err = c.episodes(ctx, &evaluation.Runner{Bridge: w.link, Operator: l, States: w.episodes})
	stop()
	return ctx.Err() == nil, errors.Join(err, <-ended)
}

func (c *collector) episodes(ctx context.Context, r *evaluation.Runner) error {
	seconds := 10 * float64(c.w.fact.HorizonSteps) / c.w.fact.ControlRateHz
	plan := evaluation.Plan{
		Task: c.w.cfg.Bridge.Task, Jitter: c.w.cfg.Bridge.Jitter, Shift: c.data.Meta.Shift,
		Patience: 30 * time.Second, Horizon: time.Duration(seconds * float64(time.Second)),
	}
	for seed := c.flags.first; seed < c.flags.first+c.flags.episodes; seed++ {
		if c.data.Has(seed) {
			continue
		}
		c.begin(seed)
		trial, err := r.Once(ctx, plan, seed)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("demonstration of seed %d: %w", seed, err)
		}
		if err := c.keep(trial); err != nil {
			return err
		}
	}
	return nil
}

func (c *collector) begin(seed int64) {
	c.mu.Lock()
	c.steps = nil
	c.mu.Unlock()
	c.teacher.begin(seed)
}

// record keeps one answered observation of a running episode.
func (c *collector) record(a control.Answer) {
	if a.Output.State.Episode != robot.EpisodeRunning {
		return
	}
	s := dataset.Step{
		Stamp: a.Output.State.Stamp, Q: a.Output.State.Q, DQ: a.Output.State.DQ, Gripper: a.Output.State.Gripper,
		Wanted: c.teacher.advised(), Sent: a.Output.Command,
	}
	for _, camera := range c.w.cfg.Cameras {
		// The observation was complete, so the newest picture is the one that was acted on.
		picture, _ := c.w.picture(camera.Name)
		s.Pictures = append(s.Pictures, picture.Data)
	}
	c.mu.Lock()
	c.steps = append(c.steps, s)
	c.mu.Unlock()
}

// keep writes an episode that has ended; an aborted one is no demonstration.
func (c *collector) keep(t evaluation.Trial) error {
	if t.Void() {
		return fmt.Errorf("demonstration of seed %d was aborted: %s", t.Seed, t.Reason)
	}
	c.mu.Lock()
	e := &dataset.Episode{Seed: t.Seed, Success: t.Outcome == "success", Steps: c.steps}
	c.mu.Unlock()
	fromFirst(e.Steps)
	if err := c.data.Write(e); err != nil {
		return err
	}
	done := len(c.data.Seeds())
	each := time.Since(c.began) / time.Duration(max(1, done-c.had))
	left := time.Duration(math.Max(0, float64(c.flags.episodes)-float64(done))) * each
	fmt.Fprintf(os.Stderr, "collect: %d of %d: seed %d %s after %d steps; %v left\n",
		done, c.flags.episodes, t.Seed, t.Outcome, t.Steps, left.Round(time.Second))
	return nil
}

// fromFirst counts stamps from the first step: a bridge counts from its start, and an episode must not depend on what
// its bridge had done before.
func fromFirst(steps []dataset.Step) {
	for i := len(steps) - 1; i >= 0; i-- {
		steps[i].Stamp -= steps[0].Stamp
	}
}
