"""The scripted expert of RGB stacking: red is taken from above, carried, and put on blue.

What belongs here: what to do next, from what is seen now and nothing else: no clock and no phase counter, so that a
policy that sees one picture can learn it, and a disturbed arm recovers. What does not: geometry (rgb_stacking_grasp.py)
and the arm's kinematics (rgb_stacking_hand.py).
"""

import dataclasses
import math

import numpy as np

from . import rgb_stacking_grasp as grasp
from .domain import Advice
from .rgb_stacking_hand import Hand, turn_to
from .rgb_stacking_scene import COLOURS, FLOOR, GRIPPER, Handles
from .rgb_stacking_shapes import Shape, of_body

SPEED = 0.07  # m/s along each axis, the benchmark's
YAW_SPEED = 1.0  # rad/s, the benchmark's
GAIN = 3.0  # 1/s, of position errors
YAW_GAIN = 3.0  # 1/s
LOWERING_SPEED = 0.03  # m/s, of what is put down
CEILING = 0.2698  # m
OVER = 0.015  # m between what passes and what it passes over
ALIGNED, APART = 0.004, 0.015  # m of sideways error: where the hand goes all the way down, where it stays up
YAW_ALIGNED, YAW_APART = 0.06, 0.25  # rad
WRIST = 1.9  # rad: a turn that would take the last joint beyond is made the other way round
TURN_COST = 0.25  # 1/rad, in the worth of a grasp


@dataclasses.dataclass(frozen=True)
class View:
    """What is there now."""

    tool: np.ndarray  # the point between the fingertips, m
    yaw: float  # rad
    wrist: float  # the last joint, rad
    gap: float  # between the fingers, m
    shapes: dict[str, Shape]
    touching: frozenset[str]  # of "left", "right" (the fingers), "blue", "ground": what red touches


class StackExpert:
    """Implements the expert of a triplet."""

    def __init__(self, model, handles: Handles, hand: Hand):
        self.model, self.handles, self.hand = model, handles, hand
        self._shapes = {c: of_body(model, handles.bodies[c], handles.geoms[c]) for c in COLOURS}
        self._pads = {side: self._geoms(f"{GRIPPER}{side}_pad") for side in ("left", "right")}
        self._boxes = [model.geom(f"{GRIPPER}{side}_collision_box1").id for side in ("left", "right")]
        self._thickness = 2.0 * model.geom_size[self._boxes[0]][1]

    def advise(self, data, done: bool) -> Advice:
        """data has positions and contacts evaluated; done is the success rule on it."""
        view = self.look(data)
        linear, yaw_rate, gripper = decide(view)
        return Advice(self.hand.velocity(data, linear, yaw_rate), gripper, done)

    def look(self, data) -> View:
        """What is there now."""
        bodies = self.handles.bodies
        shapes = {c: self._shapes[c].turned(data.xpos[b], data.xmat[b].reshape(3, 3)) for c, b in bodies.items()}
        left, right = data.geom_xpos[self._boxes]
        return View(
            tool=self.hand.position(data).copy(),
            yaw=self.hand.yaw(data),
            wrist=float(data.qpos[6]),
            gap=float(np.linalg.norm(left - right) - self._thickness),
            shapes=shapes,
            touching=self._touching(data),
        )

    def _geoms(self, body: str) -> frozenset[int]:
        b = self.model.body(body).id
        return frozenset(range(self.model.body_geomadr[b], self.model.body_geomadr[b] + self.model.body_geomnum[b]))

    def _touching(self, data) -> frozenset[str]:
        from .rgb_stacking_scene import touched_by

        met = touched_by(data, self.handles.geoms["red"])
        known = self._pads | {"blue": {self.handles.geoms["blue"]}, "ground": self.handles.ground}
        return frozenset(name for name, geoms in known.items() if met & geoms)


def decide(view: View) -> tuple[np.ndarray, float, float]:
    """The hand's velocity, m/s, its yaw rate, rad/s, and the gripper, 0 open to 1 closed."""
    held = {"left", "right"} <= view.touching
    red, blue = view.shapes["red"], view.shapes["blue"]
    place = grasp.stand(blue)
    aside = np.linalg.norm(red.centre[:2] - place[:2])
    on_blue = "blue" in view.touching and "ground" not in view.touching
    if on_blue and aside < 0.012 and {"left", "right"} & view.touching:
        return np.zeros(3), 0.0, 0.0  # let go
    if held:
        return carry(view, place)
    return fetch(view)


def carry(view: View, place: np.ndarray) -> tuple[np.ndarray, float, float]:
    """Takes red, held, over a place, and down to it."""
    red = view.shapes["red"]
    bottom = red.corners[:, 2].min()
    highest = max(view.shapes[c].corners[:, 2].max() for c in ("green", "blue"))
    offset = place[:2] - red.centre[:2]
    near = falling(float(np.linalg.norm(offset)), ALIGNED, APART)
    over = blend(highest + OVER, place[2] - 0.01, near)
    up = np.clip(GAIN * (over - bottom), -LOWERING_SPEED if near > 0.5 else -SPEED, SPEED)
    clear = falling(highest + OVER - bottom, 0.004, 0.012)
    sideways = limited(GAIN * offset, SPEED) * max(clear, near)
    return np.array([*sideways, up]), 0.0, 1.0


def fetch(view: View) -> tuple[np.ndarray, float, float]:
    """Takes the open hand over red, down, and closes it."""
    best = choose(view)
    turn = turn_within(view, best.yaw)
    offset = best.point[:2] - view.tool[:2]
    aside = float(np.linalg.norm(offset))
    aligned = falling(aside, ALIGNED, APART) * falling(abs(turn), YAW_ALIGNED, YAW_APART)
    open_enough = view.gap > min(best.width + 0.006, 0.083)
    highest = max(s.corners[:, 2].max() for s in view.shapes.values())
    hover = min(highest + OVER, CEILING)
    height = view.tool[2] - best.point[2]
    if abs(height) < 0.006 and aligned > 0.3 and view.gap > best.width - 0.008:
        return np.zeros(3), 0.0, 1.0
    goal = blend(hover, best.point[2], aligned if open_enough else 0.0)
    clear = falling(hover - view.tool[2], 0.004, 0.02)
    sideways = limited(GAIN * offset, SPEED) * max(clear, falling(aside, ALIGNED, APART))
    up = np.clip(GAIN * (goal - view.tool[2]), -SPEED, SPEED)
    return np.array([*sideways, up]), float(np.clip(YAW_GAIN * turn, -YAW_SPEED, YAW_SPEED)), 0.0


def choose(view: View) -> grasp.Grasp:
    """The best grasp of red, near the hand's present yaw rather than far."""
    found = grasp.grasps(view.shapes["red"], [view.shapes["green"], view.shapes["blue"]])
    if not found:
        return fallback(view)
    return max(found, key=lambda g: g.worth - TURN_COST * abs(turn_within(view, g.yaw)))


def fallback(view: View) -> grasp.Grasp:
    """Where red has no upright faces: across its middle as the hand is turned."""
    point = view.shapes["red"].centre.copy()
    point[2] = max(point[2], FLOOR + grasp.TOOL_ABOVE_FLOOR)
    return grasp.Grasp(point, view.yaw, 0.05, -9.0, 0.0)


def turn_within(view: View, yaw: float) -> float:
    """The turn, rad, to a yaw or its opposite that keeps the wrist in its range; the wrist turns against the yaw."""
    turn = turn_to(view.yaw, yaw)
    if abs(view.wrist - turn) > WRIST:
        turn -= math.copysign(math.pi, turn)
    return turn


def limited(velocity: np.ndarray, bound: float) -> np.ndarray:
    """The velocity, slowed until no component exceeds a bound."""
    return velocity / max(1.0, float(np.max(np.abs(velocity))) / bound)


def falling(x: float, low: float, high: float) -> float:
    """1 below low, 0 above high, smooth between."""
    t = float(np.clip((x - low) / (high - low), 0.0, 1.0))
    return 1.0 - t * t * (3.0 - 2.0 * t)


def blend(a: float, b: float, weight: float) -> float:
    """a at weight 0, b at weight 1."""
    return a + (b - a) * weight
