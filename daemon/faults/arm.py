"""The bridge of this project, its real code, on an arm that costs nothing to simulate and can be made to fail.

What belongs here: an arm that follows exactly, a camera of small changing pictures, the faults that are asked for on
standard input, and a log of what the arm really did. What does not: any of the bridge's own decisions: messages, gate,
shaping, clocks and watchdogs are sim2real_bridge's, untouched.

Standard input takes one JSON object a line, which replaces the faults before it. The log (FAULTS_LOG) has one line a
tick: CLOCK_MONOTONIC in s, mode, epoch and seq of the command applied, then positions and shaped velocities, base to
tip. It is written with one call each, so that a kill leaves whole lines, and is the truth that the suite judges by.
"""

import collections
import json
import os
import sys
import threading
import time
import types
from concurrent.futures import Future

import numpy as np
from sim2real_bridge import __main__, bridge, contract, domains, limits, link, png, render, shaping
from sim2real_bridge.domain import Advice, Measurement, RefusedError

HOME = np.array([0.0, -0.5, 0.0, -2.0, 0.0, 1.8, 0.0])
TICK_S = 0.01
REST = np.zeros(7)


class Faults:
    """What is wrong now. Written by the thread that reads standard input, read by all others."""

    def __init__(self):
        self.now: dict = {}

    def follow(self) -> None:
        """Reads until the suite closes the pipe."""
        for line in sys.stdin:
            self.now = json.loads(line)


FAULTS = Faults()


class Arm:
    """Implements domain.Domain: a Panda that is where it was told to be."""

    name = "faults"
    tick_s = TICK_S
    control_ticks = 8
    horizon_steps = 1_000_000
    model = None
    coloured_bodies = frozenset()

    def __init__(self, task: str):
        self.task, self.limits = task, limits.load("panda")
        self._q, self._v, self._gripper = HOME.copy(), REST.copy(), 0.0
        self.told = REST  # the velocity of the last tick, as shaped, rad/s
        self._seed = self._ticks = 0
        # An arm that follows so many ticks late, of which a latency is measured.
        self._coming = collections.deque([REST] * int(os.environ.get("FAULTS_DELAY_TICKS", "0")))

    def factsheet(self) -> dict:
        pose = {"position_m": [0.0, 0.0, 0.0], "orientation_wxyz": [1.0, 0.0, 0.0, 0.0]}
        return {
            "model": "panda",
            "serial": "simulated",
            "gripper": {"open": 0, "closed": 1, "width_open_m": 0.08},
            "task": self.task,
            "tasks": [self.task],
            "horizon_steps": self.horizon_steps,
            "success_rule": "never: this arm has nothing to do",
            "jitter_presets": {"none": {}},
            "base_pose": pose,
        }

    def software(self) -> dict:
        return {"observation_noise": "off"}

    def reset(self, task: str, seed: int, jitter: str) -> None:
        if task != self.task or jitter not in self.factsheet()["jitter_presets"]:
            raise RefusedError(f"task {task!r}, jitter {jitter!r}: this arm knows {self.task!r} and 'none'")
        draw = np.random.default_rng(seed)
        self._seed, self._ticks = seed, 0
        self._q, self._v, self.told = HOME + draw.uniform(-0.2, 0.2, 7), REST.copy(), REST

    def tick(self, velocity: np.ndarray, gripper: float) -> None:
        self._coming.append(velocity.copy())
        velocity = self._coming.popleft()
        self.told = velocity
        self._ticks += 1
        pushed = np.asarray(FAULTS.now.get("pushed", REST))  # by hand, rad/s
        self._q = self._q + (velocity + pushed) * TICK_S
        self._v, self._gripper = velocity + pushed, gripper

    def commanded_position(self) -> np.ndarray:
        return self._q.copy()

    def measure(self) -> Measurement:
        """Where it was told to be, unless FAULTS_TEAR_STEPS tears it after so many steps of an odd seed."""
        velocity, tears = self._v.copy(), int(os.environ.get("FAULTS_TEAR_STEPS", "0"))
        if tears > 0 and self._seed % 2 == 1 and self._ticks >= tears * self.control_ticks:
            velocity[1] = 9.0
        return Measurement(self._q.copy(), velocity, REST.copy(), self._gripper)

    def succeeded(self) -> bool:
        """Never, unless FAULTS_SUCCESS_STEPS says after how many steps an episode of an odd seed does."""
        wanted = int(os.environ.get("FAULTS_SUCCESS_STEPS", "0"))
        return wanted > 0 and self._seed % 2 == 1 and self._ticks >= wanted * self.control_ticks

    def expert(self) -> Advice:
        return Advice(REST.copy(), 0.0, True)

    def snapshot(self) -> float:
        return float(self._q[0])


class Pictures:
    """Takes the renderer's place: pictures that never repeat, unless that is the fault."""

    backend = "none: pictures of the fault suite"

    def __init__(self, domain, place, cameras, size: int, encode=png.encode):
        pose = {"position_m": [1.0, 0.0, 1.0], "orientation_wxyz": [0.0, 1.0, 0.0, 0.0], "fovy_rad": 0.785398}
        self.views = dict.fromkeys(cameras, pose)
        self._size, self._encode = size, encode
        self._noise = np.random.default_rng(1)

    def submit(self, shot) -> Future:
        done: Future = Future()
        done.set_result(self.render(shot))
        return done

    def render(self, shot) -> dict[str, bytes]:
        fault = FAULTS.now.get("picture", "")
        size = FAULTS.now.get("size", self._size)
        if fault == "frozen":
            pixels = np.random.default_rng(2).integers(40, 200, (size, size, 3), np.uint8)
        elif fault in ("black", "white", "blurred"):
            pixels = np.full((size, size, 3), {"black": 0, "white": 255, "blurred": 128}[fault], np.uint8)
        else:
            pixels = self._noise.integers(40, 200, (size, size, 3), np.uint8)
        return {name: self._encode(pixels) for name in self.views}

    def close(self) -> None:
        pass


class LoggedBridge(bridge.Bridge):
    """The bridge, with the log, and with measurements made wrong on their way out."""

    def __init__(self, *args):
        super().__init__(*args)
        path = os.environ.get("FAULTS_LOG", os.devnull)
        self._log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def move(self, command) -> None:
        super().move(command)
        m = self.domain.measure()
        applied = self._applied
        who = f"{applied.epoch} {applied.seq}" if applied else "- 0"
        numbers = " ".join(f"{x:.9g}" for x in (*m.position, *self.domain.told))
        line = f"{time.monotonic():.6f} {self.mode} {self.episode.state} {who} {numbers}\n"
        os.write(self._log, line.encode())

    def states(self) -> dict:
        out = super().states()
        faults = FAULTS.now
        if "jump" in faults:
            out["position"] = [x + faults["jump"] for x in out["position"]]
        if "nan" in faults:
            out["position"][3] = float("nan")
        if "names" in faults:
            out["name"] = faults["names"]
        out["emergency_stop"] = faults.get("emergency_stop", out["emergency_stop"])
        out["errors"] = faults.get("errors", out["errors"])
        out["moving"] = out["moving"] or shaping.moving(np.asarray(out["velocity"]))
        return out


class LossyLink(link.Link):
    """The session, with topics that can fall silent or say again what they said."""

    _said: dict = {}  # noqa: RUF012

    def publish(self, topic, stamp_ns, fields, seq=None, qos=0, retain=False):
        faults = FAULTS.now
        if topic in faults.get("mute", ()):
            return b""
        if topic == "echo/answer" and "skew_s" in faults:
            fields = fields | {"wall": contract.time_message(time.time_ns() + round(faults["skew_s"] * 1e9))}
        if topic in faults.get("repeat", ()) and topic in self._said:
            stamp_ns, seq = self._said[topic]
        elif seq is not None:
            self._said[topic] = (stamp_ns, seq)
        return super().publish(topic, stamp_ns, fields, seq, qos, retain)


def offered() -> types.ModuleType:
    """What domains.py asks of a domain's module."""
    module = types.ModuleType("sim2real_bridge.faults")
    module.__file__ = __file__
    module.TASKS, module.DEFAULT_TASK = ("move",), "move"
    module.PRESETS, module.DEFAULT_PRESET = ("none",), "none"
    module.EXPERTS, module.CAMERAS, module.DEFAULT_CAMERA = (), {"default": None}, "default"
    module.build, module.place = Arm, None
    return module


if __name__ == "__main__":
    sys.modules["sim2real_bridge.faults"] = offered()
    domains.DOMAINS["faults"] = "requirements.lock"
    render.Renderer, bridge.Bridge, link.Link = Pictures, LoggedBridge, LossyLink
    threading.Thread(target=FAULTS.follow, daemon=True).start()
    sys.exit(__main__.main(["--domain", "faults", *sys.argv[1:]]))
