package calibration

import (
	"fmt"
	"math"
	"time"
)

const (
	// mostScatter is the deviation between steps beyond which nothing is told.
	mostScatter = 25 * time.Millisecond
	// mostLead is how much too early an arm may seem to move: one that is simulated takes a whole step of its time at once.
	mostLead = 20 * time.Millisecond
)

// leastTravel is what a joint must have moved by for a latency to be told, rad: ten times an encoder's noise.
const leastTravel = 0.005

// FitSteps finds how long one joint took to follow. commanded are the velocities that were sent, rad/s, each until the
// next; measured the positions that came back, rad. Each window between two of the times is fitted by itself: the
// position is that of the commanded velocity, summed up, a latency before. What the arm's own controller adds is part
// of it, as is the way of the measurement back. It is the steps' median.
func FitSteps(commanded, measured []Timed, windows []time.Duration) (Latency, error) {
	path := summed(commanded)
	var found []float64
	for i := 1; i < len(windows); i++ {
		lag, err := fitStep(path, between(measured, windows[i-1], windows[i]))
		if err != nil {
			return Latency{}, fmt.Errorf("step %d: %w", i, err)
		}
		found = append(found, lag.Seconds())
	}
	if len(found) < 2 {
		return Latency{}, fmt.Errorf("%d steps; make 2 or more", len(found))
	}
	l := MeanLatency(found)
	l.Mean = max(median(found), 0)
	if l.SD > mostScatter.Seconds() {
		return l, fmt.Errorf("the steps disagree by %.0f ms, want %d; the host may have been busy: measure again, with more steps", 1e3*l.SD, mostScatter.Milliseconds())
	}
	return l, nil
}

// summed is the position that velocities lead to, rad, at each of their times.
func summed(velocity []Timed) []Timed {
	var out []Timed
	at := 0.0
	for i, v := range velocity {
		if i > 0 {
			at += velocity[i-1].Value * (v.At - velocity[i-1].At).Seconds()
		}
		out = append(out, Timed{v.At, at})
	}
	return out
}

func between(values []Timed, from, to time.Duration) []Timed {
	var out []Timed
	for _, v := range values {
		if v.At >= from && v.At < to {
			out = append(out, v)
		}
	}
	return out
}

// fitStep tries every latency: the best is where a straight line maps path to measurement with the least error.
func fitStep(path, measured []Timed) (time.Duration, error) {
	lowest, highest := math.Inf(1), math.Inf(-1)
	for _, m := range measured {
		lowest, highest = min(lowest, m.Value), max(highest, m.Value)
	}
	if !(highest-lowest >= leastTravel) {
		return 0, fmt.Errorf("the joint moved by %.4f rad, want %g; is it free to move, and the step large enough?", max(highest-lowest, 0), leastTravel)
	}
	const step = time.Millisecond
	best, gain, lag := math.Inf(1), 0.0, time.Duration(0)
	for l := -mostLead; l <= longestLatency/2; l += step {
		if e, g, ok := lineError(path, measured, l); ok && g > 0 && e < best {
			best, gain, lag = e, g, l
		}
	}
	if !(gain > 0.5 && gain < 1.5) || math.Sqrt(best) > 0.1*(highest-lowest) {
		return 0, fmt.Errorf("the joint moved %.2f times as far as it was told, %.4f rad beside it; something else moves it, or holds it", gain, math.Sqrt(best))
	}
	return lag, nil
}

// lineError fits measured = a + gain·path(at-lag) and gives the mean square of what is left, rad².
func lineError(path, measured []Timed, lag time.Duration) (left, gain float64, ok bool) {
	var n, sx, sy, sxx, sxy, syy float64
	for _, m := range measured {
		x := alongPath(path, m.At-lag)
		n, sx, sy, sxx, sxy, syy = n+1, sx+x, sy+m.Value, sxx+x*x, sxy+x*m.Value, syy+m.Value*m.Value
	}
	vx, vy, c := sxx-sx*sx/n, syy-sy*sy/n, sxy-sx*sy/n
	if !(vx > 1e-9) {
		return 0, 0, false
	}
	return max(vy-c*c/vx, 0) / n, c / vx, true
}

// alongPath is the path at a time: straight between two points, and still before the first and behind the last.
func alongPath(path []Timed, at time.Duration) float64 {
	if len(path) == 0 || at <= path[0].At {
		return 0
	}
	lo, hi := 0, len(path)
	for hi-lo > 1 {
		if mid := (lo + hi) / 2; path[mid].At <= at {
			lo = mid
		} else {
			hi = mid
		}
	}
	if hi == len(path) {
		return path[lo].Value
	}
	part := float64(at-path[lo].At) / float64(path[hi].At-path[lo].At)
	return path[lo].Value + part*(path[hi].Value-path[lo].Value)
}
