package control

import (
	"context"
	"errors"
	"time"

	"sim2reald/daemon/control/supervisor"
	"sim2reald/robot"
)

// RunLockstep answers each observation of a running lock-step episode with exactly one command, until ctx ends
// and the arm rests. arrived receives after a measurement has come. A repeated observation gets the same
// answer again. One that stands still by itself, ready or ended, gets none: whether such an answer leaves
// before the episode starts is a matter of timing, and would number the commands differently each time.
func (l *Loop) RunLockstep(ctx context.Context, arrived <-chan struct{}) error {
	var answered uint64
	done := ctx.Done()
	var giveUp <-chan time.Time
	round := time.NewTicker(AliveEvery)
	defer round.Stop()
	for {
		l.alive(l.cfg.Clock())
		select {
		case <-done:
			done = nil
			l.stopping(0)
			giveUp = time.After(StopWithin)
		case <-giveUp:
			return nil
		case <-round.C: // nothing to answer, and able to
			l.watchSilence()
		case <-arrived:
			seq, err := l.answer(answered)
			if err != nil {
				l.Report(supervisor.SendFailed)
			}
			answered = seq
		}
		if ctx.Err() != nil && l.atRest() {
			return nil
		}
	}
}

// answer answers the newest observation and returns the last sequence number that is answered. Measurement,
// pictures and command belong to this one observation, even if a newer one comes meanwhile.
func (l *Loop) answer(answered uint64) (uint64, error) {
	state, ok := l.cfg.Rig.State()
	if !ok {
		return answered, nil
	}
	l.watch(&state) // also what gets no tick: where the arm stands before it moves
	if state.Episode == robot.EpisodeEnded {
		return answered, nil
	}
	if state.Seq == answered {
		return answered, l.cfg.Resend()
	}
	// The loop may have been woken late, with the actor's failure already reported: the tick then holds,
	// because every observation is answered, with motion or with an explicit hold.
	if err := l.thinkAbout(&state); errors.Is(err, ErrNothingSeen) || state.Episode.Waiting() {
		return answered, nil // the bridge repeats the observation with what got lost
	}
	out := l.tick(&state, true)
	l.record(out)
	leaves := l.cfg.Clock()
	if err := l.cfg.Send(out); err != nil {
		return answered, err
	}
	if out.Command.Mode == robot.Velocity {
		l.FrameToCommand.Put(leaves - l.frames[0].Taken)
	}
	return state.Seq, nil
}

// record shows the answer before it leaves: afterwards the next picture may already be there.
func (l *Loop) record(out Output) {
	if l.cfg.OnAnswer != nil {
		l.cfg.OnAnswer(Answer{Output: out, Wanted: l.plan.Wanted[0]})
	}
}
