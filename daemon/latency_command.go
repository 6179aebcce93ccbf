package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"sync"
	"time"

	"sim2reald/calibration"
	"sim2reald/camera"
	"sim2reald/daemon/config"
	"sim2reald/daemon/control"
	"sim2reald/daemon/control/supervisor"
	"sim2reald/daemon/evaluation"
	"sim2reald/daemon/topic"
	"sim2reald/robot"
)

const (
	stepSpeed = 0.05 // rad/s, a fiftieth of a Panda's
	stepRest  = 400 * time.Millisecond
)

// stepper is an actor that moves one joint there and back, with a rest behind each way, and notes what was sent and what
// was measured.
type stepper struct {
	joint   int
	size    float64 // rad; negative once it is known that there is more room below
	steps   int
	stepped chan struct{} // closed when all are done

	mu                  sync.Mutex
	began               time.Duration // loop clock; 0: not yet
	commanded, measured []calibration.Timed
	seq                 uint64
}

func (s *stepper) half() time.Duration {
	return time.Duration(math.Abs(s.size)/stepSpeed*float64(time.Second)) + stepRest
}

// begin lets the steps begin after a rest, towards the side with more room.
func (s *stepper) begin(now time.Duration, state *robot.State, limits *robot.Limits) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := state.Q[s.joint]
	up, down := limits.QMax[s.joint]-q, q-limits.QMin[s.joint]
	if room := max(up, down); !(room > 2*math.Abs(s.size)) {
		return fmt.Errorf("the joint is at %.3f rad, %.3f from its limit; move it away, or name another", q, room)
	}
	s.size = math.Copysign(s.size, up-down)
	s.began = now + stepRest
	return nil
}

// Act wants the joint's velocity of now.
func (s *stepper) Act(_ []*camera.Frame, state *robot.State, plan *control.Plan) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	plan.Rows = 1
	plan.Wanted[0] = robot.Command{Mode: robot.Velocity, Gripper: min(max(state.Gripper, 0), 1)}
	plan.Wanted[0].DQ[s.joint] = s.velocity(state.Arrival)
	return nil
}

func (s *stepper) velocity(now time.Duration) float64 {
	since := now - s.began
	if s.began == 0 || since < 0 || since >= time.Duration(s.steps)*2*s.half() {
		return 0
	}
	v := stepSpeed
	if s.size < 0 {
		v = -v
	}
	switch way := since % (2 * s.half()); {
	case way < s.half()-stepRest:
		return v
	case way >= s.half() && way < 2*s.half()-stepRest:
		return -v
	}
	return 0
}

// note is told each command as it leaves, and the newest measurement.
func (s *stepper) note(now time.Duration, sent topic.JointCommand, state *robot.State) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.began == 0 {
		return
	}
	v := 0.0
	if s.joint < len(sent.Velocity) {
		v = sent.Velocity[s.joint]
	}
	s.commanded = append(s.commanded, calibration.Timed{At: now, Value: v})
	if state.Seq != s.seq {
		s.seq = state.Seq
		s.measured = append(s.measured, calibration.Timed{At: state.Arrival, Value: state.Q[s.joint]})
	}
	if now > s.end() {
		select {
		case <-s.stepped:
		default:
			close(s.stepped)
		}
	}
}

func (s *stepper) end() time.Duration {
	return s.began + time.Duration(s.steps)*2*s.half()
}

func (s *stepper) fit() (calibration.Latency, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var windows []time.Duration
	for i := range s.steps + 1 {
		windows = append(windows, s.began+time.Duration(i)*2*s.half())
	}
	return calibration.FitSteps(s.commanded, s.measured, windows)
}

// commandLatency moves one joint through the control loop, as a policy would: limits, watchdogs and lease are the same.
func (f latencyFlags) commandLatency(ctx context.Context, cfg config.Config, say io.Writer) (l calibration.CommandLatency, err error) {
	log := newLog()
	var d desk
	w, err := openWorkcell(ctx, cfg, log, workcellOptions{startBridge: f.workcell, onRequest: d.answer})
	if err != nil {
		return l, err
	}
	defer closing(&err, w.Close)
	s, err := f.stepper(w)
	if err != nil {
		return l, err
	}
	fmt.Fprintf(say, "%s moves by %.3f rad at %.2f rad/s, %d times there and back\n", f.joint, s.size, stepSpeed, s.steps)
	loop, err := w.newLoop(control.Pilot{Actor: s, Limits: w.model.Limits.Scaled(control.HomeSpeed), Bundle: "none: measuring the latency of commands"})
	if err != nil {
		return l, err
	}
	loop.audit = func(sent topic.JointCommand, state *robot.State) { s.note(w.clock(), sent, state) }
	d.board.Store(&board{w: w, loop: loop})
	looping, stop := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan error, 1)
	go func() { ended <- loop.run(looping, w) }()
	err = w.stepping(ctx, loop, s)
	stop()
	if err = errors.Join(err, <-ended); err != nil {
		return l, err
	}
	found, err := s.fit()
	if err != nil {
		return l, fmt.Errorf("joint %s: %w", f.joint, err)
	}
	l = calibration.CommandLatency{Robot: robotOf(w.fact), Joint: f.joint, Date: time.Now().UTC().Truncate(time.Second),
		Latency: found.Mean, SD: found.SD, Samples: found.Samples}
	fmt.Fprintf(say, "commands: %.1f ms until their motion is measured (deviation %.1f ms, %d steps of %s)\n", 1e3*l.Latency, 1e3*l.SD, l.Samples, l.Joint)
	return l, nil
}

// stepper is one for the arm as it stands.
func (f latencyFlags) stepper(w *workcell) (*stepper, error) {
	j := slices.Index(w.model.Joints, f.joint)
	switch {
	case j < 0:
		return nil, fmt.Errorf("-joint %s: the arm has %v", f.joint, w.model.Joints)
	case w.lockstep():
		return nil, errors.New("a lock-step bridge waits for commands: they have no latency; start it with the clock realtime")
	}
	return &stepper{joint: j, size: f.step, steps: f.steps, stepped: make(chan struct{})}, nil
}

// stepping arms, starts, and waits for the last step; a simulated arm gets an episode to move in.
func (w *workcell) stepping(ctx context.Context, l *loop, s *stepper) error {
	moving, done := context.WithCancel(ctx)
	defer done()
	go func() {
		select {
		case <-s.stepped:
			done()
		case <-moving.Done():
		}
	}()
	r := &evaluation.Runner{Bridge: w.link, Operator: &stepping{l, s, w}, States: w.episodes}
	plan := evaluation.Plan{Task: w.cfg.Bridge.Task, Jitter: w.cfg.Bridge.Jitter, Patience: 30 * time.Second, Horizon: time.Hour}
	var err error
	if w.fact.HorizonSteps > 0 {
		_, err = r.Once(moving, plan, 0)
	} else {
		err = r.Freely(moving, plan.Patience)
	}
	m := l.Machine()
	switch {
	case m.Mode == supervisor.Faulted:
		return fmt.Errorf("the daemon faulted: %s; %s", m.Fault.Cause, m.Fault.Cause.Remedy())
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err == nil && moving.Err() == nil:
		return errors.New("the episode ended before the last step; make fewer")
	case errors.Is(err, context.Canceled): // which is how the steps end
		return nil
	}
	return err
}

// stepping is the loop's operator, whose start is the steps' beginning.
type stepping struct {
	*loop
	s *stepper
	w *workcell
}

// Start begins the steps.
func (o *stepping) Start() error {
	state, ok := o.w.link.State()
	if !ok {
		return errors.New("the bridge has measured nothing yet; check that it sends joint_states")
	}
	if err := o.loop.Start(); err != nil {
		return err
	}
	return o.s.begin(o.w.clock(), &state, &o.w.model.Limits)
}
