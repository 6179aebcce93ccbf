"""The plainest arm that a bridge can have: it does at once what it is told. For tests of messages alone."""

import io
from concurrent.futures import Future

import numpy as np
from PIL import Image

from sim2real_bridge import limits
from sim2real_bridge.domain import Advice, Measurement, RefusedError

SIZE = 16
VIEW = {"fovy_rad": 0.8, "position_m": [0.0, 0.0, 1.0], "orientation_wxyz": [1.0, 0.0, 0.0, 0.0]}


class Stick:
    """A Domain whose joints follow their velocity exactly."""

    name, task = "stick", "wave"
    tick_s, control_ticks, horizon_steps = 0.01, 5, 100_000
    model, coloured_bodies = None, frozenset()

    def __init__(self):
        self.limits = limits.load("panda")
        self._gripper = 0.0
        self._rest()

    def _rest(self, offset=0.0):
        self._position = (self.limits.position_min + self.limits.position_max) / 2 + offset
        self._velocity = np.zeros(7)

    def factsheet(self):
        pose = {"position_m": [0.0, 0.0, 0.0], "orientation_wxyz": [1.0, 0.0, 0.0, 0.0]}
        return {
            "model": "panda",
            "serial": "simulated",
            "gripper": {"open": 0, "closed": 1, "width_open_m": 0.08},
            "base_pose": pose,
            "task": self.task,
            "tasks": [self.task],
            "success_rule": "never",
            "jitter_presets": {"none": {}},
        }

    def software(self):
        return {}

    def reset(self, task, seed, jitter):
        if task != self.task:
            raise RefusedError(f"task {task!r}: use {self.task}")
        self._rest(np.random.default_rng(seed).uniform(-0.1, 0.1, 7))

    def tick(self, velocity, gripper):
        self._velocity, self._gripper = np.array(velocity), gripper
        self._position = self._position + self._velocity * self.tick_s

    def commanded_position(self):
        return self._position

    def measure(self):
        return Measurement(self._position.copy(), self._velocity.copy(), np.zeros(7), self._gripper)

    def succeeded(self):
        return False

    def expert(self):
        return Advice(np.zeros(7), 0.0, False)

    def snapshot(self):
        return None


class Blank:
    """A renderer of one picture."""

    backend = "none"

    def __init__(self, names=("default",)):
        buffer = io.BytesIO()
        Image.new("RGB", (SIZE, SIZE)).save(buffer, "png")
        self.views = dict.fromkeys(names, VIEW)
        self._pictures = dict.fromkeys(names, buffer.getvalue())

    def render(self, shot):
        return self._pictures

    def submit(self, shot):
        done = Future()
        done.set_result(self._pictures)
        return done
