"""Plane geometry of convex polygons: what lies over what, seen from above.

What belongs here: pure functions of points, shape (n, 2), m. What does not: which points (rgb_stacking_grasp.py).
"""

import numpy as np


def hull(points: np.ndarray) -> np.ndarray:
    """Corners of the convex hull, anticlockwise. Points that all coincide or lie on one line keep what they span."""
    ordered = sorted({(float(x), float(y)) for x, y in points})
    if len(ordered) < 3:
        return np.array(ordered)
    return np.array(_chain(ordered)[:-1] + _chain(ordered[::-1])[:-1])


def _chain(ordered: list) -> list:
    """One side of the hull, of points ordered along x."""
    out: list = []
    for p in ordered:
        while len(out) > 1 and _cross(out[-2], out[-1], p) <= 0.0:
            out.pop()
        out.append(p)
    return out


def _cross(a, b, c) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def margin(polygon: np.ndarray, point: np.ndarray) -> float:
    """How far inside a counter-clockwise convex polygon a point is, m; negative outside its nearest edge's line."""
    edges = np.roll(polygon, -1, axis=0) - polygon
    inward = np.stack([-edges[:, 1], edges[:, 0]], axis=1)
    lengths = np.maximum(np.linalg.norm(inward, axis=1), 1e-12)
    return float(np.min(np.sum(inward * (point - polygon), axis=1) / lengths))


def separation(a: np.ndarray, b: np.ndarray) -> float:
    """Gap between two counter-clockwise convex polygons along the best edge normal, m; negative where they overlap."""
    return max(_beyond(a, b), _beyond(b, a))


def _beyond(a: np.ndarray, b: np.ndarray) -> float:
    """The greatest gap that one of a's edges leaves to b."""
    edges = np.roll(a, -1, axis=0) - a
    outward = np.stack([edges[:, 1], -edges[:, 0]], axis=1)
    outward /= np.maximum(np.linalg.norm(outward, axis=1, keepdims=True), 1e-12)
    return float(np.max(np.min(outward @ b.T, axis=1) - np.sum(outward * a, axis=1)))


def rectangle(middle: np.ndarray, along: np.ndarray, half_along: float, half_across: float) -> np.ndarray:
    """A rectangle whose sides of half length half_along run along a unit vector; counter-clockwise."""
    across = np.array([-along[1], along[0]])
    signs = ((-1, -1), (1, -1), (1, 1), (-1, 1))
    return np.array([middle + s * half_along * along + t * half_across * across for s, t in signs])
