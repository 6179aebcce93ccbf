package control

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"sim2reald/daemon/control/supervisor"
	"sim2reald/robot"
)

// StopWithin bounds how long Run goes on after its end was asked for, so that the arm comes to rest.
const StopWithin = time.Second

// RestFor is how long no joint may move until the arm counts as at rest: while it brakes, an overshoot passes
// through standstill.
const RestFor = 100 * time.Millisecond

// Overruns counts the ticks that were skipped because the one before took too long.
func (l *Loop) Overruns() uint64 { return l.overruns.Load() }

// RunRealtime ticks at absolute deadlines on a thread of its own until ctx ends and the arm rests. Thinking
// goes on beside it, woken by any camera; commands leave through a slot, so that a slow wire delays
// no tick.
func (l *Loop) RunRealtime(ctx context.Context) error {
	slot, err := newOutbox()
	if err != nil {
		return err
	}
	var workers sync.WaitGroup
	working, stop := context.WithCancel(context.WithoutCancel(ctx))
	workers.Go(func() { l.thinkOn(working) })
	workers.Go(func() { slot.drain(working, l.deliver) })
	err = onOwnThread(func() error { return l.tickAlone(ctx, slot) })
	stop()
	workers.Wait()
	return errors.Join(err, slot.close())
}

// deliver sends one command and measures how long ago its picture was seen. Before the first measurement there
// is nothing that a command could answer.
func (l *Loop) deliver(out Output) {
	if out.State.Seq == 0 {
		return
	}
	if err := l.cfg.Send(out); err != nil {
		l.Report(supervisor.SendFailed)
		return
	}
	if out.Command.Mode == robot.Velocity {
		l.FrameToCommand.Put(l.cfg.Clock() - out.Seen)
	}
}

func (l *Loop) thinkOn(ctx context.Context) {
	var forwarders sync.WaitGroup
	defer forwarders.Wait()
	came := l.cfg.Cameras[0].Updated()
	if len(l.cfg.Cameras) > 1 {
		any := make(chan struct{}, 1)
		for _, c := range l.cfg.Cameras {
			forwarders.Go(func() { forward(ctx, c.Updated(), any) })
		}
		came = any
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-came:
			// An error is reported to the machine by Think itself and needs no second hand here.
			_ = l.Think()
		}
	}
}

// forward wakes whoever waits on to, which has room for one, after each from.
func forward(ctx context.Context, from <-chan struct{}, to chan<- struct{}) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-from:
		}
		select {
		case to <- struct{}{}:
		default:
		}
	}
}

// onOwnThread runs f on a thread that ends with it: what the kernel grants it is nobody else's. The process's first
// thread never ends, so it is held meanwhile and another one taken.
func onOwnThread(f func() error) error {
	ended := make(chan error)
	go func() {
		runtime.LockOSThread()
		if unix.Gettid() == unix.Getpid() {
			defer runtime.UnlockOSThread()
			ended <- onOwnThread(f)
			return
		}
		ended <- f() // and the thread is never given back
	}()
	return <-ended
}

// tickAlone ticks on a thread of its own.
func (l *Loop) tickAlone(ctx context.Context, slot *outbox) error {
	granted, err := l.cfg.Scheduling.scheduled()
	if err != nil {
		return err
	}
	l.granted.Store(&granted)
	if l.cfg.OnScheduled != nil {
		l.cfg.OnScheduled(granted)
	}
	return l.tickUntilRest(ctx, slot)
}

// tickUntilRest sleeps with clock_nanosleep to absolute deadlines: a Go ticker drops ticks and drifts. The
// thread is locked so that the sleep's wake-up is the tick's.
func (l *Loop) tickUntilRest(ctx context.Context, slot *outbox) error {
	next, err := monotonicNow()
	if err != nil {
		return err
	}
	var stopBy, still time.Duration
	for {
		out := l.Step()
		if err := slot.put(&out); err != nil {
			return err
		}
		l.alive(next)
		if ctx.Err() != nil {
			stopBy = l.stopping(stopBy)
			if still = l.longerStill(still); still >= RestFor || l.cfg.Clock() > stopBy {
				return nil
			}
		}
		if next, err = l.sleepUntil(next + l.cfg.Period); err != nil {
			return err
		}
	}
}

// stopping disarms once and returns the time by which the loop ends even if the arm still moves; then the
// bridge's own watchdog has it.
func (l *Loop) stopping(stopBy time.Duration) time.Duration {
	if stopBy != 0 {
		return stopBy
	}
	l.mu.Lock()
	l.machine, _ = l.machine.Ask(supervisor.Request{Kind: supervisor.Stop}, 0, false, 0)
	l.mu.Unlock()
	return l.cfg.Clock() + StopWithin
}

// longerStill adds this tick to how long the arm has stood still.
func (l *Loop) longerStill(still time.Duration) time.Duration {
	if !l.atRest() {
		return 0
	}
	return still + l.cfg.Period
}

func (l *Loop) atRest() bool {
	state, ok := l.cfg.Rig.State()
	return !ok || !state.Moving || state.Episode.Waiting()
}

// sleepUntil sleeps to the deadline and returns the one that was kept: after an overrun, missed slots are
// skipped and counted, never caught up in a burst.
func (l *Loop) sleepUntil(deadline time.Duration) (time.Duration, error) {
	now, err := monotonicNow()
	if err != nil {
		return 0, err
	}
	next, skipped := nextSlot(deadline, now, l.cfg.Period)
	l.kept(skipped)
	if err := sleepTo(next); err != nil {
		return 0, err
	}
	if now, err = monotonicNow(); err != nil {
		return 0, err
	}
	l.Lateness.Put(now - next)
	return next, nil
}

// nextSlot is the first deadline that has not passed, and how many before it have.
func nextSlot(deadline, now, period time.Duration) (next time.Duration, skipped uint64) {
	if deadline >= now {
		return deadline, 0
	}
	missed := (now - deadline + period - 1) / period
	return deadline + missed*period, uint64(missed)
}

func sleepTo(deadline time.Duration) error {
	ts := unix.NsecToTimespec(int64(deadline))
	for {
		err := unix.ClockNanosleep(unix.CLOCK_MONOTONIC, unix.TIMER_ABSTIME, &ts, nil)
		if err == nil {
			return nil
		}
		if err != unix.EINTR {
			return fmt.Errorf("sleeping until the next tick: %w", err)
		}
	}
}

func monotonicNow() (time.Duration, error) {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
		return 0, fmt.Errorf("reading the monotonic clock: %w", err)
	}
	return time.Duration(ts.Nano()), nil
}
