"""Shifts of the arm's side: commands late, pictures lost, joints misread, other friction.

What belongs here: what is drawn, and how it acts on an episode, in the thread that owns the arm. What does not: what
can be seen (shift_scene.py, shift_picture.py).
"""

import collections
import dataclasses
from typing import ClassVar

import numpy as np

from .contract import Command
from .draws import either


@dataclasses.dataclass(frozen=True)
class ActionDelay:
    """Commands reach the arm late by so many s, in whole ticks and at least one."""

    kind: ClassVar[str] = "action_delay"
    delay_s: float


@dataclasses.dataclass(frozen=True)
class DroppedFrames:
    """This share of the control steps shows the pictures of the step before once more, as if they were new."""

    kind: ClassVar[str] = "dropped_frames"
    share: float


@dataclasses.dataclass(frozen=True)
class JointOffset:
    """Every joint is reported off by up to so many rad, either way, the same all through an episode."""

    kind: ClassVar[str] = "joint_offset"
    offset_rad: float


@dataclasses.dataclass(frozen=True)
class Friction:
    """Friction of all contacts and joints times one factor between the bounds, or its inverse."""

    kind: ClassVar[str] = "friction"
    factor: tuple[float, float]

    def edit(self, model, rng: np.random.Generator) -> None:
        """Changes a model's friction."""
        factor = either(rng, self.factor)
        for table in friction(model):
            table *= factor


def friction(model) -> tuple[np.ndarray, ...]:
    """The model's own arrays of friction: contacts, contacts of named pairs, joints."""
    return model.geom_friction, model.pair_friction, model.dof_frictionloss


class DelayLine:
    """Commands on their way. Ticks are counted by the caller."""

    def __init__(self, ticks: int):
        """ticks is how long a command travels."""
        self._ticks = ticks
        self._under_way: collections.deque[tuple[int, Command]] = collections.deque()

    def pass_on(self, command: Command | None, tick: int) -> Command | None:
        """What arrives at a tick, given what is sent at it. Nothing sent stops the arm at once, as without a delay."""
        if command is None:
            self._under_way.clear()
            return None
        self._under_way.append((tick, command))
        while len(self._under_way) > 1 and self._under_way[1][0] <= tick - self._ticks:
            self._under_way.popleft()
        sent, oldest = self._under_way[0]
        return oldest if sent <= tick - self._ticks else None
