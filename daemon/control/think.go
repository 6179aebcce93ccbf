package control

import (
	"errors"
	"math"
	"time"

	"sim2reald/camera"
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
	plan := Plan{Observed: *state, Seen: seen}
	started := time.Now()
	if err := l.cfg.Actor.Act(l.frames, state, &plan); err != nil {
		if !errors.Is(err, ErrNothingSeen) {
			l.fail(err)
		}
		return err
	}
	l.InferenceTime.Put(time.Since(started))
	plan.Made = l.now(state)
	l.mu.Lock()
	l.plan, l.planned = plan, plan.Rows > 0
	l.mu.Unlock()
	return nil
}

// fail keeps the actor's error for who asks, and tells the tick.
func (l *Loop) fail(err error) {
	l.mu.Lock()
	l.failure = err
	l.failed = l.failed.With(PolicyFailed, true)
	l.mu.Unlock()
}

// Failure is the actor's last error, nil if there was none.
func (l *Loop) Failure() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.failure
}

// look copies the newest picture of every camera and returns when the oldest of them was seen, on the clock
// that ages are judged by.
func (l *Loop) look() (time.Duration, error) {
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
	return f.Arrival
}
