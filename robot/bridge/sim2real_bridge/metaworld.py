"""Metaworld as a domain: a simulated Sawyer and its fifty tasks.

What belongs here: the arm's clock, the map from joint velocities to the environment's own actuation, cameras. What
does not: starts and rules (metaworld_tasks.py), kinematics (metaworld_arm.py), the experts (metaworld_expert.py).

The environment has no motors: a weld, soft, drags the hand after a mocap body, and the joints follow. Here the
commanded joints are integrated; forward kinematics of the same chain says where they put the hand; the mocap body goes
there as the environment moves it, at most 1 cm along an axis in a step and never out of the task's box. What the hand
leaves free, the elbow's circle, a spring holds to the commanded joints. So all seven joints follow what was commanded,
by the weld's lag of some 40 ms, and where they cannot, against an object or the box, the commanded joints wait:
they lead the measured ones by LEAD at most.
"""

from importlib import metadata

import mujoco
import numpy as np

from . import limits, metaworld_tasks
from .domain import Advice, Measurement, RefusedError
from .metaworld_arm import Arm
from .metaworld_expert import Expert
from .render import Camera, FixedCamera

# rad: what bounds a blocked arm's push. More than the weld's lag takes at full speed, and enough for the stiffest of
# what the tasks push, the lever of lever-pull, which 0.2 does not turn.
LEAD = 0.3
FINGER_TRAVEL = 0.07  # m, of both fingers together
WIDTH_OPEN = 0.088  # m, between the pads

# What domains.py asks of a domain's module.
TASKS, DEFAULT_TASK = metaworld_tasks.TASKS, "hammer"
PRESETS, DEFAULT_PRESET = metaworld_tasks.PRESETS, metaworld_tasks.DEFAULT_PRESET
EXPERTS = tuple(TASKS)
DEFAULT_CAMERA = "left_cap2"
CAMERAS = {
    # R3M's, in its fork: each looks at the middle of the table's top.
    "top_cap2": Camera(lookat=(0.0, 0.6, 0.0), distance=0.6708, azimuth=-90.0, elevation=-63.435),
    "left_cap2": Camera(lookat=(0.0, 0.6, 0.0), distance=0.8775, azimuth=50.194, elevation=-27.121),
    "right_cap2": Camera(lookat=(0.0, 0.6, 0.0), distance=0.8367, azimuth=116.565, elevation=-36.699),
    # The environment's own, of which the model has four upside down.
    "corner": FixedCamera("corner", upside_down=True),
    "corner2": FixedCamera("corner2", upside_down=True),
    "corner3": FixedCamera("corner3", upside_down=True),
    "corner4": FixedCamera("corner4", upside_down=True),
    "topview": FixedCamera("topview"),
    "behindGripper": FixedCamera("behindGripper"),
    "gripperPOV": FixedCamera("gripperPOV"),
}

# The room around the arm, in its base, m. Its bottom is well below the table, which the tasks are done on.
WORKSPACE = {"min_m": [-1.0, -0.6, -0.5], "max_m": [1.0, 1.2, 1.5]}


class Metaworld:
    """Implements domain.Domain. Build one with the task it serves; owns its model and data."""

    name = "metaworld"
    control_ticks = 4
    horizon_steps = 125  # the environment's 500 of its own steps
    coloured_bodies = frozenset()

    def __init__(self, task: str):
        """task is a name of TASKS; KeyError otherwise."""
        self.task = task
        self.scene = metaworld_tasks.Scene(task)
        self.env, self.model, self.data = self.scene.env, self.scene.env.model, self.scene.env.data
        self.tick_s = self.env.frame_skip * self.model.opt.timestep
        self.limits = limits.load("sawyer")
        self.arm = Arm(self.model, self.data)
        # The model stops joint 1 at -0.5 rad, which keeps a limp arm from falling; this one is held, and needs the
        # Sawyer's own range to reach the far side of the table.
        self.model.jnt_range[self.arm.joints] = np.stack([self.limits.position_min, self.limits.position_max], axis=1)
        self._expert = Expert(task, self.arm, self.limits)
        self._simulate = self.env.do_simulation
        self.env.do_simulation, self.env.set_xyz_action = self._do_simulation, self._move_mocap
        self.reset(task, 0, "none")

    def factsheet(self) -> dict:
        """See domain.Domain."""
        return {
            "model": "sawyer",
            "serial": "simulated",
            "gripper": {"open": 0, "closed": 1, "width_open_m": WIDTH_OPEN},
            "task": self.task,
            "tasks": list(TASKS),
            "success_rule": metaworld_tasks.success_rule(self.task, self.env),
            "jitter_presets": PRESETS,
            "base_pose": {"position_m": [0.0, 0.0, 0.0], "orientation_wxyz": [1.0, 0.0, 0.0, 0.0]},
            "workspace": WORKSPACE,
        }

    def software(self) -> dict:
        """See domain.Domain."""
        return {name: metadata.version(name) for name in ("metaworld", "gymnasium", "mujoco", "numpy")}

    def reset(self, task: str, seed: int, jitter: str) -> None:
        """See domain.Domain. The start depends on nothing but the three arguments."""
        if task != self.task:
            raise RefusedError(f"task {task!r} is not served here: start a bridge with --task {task}")
        if jitter not in PRESETS:
            raise RefusedError(f"jitter {jitter!r} is unknown: use one of {', '.join(PRESETS)}")
        self._observation = self.scene.start(seed, jitter, self._pose)
        self.data.qvel[self.arm.dofs] = 0.0
        mujoco.mj_forward(self.model, self.data)
        self._target = self.data.qpos[self.arm.qpos].copy()
        self._success = False

    def tick(self, velocity: np.ndarray, gripper: float) -> None:
        """See domain.Domain. One step of the environment; gripper is a force, 0.5 being none."""
        q = self.data.qpos[self.arm.qpos]
        lead = self._target + velocity * self.tick_s - q
        self._target = q + lead / max(1.0, np.max(np.abs(lead)) / LEAD)
        action = np.append(self._hand_action(), 2.0 * gripper - 1.0)
        self.env.curr_path_length = 0  # the bridge counts steps
        self._observation, _, _, _, info = self.env.step(np.clip(action, -1.0, 1.0))
        self._success = bool(info["success"])

    def _hand_action(self) -> np.ndarray:
        """The environment's action that takes the hand where the commanded joints have it, as far as it may.

        Beyond that, at the task's box or faster than it moves, the commanded joints stay where the hand may be.
        """
        at, env = self.data.mocap_pos[0], self.env
        wanted, self._orientation = self.arm.forward(self._target)
        allowed = np.clip(wanted, at - env.action_scale, at + env.action_scale)
        allowed = np.clip(allowed, env.mocap_low, env.mocap_high)
        if np.any(allowed != wanted):
            moved = self.arm.moved(self._target, allowed - wanted)
            self._target = np.clip(moved, self.limits.position_min, self.limits.position_max)
            _, self._orientation = self.arm.forward(self._target)
        return (allowed - at) / env.action_scale

    def _pose(self) -> None:
        """Poses the arm with its hand where the task starts it, before the environment lets it settle there."""
        self._target = self.arm.posture_for(np.asarray(self.env.hand_init_pos, dtype=float))
        self.data.qpos[self.arm.qpos] = self._target
        mujoco.mj_forward(self.model, self.data)

    def _do_simulation(self, ctrl, n_frames: int) -> None:
        """In the place of the environment's own, and by it: the same, with the arm held."""
        self.data.qfrc_applied[self.arm.dofs] = self.arm.hold(self._target)
        self._simulate(ctrl, n_frames)

    def _move_mocap(self, action: np.ndarray) -> None:
        """In the place of the environment's own, which would keep the hand upright whatever the joints say."""
        position = self.data.mocap_pos[0] + action * self.env.action_scale
        self.data.mocap_pos[0] = np.clip(position, self.env.mocap_low, self.env.mocap_high)
        self.data.mocap_quat[0] = self._orientation

    def commanded_position(self) -> np.ndarray:
        """See domain.Domain."""
        return self._target.copy()

    def measure(self) -> Measurement:
        """See domain.Domain. Effort is what moves and presses: the weld's pull, without gravity and damping."""
        data = self.data
        fingers = data.joint("r_close").qpos[0] - data.joint("l_close").qpos[0]
        applied = data.qfrc_applied[self.arm.dofs] - data.qfrc_bias[self.arm.dofs] + data.qfrc_passive[self.arm.dofs]
        return Measurement(
            position=data.qpos[self.arm.qpos].copy(),
            velocity=data.qvel[self.arm.dofs].copy(),
            effort=self.arm.pull() + applied,
            gripper=float(np.clip(fingers / FINGER_TRAVEL, 0.0, 1.0)),
        )

    def succeeded(self) -> bool:
        """The environment's own info["success"] of its last step."""
        return self._success

    def expert(self) -> Advice:
        """See domain.Domain."""
        return self._expert.advise(self._observation, self._success)

    def snapshot(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Generalised positions, and where bodies and sites hang in their parents, m."""
        return self.data.qpos.copy(), self.model.body_pos.copy(), self.model.site_pos.copy()


def build(task: str) -> Metaworld:
    """The Sawyer before a task of TASKS."""
    return Metaworld(task)


def place(model, data, snapshot) -> None:
    """Puts a scene, a copy of a Metaworld's model with data of its own, as a snapshot of that Metaworld says."""
    data.qpos[:], model.body_pos[:], model.site_pos[:] = snapshot
    mujoco.mj_kinematics(model, data)
    mujoco.mj_comPos(model, data)
    mujoco.mj_camlight(model, data)
