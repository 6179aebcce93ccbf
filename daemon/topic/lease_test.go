package topic

import (
	"strings"
	"testing"
	"time"
)

const self, other = "aaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbb"

func granted(to string, seq uint64, ttl float64) *LeaseState {
	return &LeaseState{Holder: to, Who: "somebody", TTLMs: ttl, Answers: &Origin{Epoch: self, Seq: seq}}
}

func TestLeaseEndsHereBeforeItEndsThere(t *testing.T) {
	var s lease
	held := func(at time.Duration, want bool) {
		t.Helper()
		if got := s.held(self, at); got != want {
			t.Errorf("at %v held is %v, want %v", at, got, want)
		}
	}
	held(0, false)
	s.ask(1, 1000*ms)
	if !s.hear(granted(self, 1, 300), self) {
		t.Error("a grant changes hands")
	}
	held(1299*ms, true) // the answer came much later, and does not count
	held(1300*ms, false)
	s.ask(2, 1100*ms)
	s.ask(3, 1200*ms)
	s.hear(granted(self, 3, 300), self)
	s.hear(granted(self, 2, 300), self)
	held(1499*ms, true) // the late answer to an earlier ask takes nothing back
	held(1500*ms, false)
	s.hear(granted(self, 77, 300), self)
	held(1500*ms, false) // of what was never asked, nothing is known
	s.ask(4, 2000*ms)
	s.hear(granted(other, 4, 300), self)
	held(2000*ms, false)
	s.ask(5, 3000*ms)
	s.hear(granted(self, 5, 0), self)
	held(time.Hour, true) // lock-step: it does not lapse
	s.hear(&LeaseState{}, self)
	held(time.Hour, false) // but ends when the bridge says so
	s.hear(granted(self, 5, 0), self)
	s.restart()
	held(time.Hour, false)
}

func TestLeaseSaysWhoHoldsIt(t *testing.T) {
	for _, c := range []struct {
		lease Lease
		want  string
	}{
		{Lease{Held: true}, ""},
		{Lease{Required: true}, "the bridge has not granted it"},
		{Lease{Required: true, Holder: other, Who: "sim2reald on a, process 3"}, "held by sim2reald on a, process 3 (epoch " + other + ")"},
	} {
		err := c.lease.Err()
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n")) {
			t.Errorf("%+v: %v", c.lease, err)
		}
	}
}
