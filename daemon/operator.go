package main

import (
	"context"
	"fmt"
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

// answer serves a request of the request topic.
func (l *loop) answer(r topic.Request) topic.Reply {
	err := l.Ask(control.Request{Kind: control.Kind(r.Kind), Fault: r.Fault})
	reply := topic.Reply{ID: r.ID, Done: err == nil, Mode: l.Machine().Mode.String()}
	if err != nil {
		reply.Error = err.Error()
	}
	return reply
}

// asker serves a request of the page.
func (l *loop) asker(kind string, fault uint64) error {
	return l.Ask(control.Request{Kind: control.Kind(kind), Fault: fault})
}

// Arm, Start and Stop are what an evaluation asks as the operator.
func (l *loop) Arm() error   { return l.Ask(control.Request{Kind: control.Arm}) }
func (l *loop) Start() error { return l.Ask(control.Request{Kind: control.Start}) }

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
