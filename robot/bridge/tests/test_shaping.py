"""Shaping never leaves the limits, whatever is wanted, and does not hold back what is lawful."""

from pathlib import Path

import numpy as np
import pytest

from sim2real_bridge import limits, shaping, stopping

TABLES = {name: limits.load(name) for name in ("panda", "fr3", "sawyer")}
PANDA = TABLES["panda"]
DT = 0.01
EPS = 1e-9
FOLLOW = Path(__file__).parents[2] / "limit" / "testdata" / "follow.txt"


def drive(wishes, position, table=PANDA, dt=DT):
    """Integrates shaped velocities; the (velocity, position) after each tick, with every limit asserted."""
    shaper, acceleration, out = shaping.Shaper(table, dt), np.zeros(7), []
    for wanted in wishes:
        before = shaper.velocity
        new = shaper.next(wanted, position)
        position = position + new * dt
        inside(new, before, acceleration, position, table, dt)
        acceleration = (new - before) / dt
        out.append((new, position))
    return out


def inside(new, before, acceleration, position, table, dt):
    """Asserts every limit of one tick, by the maker's numbers."""
    now = (new - before) / dt
    assert np.all(np.abs(now) <= table.acceleration_max * (1 + EPS))
    assert np.all(np.abs(now - acceleration) <= table.jerk_max * dt * (1 + EPS))
    assert np.all(position <= table.position_max + EPS)
    assert np.all(position >= table.position_min - EPS)
    room = np.where(new > 0, table.position_max - position, position - table.position_min)
    taper = np.maximum(0, np.sqrt(np.maximum(0, 2 * table.taper_decel * room)) - table.taper_offset)
    speed = np.where(table.taper_decel > 0, np.minimum(table.velocity_max, taper), table.velocity_max)
    assert np.all(np.abs(new) <= speed + EPS)


def adversary(kind, rng, n=600, v=PANDA.velocity_max):
    """Wishes meant to break a limit."""
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


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", TABLES)
def test_no_limit_is_ever_left_where_jerk_binds(kind, name):
    table, rng = TABLES[name], np.random.default_rng(7)
    start = rng.uniform(table.position_min + 0.2, table.position_max - 0.2)
    drive(adversary(kind, rng, 1500, table.velocity_max), start, table, 0.001)


def test_a_period_is_shaped_as_the_daemon_shapes_it():
    """The golden steps of robot/limit, of each joint of each robot, from anywhere."""
    rows = [line.split() for line in FOLLOW.read_text().splitlines() if not line.startswith("#")]
    assert len(rows) > 600
    for name, j, *numbers in rows:
        dt, q, v, a, wanted, dq = map(float, numbers)
        joint = stopping.Joint(*shaping.rows(TABLES[name])[int(j)], dt)
        assert abs(joint.follow(wanted, q, v, a) - dq) <= 1e-12, (name, j, numbers)


@pytest.mark.parametrize("name", ["panda", "sawyer"])
def test_jerk_binds_below_four_milliseconds(name):
    assert shaping.jerk_binds(TABLES[name], 0.00399)
    assert not shaping.jerk_binds(TABLES[name], 0.00401)


def test_a_taper_always_binds():
    assert shaping.jerk_binds(TABLES["fr3"], DT)


def test_a_period_too_short_to_follow_a_stop_is_refused():
    with pytest.raises(ValueError, match="too short"):
        shaping.Shaper(PANDA, 0.00003).next(np.zeros(7), PANDA.position_min + 1.0)


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
    new = shaping.shape(fast, fast, np.zeros(7), outside, PANDA, DT)
    assert np.allclose(new, fast - PANDA.acceleration_max * DT)


def test_rest_is_reached_exactly():
    last = drive([PANDA.velocity_max * 0.3] * 10 + [np.zeros(7)] * 20, np.zeros(7) + PANDA.position_min + 1.0)[-1][0]
    assert np.array_equal(last, np.zeros(7))


@pytest.mark.parametrize(("speed", "moving"), [(0.0, False), (0.0199, False), (0.02, True), (-0.3, True)])
def test_moving(speed, moving):
    assert shaping.moving(np.array([0.0, speed])) is moving
