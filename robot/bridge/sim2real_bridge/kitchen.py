"""Franka-Kitchen of gymnasium-robotics as a domain: the simulated Panda before its kitchen.

What belongs here: the physics, the map between the model's joints and the Panda's, starts and success. What
does not: pictures (render.py), scripted experts (kitchen_experts.py), the task and jitter tables (kitchen_tasks.py).

Two traps of the environment's model. Its joints 6 and 7 count from other zeros than the Panda's table:
link 7's pose equals the published kinematics for q_panda = q_model + (0, 0, 0, 0, 0, pi/2, pi/4). All that
leaves this module is in the Panda's joints. And its start has joint 2 beyond the Panda's limit, so starts are clipped.
"""

import math
from importlib import metadata

import mujoco
import numpy as np
from gymnasium_robotics.envs.franka_kitchen import kitchen_env

from . import kitchen_experts, kitchen_tasks, limits
from .domain import Advice, Measurement, RefusedError

ZERO_OFFSET = np.array([0.0, 0.0, 0.0, 0.0, 0.0, math.pi / 2, math.pi / 4])  # q_panda - q_model, rad
JOINTS = 7
KETTLE_POSITION = slice(23, 26)  # in qpos: a free body that stands on the kitchen without being part of it
SUBSTEPS = 5  # physics steps of 2 ms in one tick of 10 ms
# How far the servo's target may lead the measured joint, rad: bounds what a blocked arm pushes with (44 N·m at
# the shoulder, 6 at the wrist) and what it has to unwind afterwards.
LEAD = 0.05
# Part of the actuators' torque that the feed-forward of damping may add to that against a blocked joint.
BLOCKED_SHARE = 0.25
FINGER_RANGE = 0.04  # m, of each of the two fingers
# The room around the arm, in its base, m. The kitchen stands in it, and is what the tasks are about.
WORKSPACE = {"min_m": [-0.7, -1.0, -0.6], "max_m": [1.1, 1.0, 1.3]}
KITCHEN_GEOMETRY_BODY = "desk"  # every fixture hangs on it

# What domains.py asks of a domain's module.
TASKS, DEFAULT_TASK = kitchen_tasks.TASKS, "slide"
PRESETS, DEFAULT_PRESET = kitchen_tasks.PRESETS, kitchen_tasks.DEFAULT_PRESET
EXPERTS = tuple(kitchen_experts.EXPERTS)
CAMERAS, DEFAULT_CAMERA = kitchen_experts.CAMERAS, kitchen_experts.DEFAULT_CAMERA


class Kitchen:
    """Implements domain.Domain. Build one with the task it serves; owns its model and data."""

    name = "kitchen"
    control_ticks = 8
    horizon_steps = 280
    coloured_bodies = frozenset()

    def __init__(self, task: str):
        """task is a name of kitchen_tasks.TASKS; KeyError otherwise."""
        self.task = task
        # Noise on observations is off: what the daemon measures is what is.
        self.env = kitchen_env.KitchenEnv(
            tasks_to_complete=[kitchen_tasks.TASKS[task]], robot_noise_ratio=0.0, object_noise_ratio=0.0
        )
        self.model, self.data = self.env.model, self.env.data
        self.tick_s = SUBSTEPS * self.model.opt.timestep
        table = limits.load("panda")
        low, high = self.model.jnt_range[:JOINTS].T
        self.limits = table.within(low + ZERO_OFFSET, high + ZERO_OFFSET)
        self._kitchen = self.model.body(KITCHEN_GEOMETRY_BODY).id
        self._kitchen_home = self.model.body_pos[self._kitchen].copy()
        self._damping = self.model.dof_damping[:JOINTS].copy()
        torque = self.model.actuator_forcerange[:JOINTS, 1]
        self._blocked_torque = BLOCKED_SHARE * torque
        self._spare_torque = torque - LEAD * self.model.actuator_gainprm[:JOINTS, 0]
        build_expert = kitchen_experts.EXPERTS.get(task)
        self._expert = build_expert(self.model) if build_expert else None
        self.reset(task, 0, "none")

    def factsheet(self) -> dict:
        """See domain.Domain."""
        return {
            "model": "panda",
            "serial": "simulated",
            "gripper": {"open": 0, "closed": 1, "width_open_m": 2 * FINGER_RANGE},
            "task": self.task,
            "tasks": list(kitchen_tasks.TASKS),
            "horizon_steps": self.horizon_steps,
            "success_rule": kitchen_tasks.success_rule(self.task, kitchen_env),
            "jitter_presets": kitchen_tasks.presets_message(),
            "base_pose": self._base_pose(),
            "workspace": WORKSPACE,
        }

    def software(self) -> dict:
        """See domain.Domain."""
        names = ("gymnasium-robotics", "gymnasium", "mujoco", "numpy")
        return {name: metadata.version(name) for name in names} | {"observation_noise": "off"}

    def reset(self, task: str, seed: int, jitter: str) -> None:
        """See domain.Domain. The start depends on nothing but the three arguments."""
        if task != self.task:
            raise RefusedError(f"task {task!r} is not served here: start a bridge with --task {task}")
        if jitter not in kitchen_tasks.PRESETS:
            raise RefusedError(f"jitter {jitter!r} is unknown: use one of {', '.join(kitchen_tasks.PRESETS)}")
        start = kitchen_tasks.draw(seed, jitter, self.limits)
        mujoco.mj_resetData(self.model, self.data)
        self.model.body_pos[self._kitchen] = self._kitchen_home + start.kitchen_shift
        qpos = self.env.robot_env.init_qpos.copy()
        q = np.clip(qpos[:JOINTS] + ZERO_OFFSET + start.joint_shift, *start.joint_bounds)
        qpos[:JOINTS] = q - ZERO_OFFSET
        qpos[JOINTS : JOINTS + 2] = FINGER_RANGE
        qpos[KETTLE_POSITION] += start.kitchen_shift
        self.data.qpos[:] = qpos
        self._shift = start.kitchen_shift
        self._target = qpos[:JOINTS].copy()
        mujoco.mj_step1(self.model, self.data)

    def tick(self, velocity: np.ndarray, gripper: float) -> None:
        """See domain.Domain. Leaves the data with positions and velocities of the last step evaluated."""
        data, q = self.data, self.data.qpos[:JOINTS]
        data.ctrl[JOINTS:] = (1.0 - gripper) * FINGER_RANGE
        for _ in range(SUBSTEPS):
            self._target += velocity * self.model.opt.timestep
            np.clip(self._target, q - LEAD, q + LEAD, out=self._target)
            data.ctrl[:JOINTS] = self._target
            data.qfrc_applied[:JOINTS] = self._feed_forward(velocity)
            mujoco.mj_step2(self.model, data)
            mujoco.mj_step1(self.model, data)

    def _feed_forward(self, velocity: np.ndarray) -> np.ndarray:
        """Torques, N·m, that make the model follow as a Panda does.

        Gravity is compensated, or the arm would sag. The model's joint damping, 100 N·m·s/rad, would alone use up
        the actuators at 0.87 rad/s: it is fed forward too, but little beyond what the joint really moves, or a
        blocked arm would push with it, and never so far that the whole exceeds the actuators' torque.
        """
        drag = self._damping * self.data.qvel[:JOINTS]
        free = np.abs(drag) + self._blocked_torque
        low, high = np.maximum(-free, drag - self._spare_torque), np.minimum(free, drag + self._spare_torque)
        return self.data.qfrc_bias[:JOINTS] + np.clip(self._damping * velocity, low, high)

    def commanded_position(self) -> np.ndarray:
        """See domain.Domain."""
        return self._target + ZERO_OFFSET

    def measure(self) -> Measurement:
        """See domain.Domain. Effort is what moves and presses, without gravity and the joints' own damping."""
        data = self.data
        fingers = data.qpos[JOINTS : JOINTS + 2].mean()
        torque = data.qfrc_actuator + data.qfrc_applied - data.qfrc_bias + data.qfrc_passive
        return Measurement(
            position=data.qpos[:JOINTS] + ZERO_OFFSET,
            velocity=data.qvel[:JOINTS].copy(),
            effort=torque[:JOINTS],
            gripper=float(np.clip(1.0 - fingers / FINGER_RANGE, 0.0, 1.0)),
        )

    def succeeded(self) -> bool:
        """The environment's own compute_reward, on its own achieved goal seen from where the kitchen stands."""
        name = kitchen_tasks.TASKS[self.task]
        achieved = self.data.qpos[kitchen_env.OBS_ELEMENT_INDICES[name]].copy()
        if self.task == "kettle":
            achieved[:3] -= self._shift
        return self.env.compute_reward({name: achieved}, self.env.goal, {}) >= 1.0

    def expert(self) -> Advice:
        """See domain.Domain. Raises RefusedError for a task without an expert."""
        if self._expert is None:
            raise RefusedError(f"task {self.task!r} has no scripted expert: use one of {', '.join(EXPERTS)}")
        return self._expert.advise(self.data, self.succeeded())

    def snapshot(self) -> tuple[np.ndarray, np.ndarray]:
        """Generalised positions, shape (30,), and the kitchen's place, m, shape (3,)."""
        return self.data.qpos.copy(), self.model.body_pos[self._kitchen].copy()

    def _base_pose(self) -> dict:
        """Where the arm's base stands in the world: m, and a unit quaternion w first."""
        base = self.data.body("panda0_link0")
        rounded = {"position_m": base.xpos, "orientation_wxyz": base.xquat}
        return {name: [round(float(x), 6) for x in values] for name, values in rounded.items()}


def build(task: str) -> Kitchen:
    """A kitchen serving a task of TASKS."""
    return Kitchen(task)


def place(model, data, snapshot) -> None:
    """Puts a scene, a copy of a Kitchen's model with data of its own, as a snapshot of that Kitchen says."""
    qpos, kitchen = snapshot
    data.qpos[:] = qpos
    model.body_pos[model.body(KITCHEN_GEOMETRY_BODY).id] = kitchen
    mujoco.mj_kinematics(model, data)
    mujoco.mj_comPos(model, data)
    mujoco.mj_camlight(model, data)
