package main

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"sim2reald/daemon/config"
	"sim2reald/daemon/control"
	"sim2reald/daemon/topic"
	"sim2reald/model/base"
	"sim2reald/model/bundle"
	"sim2reald/model/engine"
	"sim2reald/model/graph"
	"sim2reald/model/preprocess"
	"sim2reald/model/safetensors"
	"sim2reald/robot"
)

// brain is what decides: the base and one bundle on an engine. Files and weights are checked when it is
// opened, before anything else is started, so that a bad one costs no time.
type brain struct {
	cfg     config.Config
	base    *base.Base
	bundle  *bundle.Bundle
	runtime *engine.Runtime
	model   *engine.Model
}

func openBrain(cfg config.Config) (*brain, error) {
	b := &brain{cfg: cfg}
	if err := b.open(); err != nil {
		return nil, errors.Join(err, b.Close())
	}
	return b, nil
}

func (b *brain) open() (err error) {
	if b.bundle, err = bundle.Load(b.cfg.Policy.Bundle); err != nil {
		return err
	}
	if b.base, err = base.Open(b.cfg.Policy.Base); err != nil {
		return err
	}
	if err := b.sameBase(); err != nil {
		return err
	}
	g, err := b.graph()
	if err != nil {
		return err
	}
	camera := b.bundle.Manifest.Cameras[0]
	weights, err := b.base.Arch.Values(b.base.File, camera.Height, camera.Width)
	if err != nil {
		return err
	}
	if b.runtime, err = engine.Open(b.cfg.Engine.Library); err != nil {
		return err
	}
	b.model, err = b.runtime.Load(g, weights, engine.Options{
		Threads: b.cfg.Engine.Threads, Device: b.cfg.Engine.Device, Batch: 1,
	})
	return err
}

// sameBase is the first of the checks against the rig, made before weights are loaded into an engine.
func (b *brain) sameBase() error {
	m := &b.bundle.Manifest
	if m.Base.Digest == b.base.Identity() {
		return nil
	}
	return &bundle.MismatchError{
		Key: "base.digest", Bundle: m.Base.Digest, Rig: b.base.Identity(),
		Remedy: "set policy.base to the file of " + m.Base.Name + ", or train a bundle for this base",
	}
}

func (b *brain) graph() (*graph.Graph, error) {
	network, err := b.bundle.Manifest.Network()
	if err != nil {
		return nil, err
	}
	return network.Graph()
}

// policy makes an actor on the resident base with the given head and scale of its answers: the bundle's own,
// or untrained ones.
func (b *brain) policy(head map[string]safetensors.Tensor, actions *preprocess.Actions) (*policy, error) {
	m := &b.bundle.Manifest
	session, err := b.model.Session(head)
	if err != nil {
		return nil, err
	}
	p := &policy{session: session}
	if p.observer, err = b.bundle.Observer(); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	predict, err := engine.NewPolicy(session, m.Action.ChunkSize, len(m.Action.Dimensions))
	if err != nil {
		return nil, errors.Join(err, p.Close())
	}
	p.actor, err = control.NewPolicyActor(p.observer, p.observer.Observation(), predict, actions, m.Action.NActionSteps)
	if err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

func (b *brain) Close() error {
	var errs []error
	if b.model != nil {
		errs = append(errs, b.model.Close())
	}
	if b.runtime != nil {
		errs = append(errs, b.runtime.Close())
	}
	return errors.Join(errs...)
}

// policy is an actor and what it must give back.
type policy struct {
	actor    control.Actor
	session  *engine.Session
	observer *preprocess.Observer
}

func (p *policy) Close() error {
	errs := []error{p.session.Close()}
	if p.observer != nil {
		errs = append(errs, p.observer.Close())
	}
	return errors.Join(errs...)
}

// rigOf is the live rig as a bundle's contract sees it. The factsheet is the newest one: a bridge that was
// started again is checked again.
func (w *workcell) rigOf(baseDigest string, scale float64) bundle.Rig {
	f, ok := w.link.Factsheet()
	if !ok {
		f = w.fact
	}
	rig := bundle.Rig{
		Daemon: version, BaseDigest: baseDigest, ControlRateHz: f.ControlRateHz,
		Robot: bundle.Robot{
			Model: f.Model, JointNames: f.JointNames, Gripper: bundle.Gripper{Open: f.Gripper.Open, Closed: f.Gripper.Closed},
		},
		Limits: bundle.Limits{
			PositionMin: f.Limits.PositionMin, PositionMax: f.Limits.PositionMax,
			VelocityMax: f.Limits.VelocityMax, AccelerationMax: f.Limits.AccelerationMax, SpeedScale: scale,
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
		if c.Source == sourceBridge && fact.Name == c.Name {
			return bundle.RigCamera{Name: c.Name, Width: fact.Width, Height: fact.Height, Colour: fact.Colour}
		}
	}
	width, height := w.cameras[i].Size()
	return bundle.RigCamera{Name: c.Name, Width: width, Height: height, Colour: "rgb"}
}

// newLoop makes the loop for an actor under limits. bundleDigest goes into every command.
func (w *workcell) newLoop(actor control.Actor, limits robot.Limits, bundleDigest string, check func() error) *loop {
	period := time.Duration(float64(time.Second) / w.fact.StateRateHz)
	l := &loop{link: w.link, bundle: bundleDigest}
	ages := w.cfg.Ages
	l.Loop = control.New(control.Config{
		Rig: w.link, Cameras: w.cameras, Actor: actor, Limits: limits, Joints: w.model.N(),
		Period: period, ControlPeriod: time.Duration(float64(time.Second) / w.fact.ControlRateHz),
		Ages: control.Ages{
			Frame: config.Milliseconds(ages.FrameMs), StateHold: config.Milliseconds(ages.StateHoldMs),
			StateSilent: config.Milliseconds(ages.StateSilentMs), Action: config.Milliseconds(ages.ActionMs),
		},
		Lockstep: w.lockstep(), Clock: w.clock, CheckRig: check, Send: l.send, Resend: l.resend, OnAnswer: l.onAnswer,
	})
	return l
}

// loop is a control loop on a link.
type loop struct {
	*control.Loop
	link     *topic.Link
	bundle   string
	last     topic.JointCommand
	recorder func(control.Answer)
	audit    func(topic.JointCommand)

	interrupted atomic.Bool // a person asked for rest while an evaluation ran
	atRest      func()      // then ends the evaluation; nil when none runs
}

func (l *loop) send(out control.Output) error {
	msg, err := l.link.SendCommand(topic.Outgoing{
		Command: out.Command, Reason: out.Reason.String(), State: out.State, Bundle: l.bundle,
	})
	if err != nil {
		return fmt.Errorf("sending a command: %w", err)
	}
	l.last = msg
	if l.audit != nil {
		l.audit(msg)
	}
	return nil
}

func (l *loop) resend() error { return l.link.ResendCommand(l.last) }

func (l *loop) onAnswer(a control.Answer) {
	if l.recorder != nil {
		l.recorder(a)
	}
}
