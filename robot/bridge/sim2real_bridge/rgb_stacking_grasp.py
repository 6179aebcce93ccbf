"""Where the hand can take hold of an object, and where the object can stand on another.

What belongs here: geometry of what lies there now. What does not: the order of things (rgb_stacking_expert.py).
"""

import dataclasses
import itertools
import math

import numpy as np

from .rgb_stacking_plane import hull, margin, rectangle, separation
from .rgb_stacking_scene import BASKET_POSITION, FLOOR
from .rgb_stacking_shapes import Face, Shape

MAX_WIDTH = 0.077  # m, of what is taken between fingers that open to 85.8 mm
MAX_LEAN = math.sin(math.radians(35.0))  # of a face's normal out of the horizontal: the fingers set it upright
PARALLEL = -0.999
GOOD_HOLD = 0.012  # m: a finger's pad is 14 mm wide
FINGER_MIDDLE = 0.0525  # m from the tool's point, open
FINGER_HALF = (0.012, 0.0125)  # m: thickness along the opening, breadth across it, with a little room
TOOL_ABOVE_FLOOR = 0.021  # m: closing fingers reach up to 14 mm below the tool's point
PALM = 0.05  # m above the tool's point, where the hand becomes broad
FLAT_HALF = 0.13  # m: half of the basket's floor, beyond which its walls rise
WALL_SLOPE = math.tan(0.44506)


@dataclasses.dataclass(frozen=True)
class Grasp:
    """Where to close: the tool's point, m, shape (3,), the hand's yaw, rad, what is between the fingers, m.

    worth is higher the better, 0 for a faultless one; room is the least gap to what stands beside, m.
    """

    point: np.ndarray
    yaw: float
    width: float
    worth: float
    room: float


def grasps(shape: Shape, others: list[Shape]) -> list[Grasp]:
    """All grasps of a shape between parallel faces that stand about upright, among other shapes."""
    out = []
    for a, b in itertools.combinations(shape.faces, 2):
        if a.normal @ b.normal < PARALLEL and abs(a.normal[2]) < MAX_LEAN:
            width = abs(float((a.middle - b.middle) @ a.normal))
            if width < MAX_WIDTH:
                out.append(_grasp(shape, others, a, b, width))
    return out


def _grasp(shape: Shape, others: list[Shape], a: Face, b: Face, width: float) -> Grasp:
    axis = a.normal[:2] / np.linalg.norm(a.normal[:2])
    point = (
        shape.centre - 0.5 * ((shape.centre - a.middle) @ a.normal + (shape.centre - b.middle) @ a.normal) * a.normal
    )
    point[2] = np.clip(point[2], lowest(point, axis), None)
    point[2] = max(point[2], shape.corners[:, 2].max() - PALM)
    hold = min(_inside(a, point), _inside(b, point))
    room = min((_room(point, axis, o) for o in others), default=1.0)
    worth = min(0.0, hold - GOOD_HOLD) / GOOD_HOLD - abs(a.normal[2]) + min(0.0, room - 0.002) / 0.01
    return Grasp(point, math.atan2(axis[0], -axis[1]), width, worth, room)


def lowest(point: np.ndarray, axis: np.ndarray) -> float:
    """The least height of the tool's point, m, at which open fingers along axis are clear of floor and walls."""
    ends = [point[:2] + s * (FINGER_MIDDLE + FINGER_HALF[0]) * axis for s in (-1, 1)]
    return max(floor_at(end) for end in [point[:2], *ends]) + TOOL_ABOVE_FLOOR - (0.013 if _wall(ends) else 0.0)


def _wall(points) -> bool:
    return any(floor_at(p) > FLOOR for p in points)


def floor_at(point: np.ndarray) -> float:
    """Height of the basket under a point, m."""
    beyond = np.max(np.abs(point - np.array(BASKET_POSITION[:2]))) - FLAT_HALF
    return FLOOR + max(0.0, float(beyond)) * WALL_SLOPE


def _inside(face: Face, point: np.ndarray) -> float:
    """How far inside a face the point straight before it is, m."""
    u = face.corners[1] - face.corners[0]
    u = u / np.linalg.norm(u)
    basis = np.stack([u, np.cross(face.normal, u)], axis=1)
    return margin(face.corners @ basis, point @ basis)


def _room(point: np.ndarray, axis: np.ndarray, other: Shape) -> float:
    """Gap between the open fingers and another object, m, negative where one would come down on it."""
    high = other.corners[:, 2] > point[2] - 0.004
    if not np.any(high):
        return 1.0
    seen = hull(other.corners[:, :2])
    fingers = [rectangle(point[:2] + s * FINGER_MIDDLE * axis, axis, *FINGER_HALF) for s in (-1, 1)]
    return min(separation(finger, seen) for finger in fingers)


def top_of(shape: Shape) -> Face:
    """The face that looks most upward."""
    return max(shape.faces, key=lambda face: face.normal[2])


def tilt(face: Face) -> float:
    """Angle between a face and the horizontal, rad."""
    return math.acos(min(1.0, float(face.normal[2])))


def stand(shape: Shape) -> np.ndarray:
    """Where on a shape's top another of its weight stands best, m, shape (3,).

    Between the middle of its top and its centre of mass, as far inside the top, and with both as far inside what the
    shape stands on, as can be.
    """
    top = top_of(shape)
    surface, base = hull(top.corners[:, :2]), hull(_lowest_corners(shape)[:, :2])
    line = [top.middle[:2] + s * (shape.centre[:2] - top.middle[:2]) for s in np.linspace(0.0, 1.0, 11)]
    best = max(line, key=lambda p: min(margin(surface, p), 2.0 * margin(base, 0.5 * (p + shape.centre[:2]))))
    drop = (best - top.middle[:2]) @ top.normal[:2] / max(top.normal[2], 0.1)
    return np.array([*best, top.middle[2] - drop])


def _lowest_corners(shape: Shape) -> np.ndarray:
    """Corners of the face that looks most downward."""
    return min(shape.faces, key=lambda face: face.normal[2]).corners
