"""One bridge on trial: episodes, observations and answers, alike on both clocks.

What belongs here: what several checks do the same way. What does not: any rule of its own (check_*.py).
"""

import itertools
from typing import Protocol

import numpy as np

from .probe import FailedError, Probe, SkippedError

START_S = 60.0  # that a bridge may take to start
SHARE = 0.2  # of a joint's greatest speed, at which checks move
STILL_RAD = 0.01  # what an arm that holds may give


class Life(Protocol):
    """A bridge's process, in the kit's hands."""

    def kill(self) -> None:
        """Ends it at once, with no goodbye."""
        ...

    def start(self) -> None:
        """Starts it again."""
        ...


class Trial:
    """A bridge and a probe of it. connect makes further probes; life is the bridge's, if it is the kit's to take."""

    def __init__(self, connect, robot: str, life: Life | None = None):
        self.robot, self.life = robot, life
        self._connect = connect
        self.probe = self.another("conformance kit")
        self.greeting = self.probe.wait(
            "factsheet", "a factsheet; is the bridge running, and is this its robot's name?", patience_s=START_S
        )
        self.factsheet = self.probe.factsheet = self.greeting.body
        self._episodes = itertools.count(1)

    def another(self, who: str) -> Probe:
        """Another daemon."""
        out = Probe(self._connect, self.robot, who)
        out.factsheet = getattr(self, "factsheet", {})
        return out

    @property
    def lockstep(self) -> bool:
        """Whether the bridge waits for answers."""
        return self.factsheet["clock"] == "lockstep"

    def only(self, clock: str) -> None:
        """Skips what the bridge's clock has no part in."""
        if self.factsheet["clock"] != clock:
            raise SkippedError(f"the bridge's clock is {self.factsheet['clock']}")

    # --- episodes

    def reset(self, seed: int = 1, **changes) -> dict:
        """Asks for an episode; the episode/state that answers, with the message that asked."""
        name, probe = f"conformance-{self.probe.epoch[:6]}-{next(self._episodes)}", self.probe
        fields = {"episode": name, "task": "", "seed": seed, "jitter": "none", "shift": ""}
        message = probe.envelope("episode/reset") | fields | changes
        mark = probe.mark()
        probe.send("episode/reset", message)
        said = probe.wait(
            "episode/state",
            "an answer to episode/reset",
            lambda b: b.get("episode") == name and b.get("state") in ("ready", "aborted"),
            mark,
            60.0,
        )
        return {"state": said.body, "asked": message, "mark": said.number}

    def ready(self, seed: int = 1) -> dict:
        """An episode that is ready, with the lease; its first joint_states."""
        self.probe.hold()
        done = self.reset(seed)
        if done["state"]["state"] != "ready":
            raise FailedError(
                f"a lawful episode/reset was answered by {done['state']['state']}: {done['state']['reason']}"
            )
        episode = done["asked"]["episode"]
        return self._first(done["mark"], episode, "ready")

    def running(self, seed: int = 1) -> dict:
        """An episode that runs; its first joint_states."""
        return self.start(self.ready(seed))

    def start(self, ready: dict) -> dict:
        """Starts the episode of a joint_states in ready."""
        episode, mark = ready["episode"]["id"], self.probe.mark()
        self.probe.send("episode/start", self.probe.envelope("episode/start") | {"episode": episode})
        self.probe.wait(
            "episode/state",
            "an answer to episode/start",
            lambda b: b.get("episode") == episode and b.get("state") == "running",
            mark,
        )
        return self._first(mark, episode, "running")

    def _first(self, mark: int, episode: str, state: str) -> dict:
        def wanted(b):
            return b.get("episode", {}).get("id") == episode and b["episode"].get("state") == state

        return self.probe.wait("joint_states", f"joint_states of an episode that is {state}", wanted, mark).body

    # --- steps

    def newest(self) -> dict:
        """The newest joint_states; in real time, one that has just come."""
        if not self.lockstep:
            return self.probe.wait("joint_states", "joint_states", since=self.probe.mark()).body
        return self.probe.heard("joint_states")[-1].body

    def step(self, observed: dict, velocity=None, **changes) -> dict:
        """Answers, and waits for the joint_states that says that the answer was accepted."""
        message = self.probe.command(observed, velocity, **changes)
        mark = self.probe.mark()
        self.probe.send("joint_command", message)
        me = {"epoch": message["epoch"], "seq": message["seq"]}
        what = "a joint_states that says that a lawful command was accepted"
        return self.probe.wait("joint_states", what, lambda b: b.get("accepted") == me, mark).body

    def drive(self, velocity: list, for_s: float, state: dict) -> dict:
        """Moves for so long, of the bridge's own time; the last joint_states."""
        began = state["stamp"]
        while span(began, state["stamp"]) < for_s:
            state = self.step(state, velocity)
        return state

    def gently(self, state: dict) -> list:
        """A lawful velocity, in rad/s, towards the middle of each joint's range."""
        limits = self.factsheet["limits"]
        low, high, fastest = (np.array(limits[k]) for k in ("position_min", "position_max", "velocity_max"))
        towards = np.where((low + high) / 2 >= self.positions(state), 1.0, -1.0)
        return (SHARE * fastest * towards).tolist()

    def positions(self, state: dict) -> np.ndarray:
        """Joint positions base to tip, rad."""
        by_name = dict(zip(state["name"], state["position"], strict=True))
        return np.array([by_name[name] for name in self.factsheet["joint_names"]])

    # --- refusals

    def refuses(self, reason: str, message) -> None:
        """Sends what must not count, then a lawful hold, and holds the bridge's count against the reason.

        message is the bytes, the object, or what makes one of the newest joint_states. In real time the arm is watched
        for 0.1 s between the two.
        """
        state = self.newest()
        before, start = state["dropped"], self.positions(state)
        self.probe.send("joint_command", message(state) if callable(message) else message)
        if not self.lockstep:
            self.probe.pause(0.1)
        after = self.step(self.newest())
        moved = float(np.abs(self.positions(after) - start).max())
        if moved > STILL_RAD:
            raise FailedError(f"the arm moved by {moved:.3f} rad")
        counted(before, after["dropped"], {reason: 1})


def counted(before: dict, after: dict, want: dict) -> None:
    """Raises FailedError unless the counts have risen by what is wanted."""
    rise = {reason: after.get(reason, 0) - before.get(reason, 0) for reason in before | after}
    got = {reason: n for reason, n in rise.items() if n}
    if got != want:
        raise FailedError(f"dropped counted {got or 'nothing'}, not {want}")


def span(a: dict, b: dict) -> float:
    """From stamp to stamp, s, to the microsecond: so many steps are as long whenever they begin."""
    return round((b["sec"] - a["sec"]) + 1e-9 * (b["nanosec"] - a["nanosec"]), 6)
