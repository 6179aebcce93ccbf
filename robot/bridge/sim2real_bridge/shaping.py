"""Velocity shaping: what the arm may do in the next tick, given what is wanted of it.

What belongs here: pure functions of numbers, so that they are tested without an arm. What does not: clocks,
messages, a simulator. Arrays are per joint, base to tip, shape (N,).
"""

import numpy as np

from .limits import Limits
from .stopping import Joint


class Shaper:
    """The velocities of an arm, tick after tick of dt, s. A new one is at rest."""

    def __init__(self, limits: Limits, dt: float):
        self._limits, self._dt = limits, dt
        self.velocity = np.zeros(len(limits.joint_names))  # of the last tick, rad/s
        self._acceleration = self.velocity.copy()

    def next(self, wanted, position) -> np.ndarray:
        """The velocity for the next tick; see shape."""
        before = self.velocity
        self.velocity = shape(wanted, before, self._acceleration, position, self._limits, self._dt)
        self._acceleration = (self.velocity - before) / self._dt
        return self.velocity


def shape(wanted, velocity, acceleration, position, limits: Limits, dt: float) -> np.ndarray:
    """Velocity for the next tick, rad/s: as near to wanted as the limits allow.

    wanted, velocity in rad/s and acceleration in rad/s² are what is wished for, what the last call returned, and
    by how much that differed from the call before over dt; position in rad is where the commanded arm is now; dt
    is in s. The result keeps velocity_max, acceleration_max, jerk_max and the taper, and is never such that
    stopping within them would end beyond a position limit. A wish that is not finite is taken as rest: NaN passes
    every comparison.
    """
    wanted = np.where(np.isfinite(wanted), wanted, 0.0)
    if jerk_binds(limits, dt):
        joints = [Joint(*numbers, dt) for numbers in rows(limits)]
        states = np.column_stack((wanted, position, velocity, acceleration)).tolist()
        return np.array([joint.follow(*state) for joint, state in zip(joints, states, strict=True)])
    wanted = np.clip(wanted, -limits.velocity_max, limits.velocity_max)
    reach = limits.acceleration_max * dt
    allowed = np.clip(wanted, velocity - reach, velocity + reach)
    up = braking_speed(limits.position_max - position, limits.acceleration_max, dt)
    down = braking_speed(position - limits.position_min, limits.acceleration_max, dt)
    bounded = np.clip(allowed, -down, up)
    # The acceleration bound goes last: where both cannot hold (an arm pushed beyond a limit from outside),
    # it brakes as hard as it may rather than jerk.
    return np.clip(bounded, velocity - reach, velocity + reach)


def jerk_binds(limits: Limits, dt: float) -> bool:
    """Whether a tick is too short to go from one full acceleration to the other, or a taper has to be minded.

    With a jerk of 500/s times the acceleration, as the tables have, it is below 4 ms.
    """
    known = limits.jerk_max > 0.0
    too_short = known & (limits.jerk_max * dt < 2.0 * limits.acceleration_max)
    return bool(np.any(too_short) or np.any(limits.taper_decel > 0.0))


def rows(limits: Limits):
    """The numbers of each joint as stopping.Joint takes them."""
    return np.column_stack((
        limits.position_min, limits.position_max, limits.velocity_max, limits.acceleration_max, limits.jerk_max,
        limits.taper_offset, limits.taper_decel,
    )).tolist()  # fmt: skip


def braking_speed(distance, acceleration, dt: float) -> np.ndarray:
    """Greatest speed, rad/s, held for one tick of dt, from which braking still ends within distance, rad.

    v*dt + v²/(2a) = distance, solved for v: one tick at v, then constant deceleration. After that tick
    the same bound can be met again by v - a*dt, so a shaped arm never has to break a limit.
    """
    distance = np.maximum(distance, 0.0)
    return acceleration * (np.sqrt(dt * dt + 2.0 * distance / acceleration) - dt)


def moving(velocity, threshold: float = 0.02) -> bool:
    """Whether some joint is faster than threshold, rad/s: the contract's `moving`."""
    return bool(np.any(np.abs(velocity) >= threshold))
