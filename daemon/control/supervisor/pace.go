package supervisor

import "time"

const (
	// LateThoughts in a row are no hiccup any more.
	LateThoughts = 3
	// LateTicks in a row are no hiccup of the scheduler's.
	LateTicks = 3
	// LateTicksLast is how long they may last.
	LateTicksLast = time.Second
)

// Thoughts follow how long the policy thinks, on the wall clock.
type Thoughts struct {
	on    bool
	since time.Duration // of the one that is going on
	late  int           // that have ended, in a row
}

// Begin starts a thought.
func (t *Thoughts) Begin(now time.Duration) { t.on, t.since = true, now }

// End ends it; one that took longer than the deadline was late.
func (t *Thoughts) End(now, deadline time.Duration) {
	if now-t.since > deadline {
		t.late++
	} else {
		t.late = 0
	}
	t.on = false
}

// Going is how long the one that is going on has taken so far; 0 when there is none.
func (t *Thoughts) Going(now time.Duration) time.Duration {
	if !t.on {
		return 0
	}
	return now - t.since
}

// Late is how many in a row were.
func (t *Thoughts) Late() int { return t.late }

// Ticks follow whether the loop keeps its deadlines.
type Ticks struct {
	late  int
	since time.Duration // of the first late one in a row
}

// See takes a tick that ended at a time, after which that many deadlines had passed already.
func (t *Ticks) See(skipped uint64, now time.Duration) {
	if skipped == 0 {
		*t = Ticks{}
		return
	}
	if t.late == 0 {
		t.since = now
	}
	t.late++
}

// Late is how many in a row overran, and for how long they have.
func (t *Ticks) Late(now time.Duration) (inARow int, lasting time.Duration) {
	if t.late == 0 {
		return 0, 0
	}
	return t.late, now - t.since
}
