"""Velocity shaping: what the arm may do in the next tick, given what is wanted of it.

What belongs here: pure functions of numbers, so that they are tested without an arm. What does not: clocks,
messages, a simulator. Arrays are per joint, base to tip, shape (N,).
"""

import numpy as np

from .limits import Limits


def shape(wanted, velocity, position, limits: Limits, dt: float) -> np.ndarray:
    """Velocity for the next tick, rad/s: as near to wanted as the limits allow.

    wanted and velocity are in rad/s, the latter what the last call returned; position in rad is where the
    commanded arm is now; dt is in s. The result changes by at most acceleration_max * dt, stays within
    velocity_max, and is never so fast that braking would end beyond a position limit. A wish that is not
    finite is taken as rest: NaN passes every comparison.
    """
    wanted = np.where(np.isfinite(wanted), wanted, 0.0)
    wanted = np.clip(wanted, -limits.velocity_max, limits.velocity_max)
    reach = limits.acceleration_max * dt
    allowed = np.clip(wanted, velocity - reach, velocity + reach)
    up = braking_speed(limits.position_max - position, limits.acceleration_max, dt)
    down = braking_speed(position - limits.position_min, limits.acceleration_max, dt)
    bounded = np.clip(allowed, -down, up)
    # The acceleration bound goes last: where both cannot hold (an arm pushed beyond a limit from outside),
    # it brakes as hard as it may rather than jerk.
    return np.clip(bounded, velocity - reach, velocity + reach)


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
