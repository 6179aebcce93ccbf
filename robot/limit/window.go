package limit

import "math"

// interval is what one joint may do in the coming period where jerk does not bind: clamp is its velocity and
// position window, rate its acceleration window around the velocity before.
type interval struct{ clampLo, clampHi, rateLo, rateHi float64 }

func (x *joint) window(m motion) interval {
	fastest := x.comingBack(m.q)
	hi := min(fastest, stoppable(x.hi-m.q, x.accel, x.h))
	lo := -min(fastest, stoppable(m.q-x.lo, x.accel, x.h))
	return interval{clampLo: lo, clampHi: hi, rateLo: m.v - x.accel*x.h, rateHi: m.v + x.accel*x.h}
}

// stoppable is the greatest speed from which a joint with room rad left stays inside it, when it keeps that
// speed for dt and then brakes at a: v·dt + v²/2a = room. Without room it is zero. After the period there is
// room for v - a·dt by the same rule, with a·dt²/2 to spare.
func stoppable(room, a, dt float64) float64 {
	if room <= 0 {
		return 0
	}
	return -a*dt + math.Sqrt(a*dt*a*dt+2*a*room)
}

// bound clamps first and limits the rate last, so that the acceleration limit always holds: a joint that
// enters its stopping distance too fast (a measured jump) brakes as hard as it may and no harder.
func (i interval) bound(wanted float64) ruling {
	dq := min(max(wanted, i.clampLo), i.clampHi)
	rated := min(max(dq, i.rateLo), i.rateHi)
	return ruling{dq: rated, clamped: dq != wanted, rated: rated != dq}
}

const (
	// outsideBy is how far outside its range a joint counts as at its end, rad: a measurement's noise, a
	// simulator's soft end.
	outsideBy = 0.02
	// backAt is how fast a joint farther outside may come back, as a part of its full speed.
	backAt = 0.1
)

// comingBack is the greatest speed, rad/s: full speed, or a slow one for a joint well outside its range.
func (x *joint) comingBack(q float64) float64 {
	if q > x.hi+outsideBy || q < x.lo-outsideBy {
		return backAt * x.speed
	}
	return x.speed
}
