"""Checks of what a bridge does not obey: each message that must not count, and its reason.

What belongs here: one unlawful command a check. What does not: the lease (check_session.py), time (check_motion.py).
"""

import json
from collections.abc import Callable

from .trial import Trial, counted


def changed(**changes) -> Callable[[Trial], None]:
    """Makes a check of a moving command with changes, whose reason is given as `reason`; None takes a field out."""
    reason = changes.pop("because")

    def check(t: Trial) -> None:
        state = t.running()
        made = {key: value(t, state) if callable(value) else value for key, value in changes.items()}

        def message(newest):
            out = t.probe.command(newest, t.gently(state)) | made
            return {key: value for key, value in out.items() if value is not None}

        t.refuses(reason, message)

    check.__doc__ = f"A command whose {' and '.join(changes)} cannot be is dropped as {reason}."
    return check


def raw(what: str, edit: Callable[[bytes], bytes]) -> Callable[[Trial], None]:
    """Makes a check of a moving command whose bytes are edited into what is not lawful."""

    def check(t: Trial) -> None:
        state = t.running()
        t.refuses("malformed", lambda newest: edit(json.dumps(t.probe.command(newest, t.gently(state))).encode()))

    check.__doc__ = f"{what} is dropped as malformed."
    return check


def joints(edit: Callable[[list, list], tuple[list, list]]) -> Callable[[Trial], None]:
    """Makes a check of a moving command whose names and velocities are edited."""

    def check(t: Trial) -> None:
        state = t.running()
        names, velocity = edit(list(t.factsheet["joint_names"]), t.gently(state))
        t.refuses("joints", lambda newest: t.probe.command(newest, []) | {"name": names, "velocity": velocity})

    check.__doc__ = "A command that does not name each joint once is dropped as joints."
    return check


def first_is(value: float) -> Callable:
    """The gentle velocity with its first number replaced."""
    return lambda t, state: [value, *t.gently(state)[1:]]


def too_fast(t: Trial, state: dict) -> list:
    """A fifth above the limit of the last joint."""
    return [*t.gently(state)[:-1], 1.2 * t.factsheet["limits"]["velocity_max"][-1]]


def epoch(t: Trial) -> None:
    """A command of another epoch than the episode's is dropped."""
    state = t.step(t.running())
    t.refuses("epoch", lambda newest: t.probe.command(newest, t.gently(state)) | {"epoch": "0" * 16, "seq": 10**6})


def sequence(t: Trial) -> None:
    """A command whose seq is older than the last accepted one's is dropped."""
    state = t.step(t.step(t.running()))
    old = state["accepted"]["seq"] - 1
    t.refuses("sequence", lambda newest: t.probe.command(newest, t.gently(state)) | {"seq": old})


def replay(t: Trial) -> None:
    """A command that comes twice counts once."""
    state = t.step(t.running())
    last = state["accepted"]["seq"]
    t.refuses("sequence", lambda newest: t.probe.command(newest, t.gently(state)) | {"seq": last})


def stale(t: Trial) -> None:
    """An answer to an observation that is too old, or answered already, is dropped."""
    old = t.running()
    if not t.lockstep:
        t.probe.pause(2.5 * t.factsheet["command_timeout_ms"] / 1000)
    else:
        t.step(old)
    t.refuses("stale", lambda _: t.probe.command(old, t.gently(old)))


def not_running(t: Trial) -> None:
    """A command before an episode is ready is dropped."""
    state = t.running()
    t.reset(task="no such task")
    t.probe.send("joint_command", t.probe.command(state, t.gently(state)))
    counted(state["dropped"], t.ready()["dropped"], {"not_running": 1})
