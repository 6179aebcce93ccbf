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
    """Per-joint bounds, base to tip, each of shape (N,): rad, rad/s, rad/s², rad/s³.

    Towards the ends of its range a joint with a taper (taper_decel above 0, the FR3's) may go no faster than
    -taper_offset + sqrt(2 * taper_decel * room), room in rad.
    """

    joint_names: tuple[str, ...]
    position_min: np.ndarray
    position_max: np.ndarray
    velocity_max: np.ndarray
    acceleration_max: np.ndarray
    jerk_max: np.ndarray
    taper_offset: np.ndarray
    taper_decel: np.ndarray

    def within(self, lower: np.ndarray, upper: np.ndarray) -> "Limits":
        """The same limits with positions also bounded by lower and upper, rad, shape (N,)."""
        return dataclasses.replace(
            self,
            position_min=np.maximum(self.position_min, lower),
            position_max=np.minimum(self.position_max, upper),
        )

    def message(self) -> dict:
        """The `limits` field of a factsheet: jerk and taper are the robot's table's, which both sides have."""
        fields = ("position_min", "position_max", "velocity_max", "acceleration_max")
        return {field: [round(float(x), 6) for x in getattr(self, field)] for field in fields}


def load(robot: str) -> Limits:
    """Reads the table of a robot, e.g. "panda". Raises FileNotFoundError if there is none."""
    table = json.loads(resources.files(__package__).joinpath(f"{robot}.json").read_text())
    names = tuple(table.pop("joint_names"))
    fields = [f.name for f in dataclasses.fields(Limits) if f.name != "joint_names"]
    no_taper = dict.fromkeys(("taper_offset", "taper_decel"), [0.0] * len(names))
    arrays = {f: np.array((no_taper | table)[f], dtype=float) for f in fields}
    return Limits(joint_names=names, **arrays)
