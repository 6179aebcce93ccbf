"""One joint within velocity, acceleration, jerk and taper: the rules of the daemon's limiter, checked again.

What belongs here: the same arithmetic, in the same order, as robot/limit of the daemon (stop.go, follow.go), whose
package doc says what holds and why; a file of its steps is reproduced by a test. What does not: several joints and
the case where jerk does not bind (shaping.py).
"""

import math

SLACK = 1e-12  # rad, rad/s: how far rounding may take a check
STILL = 1e-13  # rad/s: what rounding leaves of a stop
FINEST = 64  # periods that full acceleration may take to let go of
BISECTIONS = 30
OUTSIDE_BY = 0.02  # rad outside its range at which a joint counts as at its end
BACK_AT = 0.1  # part of its speed at which a joint farther outside may come back


class Joint:
    """Limits of one joint for periods of dt, s: rad, rad/s, rad/s², rad/s³; no jerk limit where jerk is 0."""

    def __init__(self, lo, hi, speed, accel, jerk, offset, decel, dt):
        if 0.0 < jerk * dt * FINEST < accel:
            raise ValueError(f"a period of {dt} s is too short for {jerk} rad/s³ and {accel} rad/s²")
        self.lo, self.hi, self.speed, self.accel = lo, hi, speed, accel
        self.offset, self.decel, self.dt = offset, decel, dt
        self.change = min(2.0 * accel, jerk * dt) if jerk > 0.0 else 2.0 * accel
        self.hold_from = self.spends(accel)

    def follow(self, wanted: float, q: float, v: float, a: float) -> float:
        """The velocity of the next period, towards wanted, from position q, velocity v and acceleration a."""
        w = self.lawful(q, wanted)
        dq = v + self.admissible(q, v, a, self.towards_rest(v - w, a)) * self.dt
        return 0.0 if abs(dq) <= STILL else dq

    def lawful(self, q, wanted):
        """The velocity nearest to wanted that position q allows on its own."""
        far = q > self.hi + OUTSIDE_BY or q < self.lo - OUTSIDE_BY
        back = BACK_AT * self.speed if far else self.speed
        hi = 0.0 if q > self.hi + SLACK else min(back, self.fastest(self.hi - q))
        lo = 0.0 if q < self.lo - SLACK else -min(back, self.fastest(q - self.lo))
        return min(max(wanted, lo), hi)

    def admissible(self, q, v, a, wish):
        """The acceleration nearest to wish, from that of the stop, after which a stop stays inside."""
        if q > self.hi + SLACK or q < self.lo - SLACK or self.allows(q, v, wish):
            return wish
        good, bad = self.towards_rest(v, a), wish
        if not self.allows(q, v, good):
            return good
        for _ in range(BISECTIONS):
            middle = (good + bad) / 2.0
            if self.allows(q, v, middle):
                good = middle
            else:
                bad = middle
        return good

    def allows(self, q, v, a) -> bool:
        """Whether a stop stays inside after one period of acceleration a."""
        v = v + a * self.dt
        return self.stops(q + v * self.dt, v, a)

    def spends(self, b):
        """Speed lost by braking with b and then letting go as fast as jerk allows."""
        k = math.floor(b / self.change)
        return self.dt * ((k + 1) * b - self.change * k * (k + 1) / 2.0)

    def brake_for(self, v):
        """The inverse of spends."""
        w = v / self.dt
        k = math.floor((math.sqrt(1.0 + 8.0 * w / self.change) - 1.0) / 2.0)
        return (w + self.change * k * (k + 1) / 2.0) / (k + 1)

    def towards_rest(self, v, a):
        """The acceleration of the next period on the shortest way to rest: the stop."""
        return self.brake(v, a) if self.down(v, a) else -self.brake(-v, -a)

    def down(self, v, a) -> bool:
        """Whether speed is left upwards once acceleration is let go."""
        return v + self.spends(max(a - self.change, 0.0)) - self.spends(max(-a - self.change, 0.0)) >= 0.0

    def brake(self, v, a):
        """towards_rest where down."""
        return -min(self.accel, self.change - a, self.brake_for(max(v, 0.0)))

    def stops(self, q, v, a) -> bool:
        """Whether the stop from here lies within speed and position, all of it."""
        sign = 1.0 if self.down(v, a) else -1.0
        q, v, a = sign * q, sign * v, sign * a
        lo, hi = (self.lo, self.hi) if sign > 0.0 else (-self.hi, -self.lo)
        if not self.holds(q, v, lo, hi):
            return False
        for _ in range(4 * FINEST):
            if abs(v) <= STILL and abs(a) <= self.change:
                return True
            n = self.strides(v, a)
            if n > 1:
                if not self.holds_striding(q, v, n, lo, hi):
                    return False
                q, v = self.stride(q, v, n)
                a = -self.accel
            else:
                a = self.brake(v, a)
                v += a * self.dt
                q += v * self.dt
            if not self.holds(q, v, lo, hi):
                return False
        return False

    def holds(self, q, v, lo, hi) -> bool:
        """Whether a joint that got here is within speed and position."""
        return lo - SLACK <= q <= hi + SLACK and -self.fastest(q - lo) - SLACK <= v <= self.fastest(hi - q) + SLACK

    def fastest(self, room):
        """The greatest speed with room rad left to the end that the joint moves to."""
        if self.decel == 0.0:
            return self.speed
        return min(self.speed, max(0.0, -self.offset + math.sqrt(max(0.0, 2.0 * self.decel * room))))

    def strides(self, v, a):
        """How many periods a stop goes on with full braking, which it has reached."""
        if a > -self.accel or v < self.hold_from:
            return 0
        return math.floor((v - self.hold_from) / (self.accel * self.dt)) + 1

    def stride(self, q, v, n):
        """Position and velocity n periods of full braking later."""
        lost = n * self.accel * self.dt
        return q + self.dt * (n * v - lost * (n + 1) / 2.0), v - lost

    def holds_striding(self, q, v, n, lo, hi) -> bool:
        """Whether speed stays below a taper that falls faster than the joint can brake."""
        if not self.holds(*self.stride(q, v, 1), lo, hi):
            return False
        if self.decel <= self.accel:
            return True
        excess = 2.0 * self.decel * v - self.decel * self.accel * self.dt - 2.0 * self.accel * (v + self.offset)
        best = excess / (2.0 * self.accel * self.dt * (self.decel - self.accel))
        return self.holds(*self.stride(q, v, min(max(best, 1.0), n)), lo, hi)
