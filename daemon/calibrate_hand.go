package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"sim2reald/calibration"
	"sim2reald/calibration/live"
	"sim2reald/calibration/tour"
	"sim2reald/camera"
	"sim2reald/daemon/config"
	"sim2reald/daemon/control"
	"sim2reald/daemon/topic"
	"sim2reald/robot"
	"sim2reald/robot/kinematics"
)

// watchArm lets the sitter know where the flange is. Nothing is sent.
func (s *sitter) watchArm(w *workcell) error {
	chain, ok := kinematics.ByName(w.model.Name)
	if !ok {
		return fmt.Errorf("the lengths of the robot %q are not known; this version knows %v", w.model.Name, kinematics.Names())
	}
	s.robot, s.joints = w.fact.Model+" "+w.fact.Serial, w.model.N()
	late := config.Milliseconds(w.cfg.Ages.StateHoldMs)
	s.arm = func() (robot.State, *live.Arm) {
		state, ok := w.link.State()
		if !ok || w.clock()-state.Arrival > late {
			return state, nil
		}
		at, err := chain.Forward(&state.Q)
		if err != nil {
			return state, nil
		}
		t := calibration.Transform{R: calibration.Rotation(at.R), T: calibration.Vec(at.P)}
		return state, &live.Arm{TBaseFlange: t, Moving: state.Moving}
	}
	return nil
}

// takeControls makes a loop that holds, and the driver that may ask it to go elsewhere.
func (s *sitter) takeControls(ctx context.Context, w *workcell) (*loop, error) {
	if w.lockstep() {
		return nil, errors.New("-drive: a lock-step bridge steps for a policy alone; start it with the clock realtime")
	}
	if s.flags.rehearse != "" {
		if err := w.beginRehearsal(ctx); err != nil {
			return nil, err
		}
	}
	s.eye = camera.NewLatest(w.cameras[0].Camera()) // the loop looks at the workcell's own
	l, err := w.newLoop(control.Pilot{Actor: s, Limits: w.model.Limits, Bundle: "none: a calibration"})
	if err != nil {
		return nil, err
	}
	s.drive = &driver{arm: l, of: tour.Poses - 1}
	s.drive.next = s.around(w)
	if s.flags.poses == "" {
		return l, nil
	}
	data, err := readSmall(s.flags.poses)
	if err != nil {
		return nil, asMisconfigured(err)
	}
	poses, err := tour.Parse(data, w.model)
	if err != nil {
		return nil, asMisconfigured(fmt.Errorf("%s: %w", s.flags.poses, err))
	}
	s.drive.next, s.drive.of = chosen(poses), len(poses)
	return l, nil
}

// around plans poses around where the arm stood when the first one was asked for.
func (s *sitter) around(w *workcell) func(int, []calibration.Sample) (robot.Vector, int, error) {
	chain, _ := kinematics.ByName(w.model.Name) // watchArm has found it
	p := &tour.Planner{Kind: calibration.Kind(s.flags.kind), Lens: s.lens.Lens, Board: s.board, Chain: chain, Limits: w.model.Limits}
	return func(n int, samples []calibration.Sample) (robot.Vector, int, error) {
		if n == 1 {
			state, _ := w.link.State()
			p.Start = state.Q
		}
		return p.Next(n, samples)
	}
}

// Act hands the loop's pictures on, and wants a hold: only a person, and the driver at a person's word, move the arm.
func (s *sitter) Act(frames []*camera.Frame, state *robot.State, plan *control.Plan) error {
	s.eye.Put(frames[0])
	return control.Holder{}.Act(frames, state, plan)
}

// beginRehearsal lets a simulated arm move: its bridge stands still until an episode runs.
func (w *workcell) beginRehearsal(ctx context.Context) error {
	const id = "rehearsal"
	if err := w.link.ResetEpisode(topic.EpisodeReset{Episode: id, Task: w.cfg.Bridge.Task, Jitter: "none"}, 0); err != nil {
		return err
	}
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(10 * time.Second):
			return errors.New("the bridge of the rehearsal does not answer; see its log above")
		case e := <-w.episodes:
			if e.Episode == id && e.State == "ready" {
				return w.link.StartEpisode(id, 0)
			}
		}
	}
}

// shownBoard is the status of the arm that is commanded. A person's wish for rest ends the tour first.
func (s *sitter) shownBoard(w *workcell, l *loop) *board {
	b := &board{w: w, task: "calibration", bundle: "none: a calibration", base: "none", engine: "none", loop: l, resting: s.drive.end}
	s.mode = b.status
	w.shown.Store(b)
	return b
}

// commanding runs the loop beside f, and brings the arm to rest when one of them ends.
func commanding(ctx context.Context, shown *board, f func(context.Context) error) error {
	running, cancel := context.WithCancel(ctx)
	var publisher sync.WaitGroup
	publisher.Go(func() { shown.publish(running) })
	defer publisher.Wait()
	defer cancel()
	ended := make(chan error, 1)
	go func() {
		ended <- shown.loop.run(running, shown.w)
		cancel()
	}()
	err := f(running)
	cancel()
	return errors.Join(err, <-ended)
}
