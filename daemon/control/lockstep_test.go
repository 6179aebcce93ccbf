package control

import (
	"errors"
	"testing"
	"time"

	"sim2reald/daemon/control/supervisor"
	"sim2reald/robot"
)

func TestLockstepAnswersOnce(t *testing.T) {
	b := newBench(true)
	b.state.Episode = robot.EpisodeRunning
	b.armAndStart(t)
	answered := uint64(0)
	answer := func() {
		t.Helper()
		seq, err := b.loop.answer(answered)
		if err != nil {
			t.Fatal(err)
		}
		answered = seq
	}
	answer()
	answer() // the bridge repeated its observation
	if len(b.sent) != 2 || b.sent[0] != b.sent[1] {
		t.Fatalf("a repeated observation must get the same answer: %+v", b.sent)
	}
	b.state.Seq++ // an observation whose picture got lost
	answer()
	if len(b.sent) != 2 {
		t.Error("an incomplete observation must wait for its repetition")
	}
	b.see(0)
	b.state.Episode = robot.EpisodeEnded
	answer()
	if len(b.sent) != 2 {
		t.Error("an ended episode needs no answer")
	}
}

// TestLockstepAnswersWhatItSaw lets a newer observation come while the policy thinks about the one before:
// the command of old pictures must not answer it.
func TestLockstepAnswersWhatItSaw(t *testing.T) {
	b := newBench(true)
	b.state.Episode = robot.EpisodeRunning
	b.armAndStart(t)
	seen := b.state.Seq
	b.meanwhile = func() { b.meanwhile = nil; b.see(0) }
	answered, err := b.loop.answer(0)
	if err != nil || answered != seen || len(b.sent) != 1 || b.sent[0].State.Seq != seen {
		t.Errorf("answered %d with %+v, %v; want %d", answered, b.sent, err, seen)
	}
}

// TestLockstepSilence: a bridge that ceases to step is found by the wall clock; one that waits itself owes nothing.
func TestLockstepSilence(t *testing.T) {
	for _, c := range []struct {
		phase robot.EpisodePhase
		after time.Duration
		want  supervisor.Mode
	}{
		{robot.EpisodeRunning, LockstepSilence, supervisor.Running},
		{robot.EpisodeRunning, LockstepSilence + 1, supervisor.Faulted},
		{robot.EpisodeReady, time.Hour, supervisor.Running},
		{robot.EpisodeEnded, time.Hour, supervisor.Running},
	} {
		b := newBench(true)
		b.armAndStart(t)
		b.state.Episode, b.way.EchoAge = c.phase, time.Hour
		b.now += c.after
		if b.loop.watchSilence(); b.loop.Machine().Mode != c.want {
			t.Errorf("%+v: %v", c, b.loop.Machine().Mode)
		}
	}
}

func TestLockstepLeavesWaitingEpisodesAlone(t *testing.T) {
	for _, phase := range []robot.EpisodePhase{robot.EpisodeReady, robot.EpisodeEnded} {
		b := newBench(true)
		b.state.Episode = phase
		b.armAndStart(t)
		if answered, err := b.loop.answer(0); err != nil || answered != 0 || len(b.sent) != 0 {
			t.Errorf("phase %d: answered %d with %+v, %v", phase, answered, b.sent, err)
		}
	}
}

func TestLockstepAnswersWhenThePolicyFails(t *testing.T) {
	b := newBench(true)
	b.armAndStart(t)
	b.err = errors.New("out of memory")
	if _, err := b.loop.answer(0); err != nil || len(b.sent) != 1 || b.sent[0].Command.Mode != robot.Hold {
		t.Errorf("want one hold, got %+v, %v", b.sent, err)
	}
}
