"""Shaping never leaves the limits, whatever is wanted, and does not hold back what is lawful."""

import numpy as np
import pytest

from sim2real_bridge import limits, shaping

PANDA = limits.load("panda")
DT = 0.01
EPS = 1e-9


def drive(wishes, position, velocity=None):
    """Integrates shaped velocities; yields (velocity, position) after each tick and asserts every limit."""
    velocity = np.zeros(7) if velocity is None else velocity
    out = []
    for wanted in wishes:
        new = shaping.shape(wanted, velocity, position, PANDA, DT)
        assert np.all(np.abs(new - velocity) <= PANDA.acceleration_max * DT + EPS)
        assert np.all(np.abs(new) <= PANDA.velocity_max + EPS)
        position = position + new * DT
        assert np.all(position <= PANDA.position_max + EPS)
        assert np.all(position >= PANDA.position_min - EPS)
        velocity = new
        out.append((velocity, position))
    return out


def adversary(kind, rng, n=600):
    """Wishes meant to break a limit."""
    v = PANDA.velocity_max
    return {
        "random": rng.uniform(-1, 1, (n, 7)) * v,
        "far beyond": rng.uniform(-1, 1, (n, 7)) * 1e6,
        "bang bang": np.where((np.arange(n) // 7 % 2)[:, None] == 0, v, -v),
        "into the upper limit": np.tile(v, (n, 1)),
        "into the lower limit": np.tile(-v, (n, 1)),
        "not finite": rng.choice([np.nan, np.inf, -np.inf, 1.0, -1.0], (n, 7)),
    }[kind]


KINDS = ["random", "far beyond", "bang bang", "into the upper limit", "into the lower limit", "not finite"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(4))
def test_no_limit_is_ever_left(kind, seed):
    rng = np.random.default_rng(seed)
    start = rng.uniform(PANDA.position_min, PANDA.position_max)
    drive(adversary(kind, rng), start)


def test_a_lawful_wish_is_reached_in_the_time_that_acceleration_needs():
    wish = 0.5 * PANDA.velocity_max
    middle = (PANDA.position_min + PANDA.position_max) / 2
    ticks = int(np.ceil(np.max(wish / (PANDA.acceleration_max * DT))))
    assert np.allclose(drive([wish] * ticks, middle)[-1][0], wish)


def test_it_stops_at_the_limit_and_comes_away_again():
    _, position = drive([PANDA.velocity_max] * 1000, (PANDA.position_min + PANDA.position_max) / 2)[-1]
    assert np.allclose(position, PANDA.position_max, atol=1e-3)
    assert np.all(drive([-PANDA.velocity_max] * 20, position)[-1][1] < position - 0.01)


def test_an_arm_beyond_a_limit_brakes_no_harder_than_it_may():
    outside = PANDA.position_max + 0.1
    fast = 0.5 * PANDA.velocity_max
    new = shaping.shape(fast, fast, outside, PANDA, DT)
    assert np.allclose(new, fast - PANDA.acceleration_max * DT)


def test_rest_is_reached_exactly():
    last = drive([PANDA.velocity_max * 0.3] * 10 + [np.zeros(7)] * 20, np.zeros(7) + PANDA.position_min + 1.0)[-1][0]
    assert np.array_equal(last, np.zeros(7))


@pytest.mark.parametrize(("speed", "moving"), [(0.0, False), (0.0199, False), (0.02, True), (-0.3, True)])
def test_moving(speed, moving):
    assert shaping.moving(np.array([0.0, speed])) is moving
