"""Checks of motion: what moves the arm, and what stops it.

What belongs here: what a command or its absence does. What does not: which commands count (check_commands.py).
"""

import numpy as np

from .check_said import need
from .probe import Heard
from .trial import STILL_RAD, Trial, span

SLACK_S = 0.15  # of a broker, a network and one period of joint_states
MOVE_S = 0.3


def ready_stands(t: Trial) -> None:
    """A command that is accepted before the start moves nothing."""
    state = t.ready()
    start = t.positions(state)
    t.probe.send("joint_command", t.probe.command(state, t.gently(state)))
    if t.lockstep:
        after = t.start(state)
    else:
        t.probe.pause(0.2)
        after = t.newest()
    need("accepted" in after, "a lawful command in ready is not accepted")
    moved = float(np.abs(t.positions(after) - start).max())
    need(moved <= STILL_RAD, f"the arm moved by {moved:.3f} rad before the start")


def moves(t: Trial) -> None:
    """Each joint goes the way it is told, whichever joint it is, and says applied."""
    state = t.running()
    start, wanted = t.positions(state), np.array(t.gently(state))
    wanted *= np.linspace(0.5, 1.0, len(wanted))
    after = t.drive(wanted.tolist(), MOVE_S, state)
    _went(t, wanted, start, after, state)
    need(after.get("applied", {}).get("epoch") == t.probe.epoch, "applied does not name the command that moved it")


def shuffled(t: Trial) -> None:
    """Joints are matched by name: another order of the same command is the same command."""
    order = list(np.random.default_rng(1).permutation(len(t.factsheet["joint_names"])))
    state = t.running(seed=3)
    start, wanted = t.positions(state), np.array(t.gently(state)) * np.linspace(0.5, 1.0, len(order))
    names = [t.factsheet["joint_names"][i] for i in order]
    after, began = state, state["stamp"]
    while span(began, after["stamp"]) < MOVE_S:
        after = t.step(after, wanted[order].tolist(), name=names)
    if not t.lockstep:
        _went(t, wanted, start, after, state)
        return
    again = t.running(seed=3)
    plain = t.drive(wanted.tolist(), MOVE_S, again)
    went = [t.positions(end) - t.positions(begin) for begin, end in ((state, after), (again, plain))]
    apart = float(np.abs(went[0] - went[1]).max())
    need(apart < 1e-9, f"in another order it goes {apart:.2g} rad elsewhere")


def _went(t: Trial, wanted, start, after: dict, before: dict) -> None:
    """Holds a motion against what it should be, less what speeding up costs."""
    elapsed = span(before["stamp"], after["stamp"])
    went, want = t.positions(after) - start, wanted * elapsed
    for name, got, asked in zip(t.factsheet["joint_names"], went, want, strict=True):
        need(
            0.3 * abs(asked) <= got * np.sign(asked) <= 1.5 * abs(asked) + STILL_RAD,
            f"{name} went {got:.3f} rad where {asked:.3f} was asked",
        )


def hold_rests(t: Trial) -> None:
    """Hold brings the arm to rest and keeps it there."""
    state = t.running()
    state = t.drive(t.gently(state), MOVE_S, state)
    for _ in range(round(1.0 * t.factsheet["state_rate_hz"]) + 1):
        state = t.step(state)
    need(not state["moving"], "it still moves after a second of hold")
    need(state["mode"] == "hold", f"mode is {state['mode']!r}")
    rest = t.positions(state)
    for _ in range(round(0.3 * t.factsheet["state_rate_hz"]) + 1):
        state = t.step(state)
    moved = float(np.abs(t.positions(state) - rest).max())
    need(moved <= STILL_RAD, f"it moved by {moved:.3f} rad while it held")


def speed_kept(t: Trial) -> None:
    """Full speed both ways by turns leaves neither the speed limits nor the range of a joint."""
    state = t.running()
    fastest = np.array(t.factsheet["limits"]["velocity_max"])
    low, high = (np.array(t.factsheet["limits"][k]) for k in ("position_min", "position_max"))
    began, step = state["stamp"], 0
    while span(began, state["stamp"]) < 0.8:
        way = np.where((step // 4 + np.arange(len(fastest))) % 2, 1.0, -1.0)
        state, step = t.step(state, (0.999 * fastest * way).tolist()), step + 1
        by_name = dict(zip(state["name"], state["velocity"], strict=True))
        share = np.abs([by_name[n] for n in t.factsheet["joint_names"]]) / fastest
        need(bool(np.all(share <= 1.1)), f"a joint ran at {share.max():.2f} of its limit")
        q = t.positions(state)
        need(bool(np.all(q >= low - STILL_RAD) and np.all(q <= high + STILL_RAD)), f"a joint left its range: {q}")


def silence_stops(t: Trial) -> None:
    """When commands cease, the arm is stopped within the timeout and what braking takes, and says so."""
    _stops(t, t.factsheet["command_timeout_ms"] / 1000, {})


def validity_ends(t: Trial) -> None:
    """A command is void after its own valid_for_ms, where that is shorter."""
    short = t.factsheet["command_timeout_ms"] / 1000 / 4
    _stops(t, short, {"valid_for_ms": 1000 * short}, slack_s=short + 0.05)


def _stops(t: Trial, within_s: float, changes: dict, slack_s: float = SLACK_S) -> None:
    t.only("realtime")
    state = t.running()
    wanted = t.gently(state)
    began = state["stamp"]
    while span(began, state["stamp"]) < MOVE_S:
        state = t.step(state, wanted, **changes)
    mark, last = t.probe.mark(), t.probe.heard("joint_states")[-1]
    said: Heard = t.probe.wait("joint_states", "mode stopped", lambda b: b["mode"] == "stopped", mark, 3.0)
    rest: Heard = t.probe.wait("joint_states", "an arm at rest", lambda b: not b["moving"], said.number, 3.0)
    braking = max(v / a for v, a in zip(map(abs, wanted), t.factsheet["limits"]["acceleration_max"], strict=True))
    took, bound = said.at - last.at, within_s + slack_s
    need(took <= bound, f"it said stopped after {took:.3f} s, {bound:.3f} at most")
    took, bound = rest.at - last.at, within_s + braking + slack_s + 0.2
    need(took <= bound, f"it came to rest after {took:.3f} s, {bound:.3f} at most")


def holder_gone(t: Trial) -> None:
    """A command counts no longer once its sender gave the lease back."""
    t.only("realtime")
    state = t.running()
    state = t.drive(t.gently(state), MOVE_S, state)
    mark = t.probe.mark()
    t.probe.release()
    freed = t.probe.wait("lease/state", "the lease to be nobody's", lambda b: b["holder"] == "", mark)
    said = t.probe.wait("joint_states", "mode stopped", lambda b: b["mode"] == "stopped", mark, 3.0)
    took = said.at - freed.at
    need(took < 0.5 * t.factsheet["command_timeout_ms"] / 1000, f"it went on for {took:.3f} s")


def one_step(t: Trial) -> None:
    """In lock-step one answer advances one control step, and its stamp by one control period."""
    t.only("lockstep")
    state = t.running()
    for _ in range(3):
        after = t.step(state)
        need(after["episode"]["step"] == state["episode"]["step"] + 1, f"step {after['episode']['step']}")
        took, period = span(state["stamp"], after["stamp"]), 1 / t.factsheet["control_rate_hz"]
        need(abs(took - period) < 1e-3, f"a step of {took:.4f} s, the factsheet's are {period:.4f} s")
        state = after


def repeats(t: Trial) -> None:
    """In lock-step an observation that is not answered comes again, with the same seq."""
    t.only("lockstep")
    state, mark = t.running(), t.probe.mark()
    again = t.probe.wait("joint_states", "the observation again", since=mark, patience_s=3.0).body
    need(again == state, f"joint_states {again['seq']} came instead of {state['seq']} again")
