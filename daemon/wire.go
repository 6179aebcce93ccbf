package main

import (
	"fmt"
	"sync/atomic"
	"time"

	"sim2reald/daemon/config"
	"sim2reald/daemon/control"
	"sim2reald/daemon/topic"
	"sim2reald/model/bundle"
	"sim2reald/robot"
)

// rigOf is the live rig as a bundle's contract sees it. The factsheet is the newest one: a bridge that was
// started again is checked again.
func (w *workcell) rigOf(baseDigest string) bundle.Rig {
	f, ok := w.link.Factsheet()
	if !ok {
		f = w.fact
	}
	rig := bundle.Rig{
		Daemon: version, BaseDigest: baseDigest, ControlRateHz: f.ControlRateHz, RequireReference: w.cfg.Policy.RequireReference,
		Robot: bundle.Robot{
			Model: f.Model, JointNames: f.JointNames, Gripper: bundle.Gripper{Open: f.Gripper.Open, Closed: f.Gripper.Closed},
		},
		Limits: bundle.Limits{
			PositionMin: f.Limits.PositionMin, PositionMax: f.Limits.PositionMax,
			VelocityMax: f.Limits.VelocityMax, AccelerationMax: f.Limits.AccelerationMax, SpeedScale: w.speedScale(),
		},
	}
	for i, c := range w.cfg.Cameras {
		rig.Cameras = append(rig.Cameras, w.rigCamera(i, c, f))
	}
	return rig
}

// rigCamera takes a bridge's camera from its factsheet and a device's from the picture that it gives.
func (w *workcell) rigCamera(i int, c config.Camera, f topic.Factsheet) bundle.RigCamera {
	for _, fact := range f.Cameras {
		if c.Source == config.SourceBridge && fact.Name == c.Name {
			return bundle.RigCamera{Name: c.Name, Width: fact.Width, Height: fact.Height, Colour: fact.Colour}
		}
	}
	width, height := w.cameras[i].Size()
	return bundle.RigCamera{Name: c.Name, Width: width, Height: height, Colour: "rgb"}
}

// newLoop makes the loop for whoever decides.
func (w *workcell) newLoop(pilot control.Pilot) (*loop, error) {
	period := time.Duration(float64(time.Second) / w.fact.StateRateHz)
	l := &loop{link: w.link}
	err := w.needWorkspace()
	if err != nil {
		return nil, err
	}
	cfg := control.Config{
		Pilot: pilot, Rig: w.link, Way: way{w.link}, Cameras: w.cameras, Together: config.Milliseconds(w.cfg.Ages.ApartMs), Joints: w.model.N(), Limits: w.model.Limits, Home: w.model.Home,
		Space: w.space.Another(), HomeSpeed: w.speedScale(),
		Period: period, ControlPeriod: w.controlPeriod(),
		Ensemble: control.Ensemble{Plans: w.cfg.Policy.Ensemble, Decay: w.cfg.Policy.EnsembleDecay},
		Bounds:   w.bounds(),
		Lockstep: w.lockstep(), Clock: w.clock, Send: l.send, Resend: l.resend, OnAnswer: l.onAnswer,
		Scheduling: scheduling(w.cfg.Realtime, w.core), OnScheduled: w.sayScheduling,
		FirstFault: uint64(max(0, time.Now().Unix())), // fewer faults than seconds, so that a restart begins above
	}
	if w.record != nil {
		cfg.Recorder, l.audit = w.record, w.record.put
	}
	l.Loop, err = control.New(cfg)
	return l, err
}

// loop is a control loop on a link.
type loop struct {
	*control.Loop
	link     *topic.Link
	last     topic.JointCommand
	recorder func(control.Answer)
	audit    func(topic.JointCommand, *robot.State) // what was sent, and the measurement that it answers; nil for none

	interrupted atomic.Bool // a person asked for rest while an evaluation ran
	atRest      func()      // then ends the evaluation; nil when none runs
	resets      bool        // the next episode puts the arm elsewhere, whatever became of it: a simulator's evaluation
}

func (l *loop) send(out control.Output) error {
	msg, err := l.link.SendCommand(topic.Outgoing{
		Command: out.Command, Reason: out.Reason.String(), State: out.State, Bundle: out.Bundle,
	})
	if err != nil {
		return fmt.Errorf("sending a command: %w", err)
	}
	l.last = msg
	if l.audit != nil {
		l.audit(msg, &out.State)
	}
	return nil
}

func (l *loop) resend() error { return l.link.ResendCommand(l.last) }

func (l *loop) onAnswer(a control.Answer) {
	if l.recorder != nil {
		l.recorder(a)
	}
}
