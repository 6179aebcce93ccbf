"""The objects' shapes: convex polyhedra of a few faces, as an expert that knows everything sees them.

What belongs here: geometry of one object, in its body's coordinate frame or turned into the world. What does not: what
is done with it (rgb_stacking_expert.py).
"""

import dataclasses

import numpy as np

SAME_PLANE = 1e-3  # of normals, and m of offsets: triangles that make one face


@dataclasses.dataclass(frozen=True)
class Face:
    """A flat face: outward unit normal, corners in order, shape (n, 3), m."""

    normal: np.ndarray
    corners: np.ndarray

    @property
    def middle(self) -> np.ndarray:
        """Centre of area, m, shape (3,)."""
        fan = [(self.corners[0], b, c) for b, c in zip(self.corners[1:-1], self.corners[2:], strict=True)]
        areas = np.array([np.linalg.norm(np.cross(b - a, c - a)) for a, b, c in fan])
        return areas @ np.array([np.mean(t, axis=0) for t in fan]) / areas.sum()


@dataclasses.dataclass(frozen=True)
class Shape:
    """A convex polyhedron: corners, shape (n, 3), its faces, and its centre of mass, m."""

    corners: np.ndarray
    faces: tuple[Face, ...]
    centre: np.ndarray

    def turned(self, position: np.ndarray, rotation: np.ndarray) -> "Shape":
        """The shape where a body with this position, m, and rotation matrix has it."""
        faces = tuple(Face(rotation @ f.normal, f.corners @ rotation.T + position) for f in self.faces)
        return Shape(self.corners @ rotation.T + position, faces, rotation @ self.centre + position)


def of_body(model, body: int, geom: int) -> Shape:
    """The shape of a body whose one solid is a convex mesh."""
    mesh = model.geom_dataid[geom]
    first, count = model.mesh_vertadr[mesh], model.mesh_vertnum[mesh]
    rotation = _matrix(model.geom_quat[geom])
    corners = model.mesh_vert[first : first + count].astype(float) @ rotation.T + model.geom_pos[geom]
    first, count = model.mesh_faceadr[mesh], model.mesh_facenum[mesh]
    return Shape(
        np.unique(corners.round(7), axis=0),
        _faces(corners[model.mesh_face[first : first + count]]),
        model.body_ipos[body],
    )


def _faces(triangles: np.ndarray) -> tuple[Face, ...]:
    """Triangles, shape (n, 3, 3), joined where they lie in one plane."""
    planes: list[tuple[np.ndarray, list]] = []
    for triangle in triangles:
        normal = np.cross(triangle[1] - triangle[0], triangle[2] - triangle[0])
        length = np.linalg.norm(normal)
        if length < 1e-12:
            continue
        normal /= length
        for known, points in planes:
            if np.allclose(known, normal, atol=SAME_PLANE) and abs(known @ (triangle[0] - points[0])) < SAME_PLANE:
                points.extend(triangle)
                break
        else:
            planes.append((normal, list(triangle)))
    return tuple(Face(normal, _in_order(np.array(points), normal)) for normal, points in planes)


def _in_order(points: np.ndarray, normal: np.ndarray) -> np.ndarray:
    """The corners of a convex polygon, each once, counter-clockwise seen from outside."""
    points = np.unique(points.round(7), axis=0)
    out = points - points.mean(axis=0)
    across = np.cross(normal, out[0])
    return points[np.argsort(np.arctan2(out @ across, out @ out[0]))]


def _matrix(quaternion: np.ndarray) -> np.ndarray:
    w, x, y, z = quaternion
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )
