package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"sim2reald/daemon/control"
	"sim2reald/daemon/control/supervisor"
	"sim2reald/daemon/evaluation"
	"sim2reald/daemon/topic"
)

// run keeps the loop's time on the bridge's clock until ctx ends and the arm rests. A bridge of its own that
// ends is an error at once.
func (l *loop) run(ctx context.Context, w *workcell) error {
	running, cancel := context.WithCancel(ctx)
	defer cancel()
	defer l.sayRestrained(w)
	ended := make(chan error, 1)
	go func() {
		if w.lockstep() {
			ended <- l.RunLockstep(running, w.link.StateArrived())
			return
		}
		ended <- l.RunRealtime(running)
	}()
	go l.watchRig(running, w)
	select {
	case err := <-ended:
		return err
	case <-w.bridgeDone():
		cancel()
		<-ended
		return w.process.Err()
	}
}

// sayRestrained tells whoever runs trials that the arm was kept from something: its policy was not judged alone.
func (l *loop) sayRestrained(w *workcell) {
	if n := l.Restrained.Load(); n > 0 {
		w.log.Warn("commands were slowed to keep the arm in its workspace and out of itself", "ticks", n)
	}
}

// watchRig faults the loop when the bridge that it was armed for is replaced by another start of it, and logs what the
// loop comes to: the tick itself logs nothing.
func (l *loop) watchRig(ctx context.Context, w *workcell) {
	epoch, told := w.fact.Epoch, l.Machine()
	each(ctx, 50*time.Millisecond, func() {
		if f, ok := w.link.Factsheet(); ok && f.Epoch != epoch {
			epoch = f.Epoch
			l.Report(supervisor.RigChanged)
		}
		told = l.tell(w.log, told)
	})
}

// tell logs a change of mode or fault since the one told last.
func (l *loop) tell(log *slog.Logger, told supervisor.Machine) supervisor.Machine {
	m := l.Machine()
	switch {
	case m.Mode == told.Mode && m.Fault == told.Fault:
	case m.Mode == supervisor.Faulted:
		log.Error("faulted", "fault", m.Fault.ID, "cause", m.Fault.Cause, "remedy", m.Fault.Cause.Remedy())
		if failure := l.failureOf(m.Fault.Cause); failure != nil {
			log.Error("because", "error", failure)
		}
	case m.Mode == supervisor.Holding && !m.ByOperator:
		log.Warn("holding", "causes", m.Why)
	default:
		log.Info("mode", "is", m.Mode, "was", told.Mode)
	}
	return m
}

// failureOf is what lies behind a fault: the joint and its limits, or the actor's error with the place of a bug; nil for
// what has nothing of the kind.
func (l *loop) failureOf(c supervisor.Cause) error {
	if c == supervisor.LimitPassed {
		return l.beyond()
	}
	failure := l.Failure()
	var bug *control.PanicError
	switch {
	case failure == nil || c != supervisor.PolicyFailed && c != supervisor.PolicyPanicked:
		return nil
	case errors.As(failure, &bug):
		return fmt.Errorf("%w: %s", failure, bug.Stack)
	}
	return failure
}

// beyond names the joint that was measured beyond its limits.
func (l *loop) beyond() error {
	b, name := l.Beyond(), "a joint"
	if f, ok := l.link.Factsheet(); ok && b.Joint < len(f.JointNames) {
		name = f.JointNames[b.Joint]
	}
	return fmt.Errorf("%s %v", name, b)
}

// desk answers the request topic, from before there is a loop to ask.
type desk struct{ board atomic.Pointer[board] }

func (d *desk) answer(r topic.Request) topic.Reply {
	b := d.board.Load()
	if b == nil {
		return topic.Reply{ID: r.ID, Error: errNotYet.Error()}
	}
	err := b.ask(r)
	reply := topic.Reply{ID: r.ID, Done: err == nil, Mode: b.status().Mode}
	if err != nil {
		reply.Error = err.Error()
	}
	return reply
}

// asker serves a request of the page or the request topic. An evaluation's loop must not start again by itself
// after a person asked for rest, so that the evaluation ends, even if it stood just then and the request is
// refused.
func (l *loop) asker(kind string, fault uint64) error {
	k := supervisor.Kind(kind)
	if l.atRest != nil && (k == supervisor.Stop || k == supervisor.HoldStill) {
		l.interrupted.Store(true)
		defer l.atRest()
	}
	if l.atRest != nil && (k == supervisor.GoHome || k == supervisor.Shadow) {
		return fmt.Errorf("%s: an evaluation is running; stop it first", k)
	}
	return l.Ask(supervisor.Request{Kind: k, Fault: fault})
}

// errAskedForRest ends an evaluation.
var errAskedForRest = errors.New("an operator asked for rest, which ends the evaluation; the episode at hand does not count")

// Arm, Start and Stop are what an evaluation asks as the operator. A person's wish for rest comes first: it is
// noted before the loop is asked, so that nothing armed after it can also start.
func (l *loop) Arm() error { return l.askUnlessInterrupted(supervisor.Arm) }

// Start lets the armed loop move.
func (l *loop) Start() error { return l.askUnlessInterrupted(supervisor.Start) }

func (l *loop) askUnlessInterrupted(k supervisor.Kind) error {
	if l.interrupted.Load() {
		return errAskedForRest
	}
	return l.Ask(supervisor.Request{Kind: k})
}

// Stop also tells of a fault, which an evaluation must not pass over. One of the arm's motion is acknowledged where the
// next episode puts the arm elsewhere.
func (l *loop) Stop() error {
	err := l.Ask(supervisor.Request{Kind: supervisor.Stop})
	m := l.Machine()
	if err != nil || m.Mode != supervisor.Faulted {
		return err
	}
	err = l.faulted(m.Fault.Cause, l.failureOf(m.Fault.Cause))
	var lost *evaluation.LostError
	if !errors.As(err, &lost) {
		return err
	}
	if refused := l.Ask(supervisor.Request{Kind: supervisor.Acknowledge, Fault: m.Fault.ID}); refused != nil {
		return fmt.Errorf("%s; %w", lost.Reason, refused) // no episode follows
	}
	return lost
}

// faulted is what an evaluation is told of a fault and of what lies behind it, nil for nothing.
func (l *loop) faulted(c supervisor.Cause, behind error) error {
	what := fmt.Sprintf("%s; %s", c, c.Remedy())
	if behind != nil {
		what = fmt.Sprintf("%s: %v", c, behind)
	}
	if l.resets && c.OfMotion() {
		return &evaluation.LostError{Reason: what}
	}
	return fmt.Errorf("the daemon faulted: %s", what)
}

// inWords is the mode, and what latches it, in one line.
func (l *loop) inWords() string {
	m := l.Machine()
	switch {
	case m.Mode == supervisor.Faulted:
		return fmt.Sprintf("faulted: %s, latched as fault %d: %s", m.Fault.Cause, m.Fault.ID, m.Fault.Cause.Remedy())
	case m.Mode == supervisor.Holding && m.ByOperator:
		return "holding: an operator asked to hold"
	case m.Mode == supervisor.Holding:
		return "holding: " + m.Why.String()
	}
	return m.Mode.String()
}
