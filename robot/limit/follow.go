package limit

import "math"

// bisections bring the largest admissible acceleration within a billionth of what it could change by.
const bisections = 30

// follow is the velocity mode where jerk binds: towards the wanted velocity so that it is met with acceleration
// zero, as far as a stop stays possible.
func (x *joint) follow(m motion, wanted float64) ruling {
	w := x.lawful(m.q, wanted)
	wish := x.towardsRest(m.v-w, m.a)
	a, clamped := x.admissible(m, wish)
	r := x.ruling(m, a)
	if !clamped {
		r.rated, r.jerky = x.why(m, wish, w)
	}
	r.clamped = clamped || w != wanted
	return r
}

// lawful is the velocity nearest to wanted that position q allows on its own.
func (x *joint) lawful(q, wanted float64) float64 {
	hi := min(x.comingBack(q), x.fastest(x.hi-q))
	lo := -min(x.comingBack(q), x.fastest(q-x.lo))
	if x.above(q) {
		hi = 0
	}
	if x.below(q) {
		lo = 0
	}
	return min(max(wanted, lo), hi)
}

// ruling is acceleration a for a period.
func (x *joint) ruling(m motion, a float64) ruling {
	r := ruling{dq: m.v + a*x.h}
	if math.Abs(r.dq) <= still {
		r.dq = 0
	}
	return r
}

// why says what keeps a joint from velocity w at the end of the period, when wish is what acceleration and jerk
// leave of it: that w needs more acceleration than there is, that jerk leaves less of it, or both.
func (x *joint) why(m motion, wish, w float64) (rated, jerky bool) {
	needed := (w - m.v) / x.h
	within := min(max(needed, -x.accel), x.accel)
	return needed != within, math.Abs(wish-within) > rounding*x.accel
}

func (x *joint) above(q float64) bool { return q > x.hi+slack }
func (x *joint) below(q float64) bool { return q < x.lo-slack }

// admissible is the acceleration nearest to wish, on the way to it from that of the stop, after which the joint can
// still stop inside; less means clamped. Where there is none it is that of the stop. A joint outside its range is
// inside no way: its wish is lawful, back or nowhere, and is let out.
func (x *joint) admissible(m motion, wish float64) (a float64, clamped bool) {
	if x.above(m.q) || x.below(m.q) || x.allows(m, wish) {
		return wish, false
	}
	good, bad := x.towardsRest(m.v, m.a), wish
	if !x.allows(m, good) {
		return good, true
	}
	for range bisections {
		if middle := (good + bad) / 2; x.allows(m, middle) {
			good = middle
		} else {
			bad = middle
		}
	}
	return good, true
}

// allows reports whether a stop stays inside after one period of acceleration a.
func (x *joint) allows(m motion, a float64) bool {
	_, inside := x.stop(m.step(a, x.h))
	return inside
}
