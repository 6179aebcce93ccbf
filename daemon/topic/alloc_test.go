//go:build !race

package topic

import (
	"testing"
	"time"
)

const raceEnabled = false

// The race detector allocates by itself, so this file is not built with it. The tick asks all of these.
func TestFactsAllocateNothing(t *testing.T) {
	ttl := 300.0
	l := &Link{epoch: self, factsheet: Factsheet{Envelope: Envelope{Epoch: other}, LeaseTTLMs: &ttl, Echo: true}, known: true}
	l.lease.hear(&LeaseState{Holder: self, Who: "we", TTLMs: 300}, self)
	l.echoes.ask(1, 0)
	l.echoes.answer(&EchoAnswer{Answers: Origin{Epoch: self, Seq: 1}}, time.Millisecond, time.Unix(0, 0))
	var held bool
	var echo Echo
	n := testing.AllocsPerRun(1000, func() {
		held, echo = l.Lease(time.Second).Held, l.Echo(time.Second)
		_, _ = l.State()
	})
	if n != 0 || held || !echo.Answered {
		t.Errorf("%v allocations; held %v, echo %+v", n, held, echo)
	}
}
