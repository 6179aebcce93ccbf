"""Random numbers of the kinds that shifts draw.

What belongs here: pure functions of a generator. What does not: which stream it is (shifts.py).
"""

import mujoco
import numpy as np


def direction(rng: np.random.Generator) -> np.ndarray:
    """A unit vector, every direction as likely as any, shape (3,)."""
    vector = rng.normal(size=3)
    return vector / np.linalg.norm(vector)


def rotation(axis: np.ndarray, angle: float) -> np.ndarray:
    """The matrix, shape (3, 3), that turns by an angle, rad, about a unit axis."""
    quaternion, matrix = np.zeros(4), np.zeros(9)
    mujoco.mju_axisAngle2Quat(quaternion, axis, angle)
    mujoco.mju_quat2Mat(matrix, quaternion)
    return matrix.reshape(3, 3)


def either(rng: np.random.Generator, bounds: tuple[float, float], size: int | None = None):
    """A factor between two bounds, both at least 1, or as likely its inverse."""
    factor = rng.uniform(*bounds, size)
    return np.where(rng.random(size) < 0.5, factor, 1.0 / factor)
