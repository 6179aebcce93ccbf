package preprocess

import (
	"time"

	"sim2reald/model"
	"sim2reald/robot"
)

// perPeriod is how many observations of one period are kept: a policy may be asked more often than it was
// trained to see, and what it sees as the past is then at most half of a fourth of a period off.
const perPeriod = 4

// history keeps the pictures of recent observations, to show a policy what was seen one period ago, two
// periods ago and so on, each by the bridge's clock. Before there is a past, the nearest that there is stands
// for it: at the start the first observation is repeated. Its memory is made once.
type history struct {
	period time.Duration
	past   int    // observations beside the newest
	kept   []seen // a ring, oldest overwritten first
	next   int    // where the next is put
	filled int
	last   robot.State // the newest observation's
}

// seen is one kept observation.
type seen struct {
	stamp  time.Duration // bridge clock
	images [][]float32   // one per camera
}

// newHistory is for pictures like those of one observation.
func newHistory(spec *Spec, one [][]float32) *history {
	h := &history{past: spec.observations() - 1}
	if h.past == 0 {
		return h
	}
	h.period = time.Duration(float64(time.Second) / spec.RateHz)
	h.kept = make([]seen, perPeriod*h.past+1)
	for i := range h.kept {
		for _, picture := range one {
			h.kept[i].images = append(h.kept[i].images, make([]float32, len(picture)))
		}
	}
	return h
}

// observe completes obs, whose last pictures are those of state, with the past, and keeps them.
func (h *history) observe(state *robot.State, obs *model.Observation) {
	if h.past == 0 {
		return
	}
	if h.begins(state) {
		h.filled = 0
	}
	h.last = *state
	cameras := len(obs.Images) / (h.past + 1)
	newest := obs.Images[h.past*cameras:]
	h.keep(state.Stamp, newest)
	for back := h.past; back > 0; back-- {
		into := obs.Images[(h.past-back)*cameras:][:cameras]
		from := h.nearest(state.Stamp-time.Duration(back)*h.period, state.Stamp, newest)
		for c := range into {
			copy(into[c], from[c])
		}
	}
}

// begins says whether what was seen before belongs to another episode, or to another bridge's clock.
func (h *history) begins(state *robot.State) bool {
	first := state.Episode == robot.EpisodeRunning && state.Step == 0
	return first || state.Episode.Waiting() || state.Step < h.last.Step || state.Stamp < h.last.Stamp
}

// keep copies the newest pictures in, unless the last kept ones are nearly as new.
func (h *history) keep(stamp time.Duration, images [][]float32) {
	if h.filled > 0 {
		before := (h.next + len(h.kept) - 1) % len(h.kept)
		if stamp-h.kept[before].stamp < h.period/perPeriod {
			return
		}
	}
	s := &h.kept[h.next]
	s.stamp = stamp
	for c := range images {
		copy(s.images[c], images[c])
	}
	h.next = (h.next + 1) % len(h.kept)
	h.filled = min(h.filled+1, len(h.kept))
}

// nearest gives the pictures whose stamp is nearest to at; the newest observation is one of those to choose
// from, so that what was seen before a long pause is not taken for the recent past.
func (h *history) nearest(at, now time.Duration, newest [][]float32) [][]float32 {
	best, off := newest, now-at
	for i := range h.filled {
		s := &h.kept[(h.next-1-i+2*len(h.kept))%len(h.kept)]
		if d := (s.stamp - at).Abs(); d < off {
			best, off = s.images, d
		}
	}
	return best
}
