"""A rig to practise calibration on, whose truth is known: an arm, a camera that sees, a chessboard.

What belongs here: how the arm and the board move. What does not: what they look like and where the camera is
(calibration_scene.py). The arm goes exactly where it is told: what is practised is geometry, not dynamics. Tasks:

    lens         a board is held before a camera: it moves for a while and rests for a while, here and there
    eye_in_hand  the camera is on the flange, the board lies on the table
    eye_to_hand  the camera stands beside the arm, the board is on the flange
"""

import math
from importlib import metadata

import mujoco
import numpy as np

from . import calibration_scene as scene
from . import limits
from .domain import Advice, Measurement, RefusedError
from .render import FixedCamera

HOME = np.array([0.0, -math.pi / 4, 0.0, -3 * math.pi / 4, 0.0, math.pi / 2, math.pi / 4])
JOINTS = len(HOME)
TICK_S = 0.01
MOVE_S, REST_S = 0.35, 0.85  # of the board, from place to place

# What domains.py asks of a domain's module.
TASKS, DEFAULT_TASK = ("eye_in_hand", "eye_to_hand", "lens"), "eye_in_hand"
PRESETS, DEFAULT_PRESET = ("none",), "none"
EXPERTS = ()
CAMERAS, DEFAULT_CAMERA = {scene.CAMERA: FixedCamera(scene.CAMERA)}, scene.CAMERA


class Rig:
    """Implements domain.Domain. Build one with the task it serves; owns its model and data."""

    name = "calibration"
    tick_s = TICK_S
    control_ticks = 8
    horizon_steps = 1_000_000
    coloured_bodies = frozenset()

    def __init__(self, task: str):
        """task is a name of TASKS; KeyError otherwise."""
        self.task, self.limits = task, limits.load("panda")
        self.model = scene.model(task)
        self.data = mujoco.MjData(self.model)
        self._ticks = 0
        self.reset(task, 0, "none")

    def factsheet(self) -> dict:
        """See domain.Domain."""
        return {
            "model": "panda",
            "serial": "simulated",
            "gripper": {"open": 0, "closed": 1, "width_open_m": 0.08},
            "task": self.task,
            "tasks": list(TASKS),
            "horizon_steps": self.horizon_steps,
            "success_rule": "never: there is nothing to do but to calibrate",
            "jitter_presets": {"none": {}},
            "base_pose": {"position_m": [0.0, 0.0, 0.0], "orientation_wxyz": [1.0, 0.0, 0.0, 0.0]},
        }

    def software(self) -> dict:
        """See domain.Domain."""
        return {name: metadata.version(name) for name in ("mujoco", "numpy")} | {"observation_noise": "off"}

    def reset(self, task: str, seed: int, jitter: str) -> None:
        """See domain.Domain. Every start is the same."""
        if task != self.task:
            raise RefusedError(f"task {task!r} is not served here: start a bridge with --task {task}")
        if jitter not in PRESETS:
            raise RefusedError(f"jitter {jitter!r} is unknown: use one of {', '.join(PRESETS)}")
        self._q, self._v, self._gripper = HOME.copy(), np.zeros(JOINTS), 0.0

    def tick(self, velocity: np.ndarray, gripper: float) -> None:
        """See domain.Domain."""
        self._ticks += 1
        self._q = self._q + velocity * TICK_S
        self._v, self._gripper = velocity.copy(), gripper

    def commanded_position(self) -> np.ndarray:
        """See domain.Domain."""
        return self._q.copy()

    def measure(self) -> Measurement:
        """See domain.Domain."""
        return Measurement(self._q.copy(), self._v.copy(), np.zeros(JOINTS), self._gripper)

    def succeeded(self) -> bool:
        """Never."""
        return False

    def expert(self) -> Advice:
        """Raises RefusedError: there is none."""
        raise RefusedError(f"task {self.task!r} has no scripted expert")

    def snapshot(self) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray]]:
        """Joint positions, shape (7,), and where the board of the task lens is."""
        return self._q.copy(), shown(self._ticks * TICK_S)


def build(task: str) -> Rig:
    """A rig serving a task of TASKS."""
    return Rig(task)


def place(model, data, snapshot) -> None:
    """Puts a scene, a copy of a Rig's model with data of its own, as a snapshot of that Rig says."""
    q, (position, orientation) = snapshot
    if model.nmocap:
        data.mocap_pos[0], data.mocap_quat[0] = position, orientation
    else:
        data.qpos[:] = q
    mujoco.mj_kinematics(model, data)
    mujoco.mj_comPos(model, data)
    mujoco.mj_camlight(model, data)


def shown(at_s: float) -> tuple[np.ndarray, np.ndarray]:
    """Where the board is held before the camera, in its optical frame: m, and a unit quaternion w first."""
    number, since = divmod(at_s, MOVE_S + REST_S)
    part = min(since / MOVE_S, 1.0)
    (p, q), (to_p, to_q) = _held(int(number)), _held(int(number) + 1)
    part = part * part * (3 - 2 * part)
    turn = q + part * (to_q - q)
    return p + part * (to_p - p), turn / np.linalg.norm(turn)


def _held(number: int) -> tuple[np.ndarray, np.ndarray]:
    """One of the places, for ever new: all over the picture, near and far, tilted this way and that, never cut off."""
    u, v = (-1, 1, 1, -1, 0, 0, -1, 1, 0)[number % 9], (-1, 1, -1, 1, 0, -1, 0, 0, 1)[number % 9]
    distance = (0.36, 0.45, 0.6)[number % 3]
    tilt, about = math.radians((28, 35, 15, 40)[number % 4]), 2.4 * number  # the golden angle: never twice the same
    rotation = scene.turned(math.degrees(tilt * math.cos(about)), math.degrees(tilt * math.sin(about)), 25.0 * u * v)
    edge = 0.97 * math.tan(math.radians(scene.FOVY / 2))
    for part in np.linspace(0.9, 0.0, 19):
        position = np.array([u * part * edge * distance, v * part * edge * distance, distance])
        corners = scene.corners() @ rotation.T + position
        if np.all(np.abs(corners[:, :2]) < edge * corners[:, 2:]):
            break
    return position, scene.quaternion(rotation)
