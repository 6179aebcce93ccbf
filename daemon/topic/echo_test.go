package topic

import (
	"testing"
	"time"
)

const ms = time.Millisecond

// answered is what a bridge says whose monotonic clock is ahead by offset and whose wall clock by skew, of an echo
// that took out to come and stayed for 1 ms.
func answered(seq uint64, sent, out, offset time.Duration, wall time.Time) *EchoAnswer {
	at := sent + out + offset
	return &EchoAnswer{
		Answers: Origin{Seq: seq}, Received: StampOf(at), Answered: StampOf(at + ms),
		Wall: Stamp{Sec: wall.Unix(), Nanosec: int64(wall.Nanosecond())},
	}
}

func TestEchoMeasuresTheWayAndTheClocks(t *testing.T) {
	wall := time.Unix(1_700_000_000, 500)
	for _, c := range []struct {
		name                    string
		out, back, offset, skew time.Duration
	}{
		{"even", 2 * ms, 2 * ms, time.Hour, 0},
		{"the bridge was started later", 2 * ms, 2 * ms, -time.Second, 300 * ms},
		{"uneven", 1 * ms, 5 * ms, time.Hour, -2 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			var e echoes
			now := time.Minute
			if got := e.at(now); got != (Echo{}) {
				t.Errorf("before the first: %+v", got)
			}
			e.ask(1, now)
			if got := e.at(now + time.Second); got != (Echo{Age: time.Second}) {
				t.Errorf("unanswered: %+v", got)
			}
			// The wall clocks are read as the answer leaves and as it comes.
			if !e.answer(answered(1, now, c.out, c.offset, wall.Add(c.skew)), now+c.out+ms+c.back, wall.Add(c.back)) {
				t.Fatal("not taken")
			}
			got := e.at(now + 100*ms)
			bound := (c.out + c.back) / 2
			if got.RoundTrip != c.out+c.back || got.Age != 100*ms-(c.out+ms+c.back) || !got.Answered {
				t.Errorf("got %+v", got)
			}
			if d := got.Offset - c.offset; d.Abs() > bound {
				t.Errorf("offset is off by %v, round trip %v", d, got.RoundTrip)
			}
			if d := got.Skew - c.skew; d.Abs() > bound {
				t.Errorf("skew is off by %v, round trip %v", d, got.RoundTrip)
			}
		})
	}
}

// TestEchoBelievesTheQuickest: a delay on one way alone looks like an offset, so the quickest answer counts.
func TestEchoBelievesTheQuickest(t *testing.T) {
	var e echoes
	wall := time.Unix(1_700_000_000, 0)
	for i := range uint64(40) {
		sent, back := time.Duration(i)*100*ms, 80*ms
		if i%samples == 3 {
			back = 2 * ms
		}
		e.ask(i+1, sent)
		e.answer(answered(i+1, sent, 2*ms, time.Hour, wall), sent+3*ms+back, wall.Add(back))
		if got := e.at(sent + 99*ms); i > samples && (got.Offset != time.Hour || got.Skew != 0 || got.RoundTrip != 2*ms+back) {
			t.Fatalf("echo %d: %+v", i, got)
		}
	}
}

func TestEchoTakesOnlyAnswersToItsQuestions(t *testing.T) {
	wall := time.Unix(1_700_000_000, 0)
	var e echoes
	for seq := uint64(1); seq <= 3; seq++ {
		e.ask(seq, time.Duration(seq)*100*ms)
	}
	take := func(name string, a *EchoAnswer, want bool) {
		t.Helper()
		if got := e.answer(a, 400*ms, wall); got != want {
			t.Errorf("%s: taken %v, want %v", name, got, want)
		}
	}
	take("never asked", answered(0, 0, ms, 0, wall), false)
	take("not asked yet", answered(4, 300*ms, ms, 0, wall), false)
	take("asked long ago", answered(2+outstanding, 200*ms, ms, 0, wall), false)
	backwards := answered(2, 200*ms, ms, 0, wall)
	backwards.Answered = StampOf(backwards.Received.Duration() - ms)
	take("left before it came", backwards, false)
	longer := answered(2, 200*ms, ms, 0, wall)
	longer.Answered = StampOf(longer.Received.Duration() + time.Second)
	take("kept for longer than it was away", longer, false)
	take("the second", answered(2, 200*ms, ms, 0, wall), true)
	take("the second again", answered(2, 200*ms, ms, 0, wall), false)
	take("the first, late", answered(1, 100*ms, ms, 0, wall), false)
	take("the third", answered(3, 300*ms, ms, 0, wall), true)
	e.restart(time.Second)
	if got := e.at(1500 * ms); got != (Echo{Age: 500 * ms}) {
		t.Errorf("after another start of the bridge: %+v", got)
	}
}
