package supervisor

import (
	"testing"
	"time"
)

func TestThoughts(t *testing.T) {
	var th Thoughts
	if th.Going(time.Hour) != 0 || th.Late() != 0 {
		t.Errorf("%+v before the first", th)
	}
	at := time.Second
	for i, c := range []struct {
		took time.Duration
		late int
	}{{401 * ms, 1}, {time.Hour, 2}, {400 * ms, 0}, {400*ms + 1, 1}, {400*ms + 1, 2}, {400*ms + 1, 3}, {0, 0}} {
		th.Begin(at)
		if got := th.Going(at + c.took); got != c.took {
			t.Errorf("thought %d goes on for %v, want %v", i, got, c.took)
		}
		at += c.took
		th.End(at, 400*ms)
		if th.Late() != c.late || th.Going(at+time.Hour) != 0 {
			t.Errorf("after thought %d: %d late, want %d; going on %v", i, th.Late(), c.late, th.Going(at+time.Hour))
		}
	}
	if LateThoughts != 3 || LateTicks != 3 || LateTicksLast != time.Second {
		t.Error("the bounds that CAUSES.md tells have changed")
	}
}

func TestTicks(t *testing.T) {
	var ticks Ticks
	for i, c := range []struct {
		skipped uint64
		at      time.Duration
		late    int
		lasting time.Duration
	}{
		{0, 10 * ms, 0, 0},
		{1, 25 * ms, 1, 0},
		{7, 95 * ms, 2, 70 * ms},
		{1, 110 * ms, 3, 85 * ms},
		{0, 120 * ms, 0, 0},
		{2, 150 * ms, 1, 0},
	} {
		ticks.See(c.skipped, c.at)
		if late, lasting := ticks.Late(c.at); late != c.late || lasting != c.lasting {
			t.Errorf("tick %d: %d late for %v, want %d for %v", i, late, lasting, c.late, c.lasting)
		}
	}
}
