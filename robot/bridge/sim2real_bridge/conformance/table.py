"""The table of checks, in the order in which they run, and the run itself.

What belongs here: names, and what is printed. What does not: a check (check_*.py).
"""

import sys
from collections.abc import Callable, Iterable
from typing import NamedTuple, TextIO

from . import check_commands as commands
from . import check_motion as motion
from . import check_said as said
from . import check_session as session
from .check_commands import changed, first_is, joints, raw, too_fast
from .probe import FailedError, SkippedError
from .trial import Trial

NAN, INFINITE = float("nan"), float("inf")

CHECKS: dict[str, Callable[[Trial], None]] = {
    "factsheet_retained": said.factsheet_retained,
    "factsheet_complete": said.factsheet_complete,
    "online_retained": said.online_retained,
    "states_complete": said.states_complete,
    "pictures": said.pictures,
    "envelopes": said.envelopes,
    "echo": said.echo,
    "lease_granted": session.lease_granted,
    "lease_one": session.lease_one,
    "lease_needed": session.lease_needed,
    "lease_release": session.lease_release,
    "lease_lapses": session.lease_lapses,
    "lease_will": session.lease_will,
    "lease_late_will": session.lease_late_will,
    "reset_refused": session.reset_refused,
    "reset_once": session.reset_once,
    "same_start": session.same_start,
    "epoch": commands.epoch,
    "sequence": commands.sequence,
    "replay": commands.replay,
    "stale": commands.stale,
    "not_running": commands.not_running,
    "another_bridge": changed(
        observed=lambda t, s: {"epoch": "0" * 16, "seq": s["seq"], "stamp": s["stamp"]}, because="stale"
    ),
    "another_robot": changed(robot="another-robot", because="robot"),
    "nan": changed(velocity=first_is(NAN), because="not_finite"),
    "infinite": changed(velocity=first_is(INFINITE), because="not_finite"),
    "gripper_nan": changed(gripper=NAN, because="not_finite"),
    "too_fast": changed(velocity=too_fast, because="limit"),
    "gripper_range": changed(gripper=1.2, because="limit"),
    "joint_missing": joints(lambda names, v: (names[:-1], v[:-1])),
    "joint_extra": joints(lambda names, v: ([*names, "no_such_joint"], [*v, 0.1])),
    "joint_repeated": joints(lambda names, v: ([*names[:-1], names[0]], v)),
    "joint_twice": joints(lambda names, v: ([*names, names[0]], [*v, v[0]])),
    "hold_with_joints": changed(mode="hold", because="joints"),
    "unknown_mode": changed(mode="fly", because="malformed"),
    "unknown_key": changed(speed=1.0, because="malformed"),
    "missing_key": changed(reason=None, because="malformed"),
    "no_validity": changed(valid_for_ms=0, because="malformed"),
    "seq_zero": changed(seq=0, because="malformed"),
    "seq_beyond": changed(seq=2**53 + 1, because="malformed"),
    "key_twice": raw("A key that stands twice", lambda b: b[:-1] + b',"gripper":0}'),
    "not_json": raw("What is not JSON", lambda b: b[:-1]),
    "not_utf8": raw("What is not UTF-8", lambda b: b.replace(b'"bundle": ""', b'"bundle": "\xff"')),
    "deep": raw("Nesting 10,000 deep", lambda b: b"[" * 10_000 + b"]" * 10_000),
    "too_large": raw("A command of more than 64 KiB", lambda b: b + b" " * (65 * 1024)),
    "ready_stands": motion.ready_stands,
    "moves": motion.moves,
    "shuffled": motion.shuffled,
    "hold_rests": motion.hold_rests,
    "speed_kept": motion.speed_kept,
    "silence_stops": motion.silence_stops,
    "validity_ends": motion.validity_ends,
    "holder_gone": motion.holder_gone,
    "one_step": motion.one_step,
    "repeats": motion.repeats,
    "last_will": session.last_will,
    "retained": session.retained,
}


class Result(NamedTuple):
    """What became of a check: verdict is pass, FAIL or skip, and reason one line."""

    name: str
    verdict: str
    reason: str


def run_one(name: str, trial: Trial) -> Result:
    """Runs a check."""
    try:
        CHECKS[name](trial)
    except SkippedError as err:
        return Result(name, "skip", str(err))
    except FailedError as err:
        return Result(name, "FAIL", str(err))
    except (KeyError, TypeError, ValueError, IndexError) as err:
        return Result(name, "FAIL", f"a message is not as the contract has it: {type(err).__name__} {err}")
    return Result(name, "pass", "")


def run(trial: Trial, names: Iterable[str] = CHECKS, out: TextIO = sys.stdout) -> list[Result]:
    """Runs checks, prints a line for each and the sum, and returns what became of them."""
    results = []
    for name in names:
        results.append(result := run_one(name, trial))
        rule = " ".join((CHECKS[name].__doc__ or "").split())
        print(f"{result.verdict}  {name:20} {result.reason or rule}", file=out, flush=True)
    counts = [sum(r.verdict == v for r in results) for v in ("pass", "FAIL", "skip")]
    print("{} passed, {} failed, {} skipped".format(*counts), file=out, flush=True)
    return results
