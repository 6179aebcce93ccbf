package limit

import (
	"math"

	"sim2reald/robot"
)

const (
	// slack is how far rounding may take a check: of a position in rad, of a speed in rad/s.
	slack = 1e-12
	// still is a speed, rad/s, that counts as rest: what rounding leaves of a stop.
	still = 1e-13
	// finest is how many periods it may take to let go of full acceleration: more would make a stop too long to
	// follow in a period. Both Frankas have 2 at 1 kHz.
	finest = 64
	// longest bounds the steps of a stop: from full acceleration to none, to full braking, and to none again.
	longest = 4 * finest
)

// joint is one joint in one period: its limits with jerk as what it lets acceleration change in that period.
type joint struct {
	h        float64 // s, the period
	accel    float64 // rad/s², greatest magnitude
	change   float64 // rad/s², greatest change in one period
	speed    float64 // rad/s, greatest magnitude
	lo, hi   float64 // rad
	offset   float64 // rad/s and rad/s², robot.Taper
	decel    float64
	holdFrom float64 // rad/s, the least speed from which stopping brakes fully for one period
}

func jointOf(j int, h float64, lim *robot.Limits) joint {
	x := joint{
		h: h, accel: lim.DDQMax[j], change: 2 * lim.DDQMax[j], speed: lim.DQMax[j], lo: lim.QMin[j], hi: lim.QMax[j],
		offset: lim.Taper.Offset[j], decel: lim.Taper.Decel[j],
	}
	if jerk := lim.DDDQMax[j]; jerk > 0 {
		x.change = min(x.change, jerk*h)
	}
	x.holdFrom = x.spends(x.accel)
	return x
}

// motion is where a joint is after a period: position rad, velocity rad/s, acceleration rad/s².
type motion struct{ q, v, a float64 }

// step is the motion one period of acceleration a later. The velocity is kept for the whole period.
func (m motion) step(a, h float64) motion {
	m.a = a
	m.v += a * h
	m.q += m.v * h
	return m
}

// spends is how much speed is lost by braking with b and then letting go as fast as jerk allows: with b, b-change,
// b-2·change and so on, a period each. It grows with b, in straight pieces.
func (x *joint) spends(b float64) float64 {
	k := math.Floor(b / x.change)
	return x.h * ((k+1)*b - x.change*k*(k+1)/2)
}

// brakeFor is the inverse of spends for a speed v of at least 0.
func (x *joint) brakeFor(v float64) float64 {
	w := v / x.h
	k := math.Floor((math.Sqrt(1+8*w/x.change) - 1) / 2)
	return (w + x.change*k*(k+1)/2) / (k + 1)
}

// towardsRest is the acceleration of the next period on the shortest way from velocity v and acceleration a to
// rest, both exactly zero, without swinging through: the stop. It keeps acceleration and jerk whatever v is, and
// it is a function of v and a alone, so that the way on from any point of a stop is the rest of that stop.
func (x *joint) towardsRest(v, a float64) float64 {
	if x.down(v, a) {
		return x.brake(v, a)
	}
	return -x.brake(-v, -a)
}

// down reports whether speed is left in the positive direction once acceleration is let go as fast as may be.
func (x *joint) down(v, a float64) bool {
	return v+x.spends(max(a-x.change, 0))-x.spends(max(-a-x.change, 0)) >= 0
}

// brake is towardsRest where down: as hard as acceleration and jerk allow and the landing leaves time for.
func (x *joint) brake(v, a float64) float64 {
	return -min(x.accel, x.change-a, x.brakeFor(max(v, 0)))
}

// stop follows the stop from m and reports where it ends, rad, and whether all of it lies within speed and
// position. Full braking, which is most of a stop, is done in one stride.
func (x *joint) stop(m motion) (end float64, inside bool) {
	if !x.down(m.v, m.a) {
		y := *x
		y.lo, y.hi = -x.hi, -x.lo
		end, inside = y.stopDown(motion{-m.q, -m.v, -m.a})
		return -end, inside
	}
	return x.stopDown(m)
}

func (x *joint) stopDown(m motion) (end float64, inside bool) {
	inside = x.holds(m)
	for range longest {
		if !inside || x.rests(m) {
			return m.q, inside
		}
		if n := x.strides(m); n > 1 {
			inside = x.holdsStriding(m, n)
			m = x.stride(m, n)
		} else {
			m = m.step(x.brake(m.v, m.a), x.h)
		}
		inside = inside && x.holds(m)
	}
	return m.q, false
}

// rests reports whether nothing moves any more and acceleration can end at once.
func (x *joint) rests(m motion) bool { return math.Abs(m.v) <= still && math.Abs(m.a) <= x.change }

// holds reports whether a joint that got here is within speed and position.
func (x *joint) holds(m motion) bool {
	return m.q <= x.hi+slack && m.q >= x.lo-slack &&
		m.v <= x.fastest(x.hi-m.q)+slack && m.v >= -x.fastest(m.q-x.lo)-slack
}

// fastest is the greatest speed, rad/s, with room rad left to the end that the joint moves to.
func (x *joint) fastest(room float64) float64 {
	if x.decel == 0 {
		return x.speed
	}
	return min(x.speed, max(0, -x.offset+math.Sqrt(max(0, 2*x.decel*room))))
}

// strides is how many periods a stop from m goes on with full braking, which it has reached.
func (x *joint) strides(m motion) float64 {
	if m.a > -x.accel || m.v < x.holdFrom {
		return 0
	}
	return math.Floor((m.v-x.holdFrom)/(x.accel*x.h)) + 1
}

// stride is the motion n periods of full braking later.
func (x *joint) stride(m motion, n float64) motion {
	lost := n * x.accel * x.h
	return motion{q: m.q + x.h*(n*m.v-lost*(n+1)/2), v: m.v - lost, a: -x.accel}
}

// holdsStriding reports whether the speed stays below a taper that falls faster than the joint can brake: then
// what is exceeded, (v+offset)² - 2·decel·room, is largest in between, at n = best. Elsewhere it is at an end.
func (x *joint) holdsStriding(m motion, n float64) bool {
	if x.decel <= x.accel {
		return x.holds(x.stride(m, 1))
	}
	best := (2*x.decel*m.v - x.decel*x.accel*x.h - 2*x.accel*(m.v+x.offset)) / (2 * x.accel * x.h * (x.decel - x.accel))
	return x.holds(x.stride(m, 1)) && x.holds(x.stride(m, min(max(best, 1), n)))
}
