"""Checks of the lease, of resets, and of how a bridge begins and ends.

What belongs here: who may command, and when an episode is. What does not: a command by itself (check_commands.py).
"""

from .check_said import need
from .probe import FailedError, SkippedError
from .trial import START_S, Trial

OTHER_WHO = "another daemon of the kit"


def granting(t: Trial) -> None:
    """Skips what only a bridge that grants leases can do."""
    if "lease_ttl_ms" not in t.factsheet:
        raise SkippedError("the factsheet has no lease_ttl_ms: this bridge grants no lease")


def lease_granted(t: Trial) -> None:
    """Who asks first holds the lease, and is told so."""
    granting(t)
    t.probe.release()
    state = t.probe.leased()
    t.probe.ask("release")
    need(state["holder"] == t.probe.epoch, f"holder is {state['holder']!r}")
    need(
        state["ttl_ms"] == t.factsheet["lease_ttl_ms"],
        f"ttl_ms {state['ttl_ms']}, the factsheet has {t.factsheet['lease_ttl_ms']}",
    )


def lease_one(t: Trial) -> None:
    """A second daemon is refused, and told who holds it."""
    granting(t)
    t.ready()
    other = t.another(OTHER_WHO)
    try:
        state = other.leased()
    finally:
        other.close()
    need(state["holder"] == t.probe.epoch, f"holder is {state['holder']!r} after a second daemon asked")
    need(state["who"] == t.probe.who, f"who is {state['who']!r}")


def lease_needed(t: Trial) -> None:
    """A command of who does not hold the lease is dropped."""
    granting(t)
    state = t.running()
    other = t.another(OTHER_WHO)
    try:
        t.refuses("lease", lambda newest: other.command(newest, t.gently(state)))
    finally:
        other.close()


def lease_release(t: Trial) -> None:
    """A lease that was given back can be had."""
    granting(t)
    t.ready()
    other = t.another(OTHER_WHO)
    try:
        t.probe.release()
        need(other.leased()["holder"] == other.epoch, "it was given back, and a second daemon is refused")
        other.ask("release")
    finally:
        other.close()


def lease_lapses(t: Trial) -> None:
    """A lease that is not renewed ends in real time, and in lock-step does not."""
    granting(t)
    t.ready()
    other = t.another(OTHER_WHO)
    try:
        t.probe.drop()
        t.probe.pause(2 * t.factsheet["lease_ttl_ms"] / 1000 or 0.6)
        state = other.leased()
        other.ask("release")
    finally:
        other.close()
    want = t.probe.epoch if t.lockstep else other.epoch
    t.probe.ask("release")
    need(state["holder"] == want, "it did not lapse" if want == other.epoch else "it lapsed, which lock-step must not")


def lease_will(t: Trial) -> None:
    """The lease ends with its holder's last will."""
    need(_after_will(t, [("online", 2), ("offline", 1)]) == "", "the holder is gone, and still holds it")


def lease_late_will(t: Trial) -> None:
    """A last will of a session that its sender has replaced ends nothing."""
    held = _after_will(t, [("online", 2), ("online", 4), ("offline", 1)])
    need(held == t.probe.epoch, "a will that came late ended the lease of a daemon that was there")


def _after_will(t: Trial, said: list) -> str:
    """Who holds the lease after the holder's connection topic said this."""
    granting(t)
    t.ready()
    t.probe.drop()
    for state, seq in said:
        message = {"epoch": t.probe.epoch, "seq": seq, "stamp": {"sec": 0, "nanosec": 0}, "state": state, "version": ""}
        t.probe.send("daemon/connection", message)
    other = t.another(OTHER_WHO)
    try:
        holder = other.leased()["holder"]
        other.ask("release")
    finally:
        other.close()
    t.probe.ask("release")
    return "" if holder == other.epoch else holder


def reset_refused(t: Trial) -> None:
    """A reset that cannot be done is answered by aborted, with a reason."""
    said = t.reset(task="no such task")["state"]
    need(said["state"] == "aborted", f"an unknown task was answered by {said['state']}")
    need(bool(said["reason"]), "aborted without a reason")


def reset_once(t: Trial) -> None:
    """A reset that is delivered twice is done once."""
    done = t.reset()
    mark = t.probe.mark()
    t.probe.send("episode/reset", done["asked"])
    t.probe.pause(0.5)
    again = [h for h in t.probe.heard("episode/state", mark) if h.body["state"] == "ready"]
    need(not again, "the same reset was done again")


def same_start(t: Trial) -> None:
    """The same seed gives the same start."""
    first, second = (t.positions(t.ready(seed=7)) for _ in range(2))
    apart = float(abs(first - second).max())
    bound = 0.0 if t.lockstep else 1e-3
    need(apart <= bound, f"{apart:.2g} rad apart")


def last_will(t: Trial) -> None:
    """A bridge that is killed leaves offline, in its epoch, with the seq before its online."""
    if t.life is None:
        raise SkippedError("give --start COMMAND, so that the kit may kill the bridge")
    said = [h.body for h in t.probe.heard("bridge/connection") if h.body["state"] == "online"]
    if not said:
        raise SkippedError("no online was heard, whose seq a will is held against")
    online = said[-1]
    mark = t.probe.mark()
    t.life.kill()
    try:
        will = t.probe.wait("bridge/connection", "a last will", since=mark, patience_s=15.0).body
    finally:
        mark = t.probe.mark()
        t.life.start()
        sheet = t.probe.wait("factsheet", "a factsheet after the start", since=mark, patience_s=START_S)
    need((will["state"], will["epoch"]) == ("offline", online["epoch"]), f"it says {will['state']} of {will['epoch']}")
    need(will["seq"] == online["seq"] - 1, f"its seq is {will['seq']}, that of online {online['seq']}")
    need(sheet.body["epoch"] != online["epoch"], "another start has the same epoch")


def retained(t: Trial) -> None:
    """A command that the broker kept is not obeyed at start."""
    if t.life is None:
        raise SkippedError("give --start COMMAND, so that the kit may start the bridge anew with one planted")
    state = t.ready()
    t.life.kill()
    t.probe.send("joint_command", t.probe.command(state, t.gently(state)), retain=True)
    mark = t.probe.mark()
    t.life.start()
    try:
        t.probe.wait("factsheet", "a factsheet after the start", since=mark, patience_s=START_S)
        sheet = t.probe.wait("bridge/connection", "online after the start", lambda b: b["state"] == "online", mark).body
        t.factsheet = t.probe.factsheet = t.probe.heard("factsheet", mark)[-1].body
        t.probe.drop()
        after = t.ready()
    finally:
        t.probe.send("joint_command", b"", retain=True)
    if (got := after["dropped"]) != {"retained": 1}:
        raise FailedError(
            f"dropped counted {got or 'nothing'} since the start of {sheet['epoch']}, not {{'retained': 1}}"
        )
