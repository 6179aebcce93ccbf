"""Limit tables of the arms, each a JSON file with its source.

What belongs here: numbers that a maker published, and the type that holds them. What does not: the
shaping that keeps an arm within them (shaping.py) and ranges that only a simulator's model has (its domain).
"""

import dataclasses
import json
from importlib import resources

import numpy as np


@dataclasses.dataclass(frozen=True)
class Limits:
    """Per-joint bounds, base to tip, each of shape (N,): rad, rad/s, rad/s²."""

    joint_names: tuple[str, ...]
    position_min: np.ndarray
    position_max: np.ndarray
    velocity_max: np.ndarray
    acceleration_max: np.ndarray

    def within(self, lower: np.ndarray, upper: np.ndarray) -> "Limits":
        """The same limits with positions also bounded by lower and upper, rad, shape (N,)."""
        return dataclasses.replace(
            self,
            position_min=np.maximum(self.position_min, lower),
            position_max=np.minimum(self.position_max, upper),
        )

    def message(self) -> dict:
        """The `limits` field of a factsheet."""
        fields = ("position_min", "position_max", "velocity_max", "acceleration_max")
        return {field: [round(float(x), 6) for x in getattr(self, field)] for field in fields}


def load(robot: str) -> Limits:
    """Reads the table of a robot, e.g. "panda". Raises FileNotFoundError if there is none."""
    table = json.loads(resources.files(__package__).joinpath(f"{robot}.json").read_text())
    arrays = {f: np.array(table[f], dtype=float) for f in table if f.endswith(("_min", "_max"))}
    return Limits(joint_names=tuple(table["joint_names"]), **arrays)
