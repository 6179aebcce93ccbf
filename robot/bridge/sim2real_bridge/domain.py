"""What a bridge asks of an arm, real or simulated.

What belongs here: the interface and its plain values. What does not: any domain (kitchen.py is one), the
messages (contract.py), the clocks (lockstep.py, realtime.py). To write another bridge, implement Domain.
"""

import dataclasses
from typing import Any, Protocol

import numpy as np

from . import BridgeError
from .limits import Limits


class RefusedError(BridgeError):
    """A reset that cannot be done; the text names the thing, the value and the remedy."""


@dataclasses.dataclass(frozen=True)
class Measurement:
    """One measurement of the arm: rad, rad/s, N·m, each of shape (N,); gripper 0 open to 1 closed."""

    position: np.ndarray
    velocity: np.ndarray
    effort: np.ndarray
    gripper: float


@dataclasses.dataclass(frozen=True)
class Advice:
    """What a scripted expert would do now: rad/s of shape (N,), gripper 0 to 1, done once nothing is left."""

    velocity: np.ndarray
    gripper: float
    done: bool


class Domain(Protocol):
    """An arm with its task. Not safe for use by several threads, but for what `snapshot` returned."""

    name: str
    limits: Limits
    task: str
    tick_s: float  # one call of tick
    control_ticks: int  # ticks in one control step
    horizon_steps: int
    model: Any  # MuJoCo's, to be looked at; a shift may change its friction between reset and reset
    coloured_bodies: frozenset[int]  # of the model, which the task tells apart by colour: no shift repaints them

    def factsheet(self) -> dict:
        """The factsheet's fields that this domain knows."""
        ...

    def software(self) -> dict:
        """Versions of what this domain runs on, by name."""
        ...

    def reset(self, task: str, seed: int, jitter: str) -> None:
        """Brings everything to the start that (task, seed, jitter) names. Raises RefusedError."""
        ...

    def tick(self, velocity: np.ndarray, gripper: float) -> None:
        """Moves for tick_s at a velocity, rad/s, that shaping has made lawful."""
        ...

    def commanded_position(self) -> np.ndarray:
        """Where the arm has been told to be, rad."""
        ...

    def measure(self) -> Measurement: ...

    def succeeded(self) -> bool:
        """The success rule of the factsheet, on the present state."""
        ...

    def expert(self) -> Advice:
        """What the scripted expert would do in the present state, and in nothing but it."""
        ...

    def snapshot(self) -> Any:
        """What a camera needs to show the present state, independent of what happens next."""
        ...
