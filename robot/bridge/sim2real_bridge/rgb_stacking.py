"""RGB stacking as a domain: a Sawyer with a Robotiq 2F-85 before a basket, red to be put on blue.

What belongs here: motion, measurement, success. What does not: the scene (rgb_stacking_scene.py), starts
(rgb_stacking_start.py), the scripted expert (rgb_stacking_expert.py) and pictures (render.py).
"""

from importlib import metadata

import mujoco
import numpy as np

from . import limits, rgb_stacking_scene, rgb_stacking_start
from .domain import Advice, Measurement, RefusedError
from .render import FixedCamera
from .rgb_stacking_expert import StackExpert
from .rgb_stacking_hand import Hand
from .rgb_stacking_scene import DRIVER_CLOSED, FINGER_WIDTH_OPEN, GRIPPER_CLOSED, JOINTS

SUBSTEPS = 20  # physics steps of 0.5 ms in one tick of 10 ms
GRIPPER = JOINTS  # its actuator
GRIPPER_SPEED = GRIPPER_CLOSED  # 1/s, of its actuator: a second from open to closed
# How far the servo's target may lead the measured joint, rad: what a blocked arm has to unwind afterwards.
LEAD = 0.05
# How far what the servo is given may lead, rad, its own damping apart: bounds what the arm pushes with, 50 N·m at the
# shoulder; the wrist's motors give no more than 9 anyway.
PUSH = 0.1
X_Y_CLOSE = 0.05  # m, the benchmark's
ON_TOP = 0.02  # m, the benchmark's

# What domains.py asks of a domain's module.
TASKS, DEFAULT_TASK = rgb_stacking_scene.TRIPLETS, "triplet4"
PRESETS, DEFAULT_PRESET = rgb_stacking_start.PRESETS, rgb_stacking_start.DEFAULT_PRESET
EXPERTS = tuple(TASKS)
VIEWS = ("basket_front_left", "basket_front_right", "basket_back_left")
CAMERAS = {name: FixedCamera("base/" + name) for name in VIEWS}
DEFAULT_CAMERA = "basket_front_left"

# The room around the arm, in its base, m. Its bottom is well below the basket, which the tasks are done in.
WORKSPACE = {"min_m": [-0.6, -1.0, -0.4], "max_m": [1.2, 1.0, 1.5]}


class RGBStacking:
    """Implements domain.Domain. Build one with the task it serves; owns its model and data."""

    name = "rgb_stacking"
    control_ticks = 5
    horizon_steps = 400

    def __init__(self, task: str):
        """task is a name of TASKS; KeyError otherwise."""
        self.task = task
        self.model = rgb_stacking_scene.build(task)
        self.data = mujoco.MjData(self.model)
        self.tick_s = SUBSTEPS * self.model.opt.timestep
        self.limits = limits.load("sawyer").within(*self.model.jnt_range[:JOINTS].T)
        self._handles = rgb_stacking_scene.handles(self.model)
        self.coloured_bodies = frozenset(self._handles.bodies.values())
        self._hand = Hand(self.model, self._handles)
        gain, bias = self.model.actuator_gainprm[:JOINTS], self.model.actuator_biasprm[:JOINTS]
        # The servo damps the joint against the base, not against the wanted velocity: by so many seconds it would
        # trail what it is told.
        self._lag = -bias[:, 2] / gain[:, 0]
        self._expert = StackExpert(self.model, self._handles, self._hand)
        self.reset(task, 0, "none")

    def factsheet(self) -> dict:
        """See domain.Domain."""
        return {
            "model": "sawyer",
            "serial": "simulated",
            "gripper": {"open": 0, "closed": 1, "width_open_m": FINGER_WIDTH_OPEN},
            "task": self.task,
            "tasks": list(TASKS),
            "horizon_steps": self.horizon_steps,
            "success_rule": success_rule(self.task),
            "jitter_presets": rgb_stacking_start.presets_message(),
            "base_pose": {"position_m": [0.0, 0.0, 0.0], "orientation_wxyz": [1.0, 0.0, 0.0, 0.0]},
            "workspace": WORKSPACE,
        }

    def software(self) -> dict:
        """See domain.Domain."""
        names = ("dm-robotics-manipulation", "dm-robotics-moma", "dm-control", "mujoco", "numpy")
        return {name: metadata.version(name) for name in names} | {"observation_noise": "off"}

    def reset(self, task: str, seed: int, jitter: str) -> None:
        """See domain.Domain. The start depends on nothing but the three arguments."""
        if task != self.task:
            raise RefusedError(f"task {task!r} is not served here: start a bridge with --task {task}")
        if jitter not in PRESETS:
            raise RefusedError(f"jitter {jitter!r} is unknown: use one of {', '.join(PRESETS)}")
        rgb_stacking_start.begin(self.model, self.data, self._handles, self._hand, seed, jitter)
        self._target = self.data.qpos[:JOINTS].copy()

    def tick(self, velocity: np.ndarray, gripper: float) -> None:
        """See domain.Domain. Leaves the data with positions and velocities of the last step evaluated."""
        data = self.data
        q, dq = data.qpos[:JOINTS], data.qvel[:JOINTS]
        np.clip(self._target, q - LEAD, q + LEAD, out=self._target)
        data.act[:JOINTS] = q + self._lag * dq + np.clip(self._target + self._lag * (velocity - dq) - q, -PUSH, PUSH)
        data.ctrl[:JOINTS] = velocity
        wanted = (GRIPPER_CLOSED * gripper - data.act[GRIPPER]) / self.tick_s
        data.ctrl[GRIPPER] = np.clip(wanted, -GRIPPER_SPEED, GRIPPER_SPEED)
        self._target += velocity * self.tick_s
        # The first step's positions were evaluated by the last tick, so that measurements between ticks are current.
        mujoco.mj_step2(self.model, data)
        mujoco.mj_step(self.model, data, nstep=SUBSTEPS - 1)
        mujoco.mj_step1(self.model, data)

    def commanded_position(self) -> np.ndarray:
        """See domain.Domain."""
        return self._target.copy()

    def measure(self) -> Measurement:
        """See domain.Domain. Effort is the motors', gravity being compensated apart from them."""
        data = self.data
        return Measurement(
            position=data.qpos[:JOINTS].copy(),
            velocity=data.qvel[:JOINTS].copy(),
            effort=data.qfrc_actuator[:JOINTS].copy(),
            gripper=float(np.clip(data.qpos[self._handles.driver] / DRIVER_CLOSED, 0.0, 1.0)),
        )

    def succeeded(self) -> bool:
        """The benchmark's sparse rule; see success_rule."""
        red, blue = (self.data.xpos[self._handles.bodies[colour]] for colour in ("red", "blue"))
        if np.linalg.norm(red[:2] - blue[:2]) >= X_Y_CLOSE or red[2] - blue[2] <= ON_TOP:
            return False
        met = rgb_stacking_scene.touched_by(self.data, self._handles.geoms["red"])
        forbidden = self._handles.robot | self._handles.ground
        return self._handles.geoms["blue"] in met and not met & forbidden

    def expert(self) -> Advice:
        """See domain.Domain."""
        return self._expert.advise(self.data, self.succeeded())

    def snapshot(self) -> np.ndarray:
        """Generalised positions."""
        return self.data.qpos.copy()


def success_rule(task: str) -> str:
    """One sentence."""
    red, _, blue = TASKS[task]
    return (
        f"sparse reward of google-deepmind/rgb_stacking 794c343: red {red} within {X_Y_CLOSE} m of blue {blue} in x "
        f"and y and more than {ON_TOP} m above it, touching it and neither the robot nor the ground, the basket "
        "counted as ground, which the original's floor alone is"
    )


def build(task: str) -> RGBStacking:
    """The domain serving a task of TASKS."""
    return RGBStacking(task)


def place(model, data, snapshot) -> None:
    """Puts a scene, a copy of the domain's model with data of its own, as a snapshot says."""
    data.qpos[:] = snapshot
    mujoco.mj_kinematics(model, data)
    mujoco.mj_comPos(model, data)
    mujoco.mj_camlight(model, data)
