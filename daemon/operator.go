package main

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"sim2reald/daemon/control"
	"sim2reald/daemon/topic"
)

// run keeps the loop's time on the bridge's clock until ctx ends and the arm rests. A bridge of its own that
// ends is an error at once.
func (l *loop) run(ctx context.Context, w *workcell) error {
	running, cancel := context.WithCancel(ctx)
	defer cancel()
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

// watchRig faults the loop when the bridge that it was armed for is replaced by another start of it.
func (l *loop) watchRig(ctx context.Context, w *workcell) {
	epoch := w.fact.Epoch
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if f, ok := w.link.Factsheet(); ok && f.Epoch != epoch {
			epoch = f.Epoch
			l.Report(control.RigChanged)
		}
	}
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
	k := control.Kind(kind)
	if l.atRest != nil && (k == control.Stop || k == control.HoldStill) {
		l.interrupted.Store(true)
		defer l.atRest()
	}
	return l.Ask(control.Request{Kind: k, Fault: fault})
}

// errAskedForRest ends an evaluation.
var errAskedForRest = errors.New("an operator asked for rest, which ends the evaluation; the episode at hand does not count")

// Arm, Start and Stop are what an evaluation asks as the operator. A person's wish for rest comes first: it is
// noted before the loop is asked, so that nothing armed after it can also start.
func (l *loop) Arm() error { return l.askUnlessInterrupted(control.Arm) }

// Start lets the armed loop move.
func (l *loop) Start() error { return l.askUnlessInterrupted(control.Start) }

func (l *loop) askUnlessInterrupted(k control.Kind) error {
	if l.interrupted.Load() {
		return errAskedForRest
	}
	return l.Ask(control.Request{Kind: k})
}

// Stop also tells of a fault, which an evaluation must not pass over.
func (l *loop) Stop() error {
	err := l.Ask(control.Request{Kind: control.Stop})
	if m := l.Machine(); err == nil && m.Mode == control.Faulted {
		if failure := l.Failure(); m.Fault.Cause == control.PolicyFailed && failure != nil {
			return fmt.Errorf("the daemon faulted: %s: %w", m.Fault.Cause, failure)
		}
		return fmt.Errorf("the daemon faulted: %s; %s", m.Fault.Cause, m.Fault.Cause.Remedy())
	}
	return err
}
