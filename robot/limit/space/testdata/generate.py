"""What the capsules of robot/limit/space are held against: the meshes of the simulators' arms, and MuJoCo's distances.

    build/venv-kitchen/bin/python robot/limit/space/testdata/generate.py panda
    build/venv-metaworld/bin/python robot/limit/space/testdata/generate.py sawyer

writes NAME.shape.txt and NAME.distances.txt; with `fit` before the name it prints the smallest capsules around each
link's points instead. The table in arms.go began there; links of two capsules were divided by hand where it saved most.
What it holds is the tests' to say.

A line of a shape is a link's name and a point of its meshes (m) in that link's coordinate frame, which is the one of
robot/kinematics: the vertices of the convex hull, and as many others as are spread over the surface. The frames are
those of the makers' lengths; the simulators' own agree with them to the digits of their numbers.

A line of distances is q (7, rad) and the distances (m) between the convex hulls of the pairs of links that the first
line names, as mj_geomDistance finds them; 0.5 m where they are farther apart.
"""

import importlib.util
import itertools
import pathlib
import sys

import mujoco
import numpy as np
from scipy.optimize import minimize
from scipy.spatial import ConvexHull, QhullError

HERE = pathlib.Path(__file__).parent
_spec = importlib.util.spec_from_file_location("arms", HERE.parents[2] / "kinematics/testdata/generate.py")
arms = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(arms)

SEED, POSES, SPREAD, FAR = 20001, 400, 150, 0.5

# By link: where it hangs (the number of its joint, 0 for the base), and its geometries' bodies and meshes.
PANDA_LINKS = {f"link{i}": (i, {f"panda0_link{i}": (f"link{i}_viz", f"link{i}_col")}) for i in range(8)} | {
    "hand": (
        7,
        {"panda0_link7": ("hand_viz", "hand_col")},
    )  # without fingers: the kitchen's are 4 cm longer than Franka's
}
SAWYER_LINKS = {
    "base": (0, {"right_arm_base_link": ("base",)}),
    "l0": (1, {"right_l0": ("l0",)}),
    "head": (1, {"head": (), "screen": ()}),
} | {f"l{i}": (i + 1, {f"right_l{i}": (f"l{i}",)}) for i in range(1, 7)}
SAWYER_LINKS["hand"] = (
    7,
    {"right_hand": (), "hand": (), "rightclaw": (), "leftclaw": (), "rightpad": (), "leftpad": ()},
)
ARMS = {
    "panda": (arms.kitchen, arms.PANDA, arms.PANDA_RANGE, PANDA_LINKS),
    "sawyer": (arms.metaworld, arms.SAWYER, arms.SAWYER_RANGE, SAWYER_LINKS),
}


class Arm:
    """A simulator's arm beside the makers' lengths."""

    def __init__(self, name: str):
        load, origins, self.bounds, self.links = ARMS[name]
        spec, self.base, _, self.joints, self.shift = load()
        self.model = spec.compile()
        self.data = mujoco.MjData(self.model)
        self.chain = mujoco.MjSpec.from_string(arms.urdf(origins)).compile()
        self.ideal = mujoco.MjData(self.chain)

    def pose(self, q: np.ndarray) -> None:
        """Puts both at joint positions, rad."""
        for name, angle in zip(self.joints, q - self.shift, strict=True):
            self.data.qpos[self.model.joint(name).qposadr] = angle
        mujoco.mj_kinematics(self.model, self.data)
        self.ideal.qpos[:7] = q
        mujoco.mj_kinematics(self.chain, self.ideal)

    def geoms(self, link: str) -> list[int]:
        """The numbers of a link's geometries."""
        found = []
        for body, meshes in self.links[link][1].items():
            for g in np.flatnonzero(self.model.geom_bodyid == self.model.body(body).id):
                if not meshes or (self.model.geom_type[g] == 7 and self.mesh(g) in meshes):
                    found.append(int(g))
        return found

    def mesh(self, geom: int) -> str:
        return self.model.mesh(self.model.geom_dataid[geom]).name

    def points(self, link: str) -> np.ndarray:
        """All vertices of a link in its coordinate frame, at the pose."""
        root, frame = self.data.body(self.base), self.ideal.body(f"link{self.links[link][0]}")
        out = []
        for g in self.geoms(link):
            world = self.vertices(g) @ self.data.geom_xmat[g].reshape(3, 3).T + self.data.geom_xpos[g]
            in_base = (world - root.xpos) @ root.xmat.reshape(3, 3)
            out.append((in_base - frame.xpos) @ frame.xmat.reshape(3, 3))
        return np.concatenate(out)

    def vertices(self, g: int) -> np.ndarray:
        """Those of a geometry in its own coordinate frame."""
        kind, size = self.model.geom_type[g], self.model.geom_size[g]
        if kind == mujoco.mjtGeom.mjGEOM_MESH:
            mesh = self.model.geom_dataid[g]
            first = self.model.mesh_vertadr[mesh]
            return self.model.mesh_vert[first : first + self.model.mesh_vertnum[mesh]].astype(float)
        if kind == mujoco.mjtGeom.mjGEOM_BOX:
            return np.array(list(itertools.product(*[(-x, x) for x in size])))
        ring = [(np.cos(a), np.sin(a)) for a in np.linspace(0, 2 * np.pi, 16, endpoint=False)]
        return np.array([[size[0] * x, size[0] * y, z] for x, y in ring for z in (-size[1], size[1])])

    def apart(self, a: str, b: str) -> float:
        """The least distance of two links' geometries at the pose, m."""
        pairs = itertools.product(self.geoms(a), self.geoms(b))
        return min(mujoco.mj_geomDistance(self.model, self.data, i, j, FAR, None) for i, j in pairs)


def spread(points: np.ndarray) -> np.ndarray:
    """The vertices of the convex hull, rounded, and others as far from each other as may be."""
    points = np.unique(points.round(3), axis=0)
    hull = points[ConvexHull(points).vertices]
    chosen = list(hull)
    away = np.min(np.linalg.norm(points[:, None] - hull[None], axis=2), axis=1)
    for _ in range(SPREAD):
        far = int(np.argmax(away))
        chosen.append(points[far])
        away = np.minimum(away, np.linalg.norm(points - points[far], axis=1))
    return np.array(chosen)


def from_segment(points, a, b) -> np.ndarray:
    along = b - a
    t = np.clip((points - a) @ along / max(along @ along, 1e-12), 0, 1)
    return np.linalg.norm(points - a - t[:, None] * along, axis=1)


def capsule(points: np.ndarray, starts: int = 4):
    """The smallest capsule found around points: ends and radius, rounded up to mm, and volume."""
    points = points[ConvexHull(points).vertices]
    centre = points.mean(0)
    axes = np.linalg.svd(points - centre)[2]

    def volume(x):
        r = from_segment(points, x[:3], x[3:]).max()
        return np.pi * r * r * np.linalg.norm(x[3:] - x[:3]) + 4 / 3 * np.pi * r**3

    draw, best = np.random.default_rng(0), None
    for i in range(starts):
        axis = axes[i % 2]
        reach, part = (points - centre) @ axis, draw.uniform(0.3, 0.9)
        start = np.concatenate([centre + axis * reach.min() * part, centre + axis * reach.max() * part])
        options = {"maxiter": 3000, "xatol": 1e-4, "adaptive": True}
        found = minimize(volume, start, method="Nelder-Mead", options=options)
        if best is None or found.fun < best.fun:
            best = found
    a, b = best.x[:3].round(3), best.x[3:].round(3)
    return a, b, np.ceil(from_segment(points, a, b).max() * 1000) / 1000, best.fun


def fit(name: str) -> None:
    """Prints for each link one capsule, and two where that is a fifth smaller."""
    arm = Arm(name)
    arm.pose(np.zeros(7))
    for link in arm.links:
        points = np.unique(arm.points(link).round(3), axis=0)
        a, b, r, volume = capsule(points)
        print(f"{link}: {points.min(0)} to {points.max(0)}: {a} {b} {r}, {1000 * volume:.2f} l")
        for axis in range(3):
            cut = np.quantile(points[:, axis], 0.5)
            halves = [points[points[:, axis] <= cut], points[points[:, axis] > cut]]
            try:
                both = [capsule(h, 2) for h in halves]
            except QhullError:  # a flat half
                continue
            if sum(c[3] for c in both) < 0.8 * volume:
                print("   ", "xyz"[axis], *[f"{c[0]} {c[1]} {c[2]}, {1000 * c[3]:.2f} l;" for c in both])


def write(name: str) -> None:
    """Writes shape and distances."""
    arm = Arm(name)
    arm.pose(np.zeros(7))
    lines = [f"{link} {' '.join(f'{x:.3f}' for x in p)}" for link in arm.links for p in spread(arm.points(link))]
    (HERE / f"{name}.shape.txt").write_text("\n".join(lines) + "\n")
    pairs = [(a, b) for a, b in itertools.combinations(arm.links, 2) if arm.links[b][0] - arm.links[a][0] > 1]
    lines = ["# " + " ".join(f"{a}-{b}" for a, b in pairs)]
    for q in np.random.default_rng(SEED).uniform(*arm.bounds, size=(POSES, 7)).round(3):
        arm.pose(q)
        lines.append(" ".join([f"{x:g}" for x in q] + [f"{arm.apart(a, b):.4f}" for a, b in pairs]))
    (HERE / f"{name}.distances.txt").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    *how, which = sys.argv[1:] or [""]
    if which not in ARMS or how not in ([], ["fit"]):
        raise SystemExit(f"{sys.argv[1:]}: want [fit] and one of {', '.join(ARMS)}")
    (fit if how else write)(which)
