package control

import (
	"errors"
	"fmt"
	"math"
	"runtime/debug"
	"time"

	"sim2reald/camera"
	"sim2reald/daemon/control/supervisor"
	"sim2reald/robot"
)

// ErrNothingSeen means that there is no state, picture or advice to act on yet. An actor may answer it.
var ErrNothingSeen = errors.New("nothing seen yet")

const anyAge = time.Duration(math.MaxInt64)

// Think runs the actor once on the newest pictures and measurement and hands its plan to the tick. How old
// the pictures were is carried along: the tick judges it.
func (l *Loop) Think() error {
	state, ok := l.cfg.Rig.State()
	if !ok {
		return ErrNothingSeen
	}
	return l.thinkAbout(&state)
}

// thinkAbout acts on a measurement. In lock-step its pictures must belong to it: it is one observation.
func (l *Loop) thinkAbout(state *robot.State) error {
	seen, err := l.look()
	if err != nil || (l.cfg.Lockstep && !l.complete(state.Seq)) {
		return ErrNothingSeen
	}
	l.thinking.Lock()
	defer l.thinking.Unlock()
	pilot, actor := l.begins()
	plan := Plan{Observed: *state, Seen: seen}
	started := time.Now()
	err = act(actor, l.frames, state, &plan)
	if err == nil {
		l.InferenceTime.Put(time.Since(started))
		plan.Made = l.now(state)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.thoughts.End(l.cfg.Clock(), l.bounds.Action)
	if l.pilot != pilot { // swapped meanwhile: neither its plan nor its failure counts
		return ErrNothingSeen
	}
	if err == nil {
		err = l.follow(&plan)
	}
	l.fail(err)
	return err
}

// fail reports what ended a thought; nil, and that there was nothing to think about, are no failure.
func (l *Loop) fail(err error) {
	if err == nil || errors.Is(err, ErrNothingSeen) {
		return
	}
	var bug *PanicError
	panicked := errors.As(err, &bug)
	l.failure = err
	l.failed = l.failed.With(supervisor.PolicyPanicked, panicked).With(supervisor.PolicyFailed, !panicked)
}

// begins begins a thought of whoever is at the controls.
func (l *Loop) begins() (*Pilot, Actor) {
	now := l.cfg.Clock()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.thoughts.Begin(now)
	if l.beside != nil && l.machine.Mode == supervisor.Shadowing {
		return l.pilot, l.beside
	}
	return l.pilot, l.pilot.Actor
}

// PanicError is a bug that ended a thought. The arm is held rather than dropped; only a restart ends that.
type PanicError struct {
	Value any
	Stack []byte
}

// Error is one line; Stack has the rest.
func (e *PanicError) Error() string { return fmt.Sprintf("thinking panicked: %v", e.Value) }

// act is the actor's answer, its panic as an error.
func act(a Actor, frames []*camera.Frame, state *robot.State, plan *Plan) error {
	return caught(func() error { return a.Act(frames, state, plan) })
}

// caught is f's error, or its panic as one.
func caught(f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &PanicError{Value: v, Stack: debug.Stack()}
		}
	}()
	return f()
}

// Failure is the actor's last error, nil if there was none.
func (l *Loop) Failure() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.failure
}

// Beyond is the joint that was last measured beyond its limits.
func (l *Loop) Beyond() supervisor.Beyond {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.track.Beyond
}

// look copies the newest picture of every camera, or the newest set of several, and returns when the oldest of them was
// taken, on the clock that ages are judged by.
func (l *Loop) look() (time.Duration, error) {
	if l.matches() {
		return l.lookTogether()
	}
	oldest := anyAge
	for i, c := range l.cfg.Cameras {
		if err := c.Read(l.frames[i], l.cfg.Clock(), anyAge); err != nil {
			return 0, err
		}
		oldest = min(oldest, l.seen(l.frames[i]))
	}
	return oldest, nil
}

// complete reports whether every picture belongs to the observation: in lock-step its seq is that of its
// joint_states.
func (l *Loop) complete(seq uint64) bool {
	for _, f := range l.frames {
		if f.Seq != seq {
			return false
		}
	}
	return true
}

func (l *Loop) seen(f *camera.Frame) time.Duration {
	if l.cfg.Lockstep {
		return f.Stamp
	}
	return f.Taken
}
