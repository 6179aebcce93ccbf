package control

import "time"

// AliveEvery is how often the loop says at most that it goes round.
const AliveEvery = 50 * time.Millisecond

// Alive receives after the loop has gone round, at most every AliveEvery: in real time after a tick that ran, in
// lock-step also while there is nothing to answer. Nothing else feeds it, so a loop that is stuck is silent here.
func (l *Loop) Alive() <-chan struct{} { return l.pulse }

// alive is called by the loop alone, at a time of its own clock. It neither waits nor allocates.
func (l *Loop) alive(now time.Duration) {
	if now < l.pulseDue {
		return
	}
	l.pulseDue = now + AliveEvery
	select {
	case l.pulse <- struct{}{}:
	default: // nobody has taken the one before
	}
}
