package topic

import (
	"context"
	"fmt"
	"time"
)

// Lease says who may command the robot.
type Lease struct {
	Required bool   // by this bridge
	Held     bool   // by this daemon now, or not required
	Holder   string // epoch of who holds it, empty when nobody is known to
	Who      string // what that daemon calls itself
}

// lease follows what the bridge says about its lease. Time comes in as an argument.
type lease struct {
	asked   [outstanding]asked
	holder  string
	who     string
	ttl     time.Duration // 0: it does not lapse
	granted time.Duration // when we sent what was granted last; the bridge's grant began later
}

// ask notes that a request for the lease left.
func (s *lease) ask(seq uint64, now time.Duration) { s.asked[seq%outstanding] = asked{seq, now} }

// restart forgets what another start of the bridge said.
func (s *lease) restart() { s.holder, s.who, s.granted = "", "", 0 }

// hear takes what the bridge says. It is true when the lease has come into other hands.
func (s *lease) hear(m *LeaseState, self string) bool {
	before := s.holder
	s.holder, s.who, s.ttl = m.Holder, m.Who, time.Duration(m.TTLMs*float64(time.Millisecond))
	if m.Answers == nil || m.Answers.Epoch != self {
		return s.holder != before
	}
	// What was asked longer ago than is remembered has lapsed by now.
	if sent := s.asked[m.Answers.Seq%outstanding]; sent.seq == m.Answers.Seq {
		s.granted = max(s.granted, sent.at)
	}
	return s.holder != before
}

// held is whether self holds it at a time. The count starts when we asked, so that it ends before the bridge's.
func (s *lease) held(self string, now time.Duration) bool {
	return s.holder == self && (s.ttl == 0 || now-s.granted < s.ttl)
}

// Lease is who may command the robot now. It does not allocate.
func (l *Link) Lease(now time.Duration) Lease {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.factsheet.LeaseTTLMs == nil {
		return Lease{Held: l.known} // a bridge that grants none obeys whoever speaks
	}
	return Lease{Required: true, Held: l.lease.held(l.epoch, now), Holder: l.lease.holder, Who: l.lease.who}
}

// Err says who has the lease instead of this daemon, with the remedy; nil when it may command.
func (s Lease) Err() error {
	switch {
	case s.Held:
		return nil
	case s.Holder == "":
		return fmt.Errorf("lease: the bridge has not granted it; check that the bridge and the broker are there, and ask again")
	}
	return fmt.Errorf("lease: held by %s (epoch %s), and one daemon commands a robot; stop that one, and ask again", s.Who, s.Holder)
}

// AwaitLease waits until this daemon may command, for as long as a lease that was not given back takes to end.
func (l *Link) AwaitLease(ctx context.Context) error {
	patience := time.NewTimer(leasePatience)
	defer patience.Stop()
	for {
		now := l.Lease(l.opts.Clock())
		if now.Held {
			return nil
		}
		select {
		case <-l.leaseHeard:
		case <-patience.C:
			return now.Err()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// leasePatience covers a lease in real time, and in lock-step the time that a broker takes to miss its holder.
const leasePatience = 5 * time.Second

// askLease asks for the lease, or renews it, where the bridge grants one; release gives it back.
func (l *Link) askLease(want string) {
	l.mu.Lock()
	grants := l.factsheet.LeaseTTLMs != nil
	l.mu.Unlock()
	if !grants {
		return
	}
	now := l.opts.Clock()
	ask := LeaseAsk{Envelope: l.envelope("lease", now), Want: want, Who: l.who}
	l.mu.Lock()
	l.lease.ask(ask.Seq, now)
	l.mu.Unlock()
	_ = l.publish("lease", ask) // integers and strings always encode; that it did not leave, its answer tells
}

func (l *Link) onLeaseState(m received) {
	msg, ok := read[LeaseState](l, "lease/state", m)
	if !ok {
		return
	}
	if !(msg.TTLMs >= 0 && msg.TTLMs <= 60_000) {
		l.drop(Malformed)
		return
	}
	l.mu.Lock()
	changed := l.lease.hear(msg, l.epoch)
	l.mu.Unlock()
	notify(l.leaseHeard)
	if changed && msg.Holder != l.epoch && msg.Holder != "" {
		l.opts.Log.Warn("another daemon commands this robot; this one only watches", "who", msg.Who, "epoch", msg.Holder)
	}
}
