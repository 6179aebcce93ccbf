package topic

import (
	"time"
)

// Echo is what the echoes of the last seconds say about the way to the bridge and back.
type Echo struct {
	Age       time.Duration // since the newest answer came, or since the first echo left unanswered
	RoundTrip time.Duration // of the newest answer, without the time that the bridge took
	Offset    time.Duration // the bridge's monotonic clock less Options.Clock, exact to half a round trip
	Skew      time.Duration // the bridge's wall clock less ours, as exact
	Answered  bool          // at least one echo was answered; without, all but Age are zero
}

// samples is how many answers the best is taken of: the quickest has been delayed least, as NTP has it.
const samples = 8

// outstanding is how many echoes are remembered until they are answered: three seconds of them.
const outstanding = 32

// echoes keeps the four times of each echo. It is plain arithmetic; time comes in as an argument.
type echoes struct {
	sent     [outstanding]asked
	seq      uint64 // newest sent
	answered uint64 // newest answered
	since    time.Duration
	recent   [samples]sample
	count    uint64
}

type asked struct {
	seq uint64
	at  time.Duration
}

type sample struct{ arrival, roundTrip, offset, skew time.Duration }

// ask notes that an echo left.
func (e *echoes) ask(seq uint64, now time.Duration) {
	if e.seq == 0 {
		e.since = now
	}
	e.sent[seq%outstanding], e.seq = asked{seq, now}, seq
}

// restart begins anew with another start of the bridge, whose clock is another.
func (e *echoes) restart(now time.Duration) {
	*e = echoes{sent: e.sent, seq: e.seq, answered: e.answered, since: now}
}

// answer takes the bridge's times. It is false for an answer to nothing that was asked, or not newer than the last.
func (e *echoes) answer(a *EchoAnswer, now time.Duration, wall time.Time) bool {
	s := e.sent[a.Answers.Seq%outstanding]
	if a.Answers.Seq == 0 || s.seq != a.Answers.Seq || a.Answers.Seq <= e.answered {
		return false
	}
	received, left := a.Received.Duration(), a.Answered.Duration()
	trip := now - s.at - (left - received)
	if left < received || trip < 0 {
		return false // the bridge cannot have kept it for longer than it was away
	}
	e.answered = a.Answers.Seq
	e.recent[e.count%samples] = sample{
		arrival: now, roundTrip: trip, offset: ((received - s.at) + (left - now)) / 2,
		skew: time.Unix(a.Wall.Sec, a.Wall.Nanosec).Sub(wall) + trip/2,
	}
	e.count++
	return true
}

// at is what is known at a time.
func (e *echoes) at(now time.Duration) Echo {
	if e.count == 0 {
		if e.seq == 0 {
			return Echo{}
		}
		return Echo{Age: now - e.since}
	}
	newest := &e.recent[(e.count-1)%samples]
	best := newest
	for i := range min(e.count, samples) {
		if e.recent[i].roundTrip < best.roundTrip {
			best = &e.recent[i]
		}
	}
	return Echo{Age: now - newest.arrival, RoundTrip: newest.roundTrip, Offset: best.offset, Skew: best.skew, Answered: true}
}

// Echo is what is known of the way to the bridge and back. Of a bridge that answers none, it is zero. It does not
// allocate.
func (l *Link) Echo(now time.Duration) Echo {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.factsheet.Echo {
		return Echo{}
	}
	return l.echoes.at(now)
}

// EchoAge is how long ago the bridge's network last answered, on Options.Clock. Of a bridge that answers no echo, it
// is zero.
func (l *Link) EchoAge(now time.Duration) time.Duration { return l.Echo(now).Age }

func (l *Link) sendEcho() {
	l.mu.Lock()
	asks := l.factsheet.Echo
	l.mu.Unlock()
	if !asks {
		return
	}
	now := l.opts.Clock()
	head := l.envelope("echo", now)
	l.mu.Lock()
	l.echoes.ask(head.Seq, now)
	l.mu.Unlock()
	_ = l.publish("echo", head) // integers and strings always encode; that it did not leave, its answer tells
}

func (l *Link) onEchoAnswer(m received) {
	wall := time.Now()
	msg, ok := read[EchoAnswer](l, "echo/answer", m)
	if !ok {
		return
	}
	if msg.Answers.Epoch != l.epoch {
		return // another daemon asked
	}
	l.mu.Lock()
	ok = l.echoes.answer(msg, m.arrival, wall)
	l.mu.Unlock()
	if !ok {
		l.drop(OldSequence)
	}
}
