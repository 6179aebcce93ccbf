package control

import (
	"context"
	"errors"
	"time"

	"sim2reald/robot"
)

// RunLockstep answers each observation of a lock-step bridge with exactly one command, until ctx ends and
// the arm rests. arrived receives after a measurement has come. A repeated observation gets the same answer
// again; an ended episode's last one gets none.
func (l *Loop) RunLockstep(ctx context.Context, arrived <-chan struct{}) error {
	var answered uint64
	done := ctx.Done()
	var giveUp <-chan time.Time
	for {
		select {
		case <-done:
			done = nil
			l.stopping(0)
			giveUp = time.After(StopWithin)
		case <-giveUp:
			return nil
		case <-arrived:
			seq, err := l.answer(answered)
			if err != nil {
				l.Report(SendFailed)
			}
			answered = seq
		}
		if ctx.Err() != nil && l.atRest() {
			return nil
		}
	}
}

// answer answers the newest observation and returns the last sequence number that is answered.
func (l *Loop) answer(answered uint64) (uint64, error) {
	state, ok := l.cfg.Rig.State()
	if !ok || state.Episode == robot.EpisodeEnded {
		return answered, nil
	}
	if state.Seq == answered {
		return answered, l.cfg.Resend()
	}
	// The loop may have been woken late, with the actor's failure already reported: the tick then holds,
	// because every observation is answered, with motion or with an explicit hold.
	if err := l.Think(); errors.Is(err, ErrNothingSeen) || !l.complete(state.Seq) {
		return answered, nil // the bridge repeats the observation with what got lost
	}
	out := l.Step()
	started := l.cfg.Clock()
	if err := l.cfg.Send(out); err != nil {
		return answered, err
	}
	l.noteAnswer(out, started)
	return state.Seq, nil
}

func (l *Loop) noteAnswer(out Output, now time.Duration) {
	if out.Command.Mode == robot.Velocity {
		l.FrameToCommand.Put(now - l.frames[0].Arrival)
	}
	if l.cfg.OnAnswer != nil {
		l.cfg.OnAnswer(Answer{Output: out, Wanted: l.plan.Wanted[0]})
	}
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
