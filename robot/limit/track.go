package limit

import "math"

// track is the position mode: towards being at position q with velocity dq when the period ends, and going on from
// there at dq. What a stop would miss q by, seen from one who moves with dq, tells which way to push and how hard.
func (x *joint) track(m motion, q, dq float64) ruling {
	y := *x
	y.speed = x.comingBack(m.q)
	at := min(max(q, x.lo), x.hi)
	with := min(max(dq, -y.speed), y.speed)
	if at != q {
		with = 0
	}
	wish := y.aim(m, at, with)
	a, clamped := y.admissible(m, wish)
	direct := (at - m.q) / x.h
	w := min(max(direct, -y.speed), y.speed)
	r := x.ruling(m, a)
	if !clamped {
		r.rated, r.jerky = x.why(m, wish, w)
	}
	r.clamped = clamped || at != q || w != direct
	return r
}

// aim is the acceleration after which the stop in the coordinate frame that moves with dq ends at q.
func (x *joint) aim(m motion, q, dq float64) float64 {
	good := x.towardsRest(m.v-dq, m.a)
	short := x.miss(m, good, q, dq)
	if short == 0 {
		return good
	}
	full := x.towardsRest(m.v+math.Copysign(x.speed, short), m.a)
	if math.Signbit(x.miss(m, full, q, dq)) == math.Signbit(short) {
		return full
	}
	for range bisections {
		if middle := (good + full) / 2; math.Signbit(x.miss(m, middle, q, dq)) == math.Signbit(short) {
			good = middle
		} else {
			full = middle
		}
	}
	return good
}

// miss is by how much, rad, a joint that has accelerated by a for a period passes q, which moves on with dq, by
// taking on its velocity as fast as it may; negative where it stays short of it.
func (x *joint) miss(m motion, a, q, dq float64) float64 {
	free := *x
	free.lo, free.hi, free.speed, free.decel = math.Inf(-1), math.Inf(1), math.Inf(1), 0
	m = m.step(a, x.h)
	end, _ := free.stop(motion{m.q - q, m.v - dq, m.a})
	return end
}
