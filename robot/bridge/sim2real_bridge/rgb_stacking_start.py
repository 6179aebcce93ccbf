"""Starts of RGB stacking: where the arm is and how the objects came to lie, from a seed.

What belongs here: presets, draws, the drop. What does not: the scene (rgb_stacking_scene.py). The draws are the
benchmark's (google-deepmind/rgb_stacking 794c343, task.py); the world's origin is the arm's base.
"""

import dataclasses

import mujoco
import numpy as np

from .domain import RefusedError
from .rgb_stacking_hand import Hand
from .rgb_stacking_scene import COLOURS, JOINTS, Handles

AWAY = (0.0, 0.0, -5.0)  # m: below everything, for an object that has not been placed
ATTEMPTS = 200  # draws of one object's pose before a seed is given up
SETTLE_S, SETTLE_CHECK_S = 2.0, 0.05  # the benchmark's bound, and how often rest is looked for
AT_REST = 0.01  # m/s and rad/s alike


@dataclasses.dataclass(frozen=True)
class Preset:
    """Bounds of uniform draws, m and rad; with fixed, every seed gives the start of seed 0."""

    object_low_m: tuple[float, float, float] = (0.5, -0.1, 0.12)
    object_high_m: tuple[float, float, float] = (0.7, 0.1, 0.12)
    hand_low_m: tuple[float, float, float] = (0.5, -0.14, 0.22)
    hand_high_m: tuple[float, float, float] = (0.7, 0.14, 0.43)
    hand_yaw_rad: float = float(np.pi / 4)
    fixed: bool = False


MIDDLE = (0.6, 0.0, 0.25)  # m: the hand above the basket
PRESETS = {
    "none": Preset(hand_low_m=MIDDLE, hand_high_m=MIDDLE, hand_yaw_rad=0.0, fixed=True),
    "uniform": Preset(),
}
DEFAULT_PRESET = "uniform"


def presets_message() -> dict:
    """The factsheet's `jitter_presets`."""
    return {name: dataclasses.asdict(p) | {"object_orientation": "uniform"} for name, p in PRESETS.items()}


def begin(model, data, handles: Handles, hand: Hand, seed: int, jitter: str) -> None:
    """Brings data to the start that a seed ≥ 0 and a preset name; the same always, whatever was before.

    Raises RefusedError for a seed without a start.
    """
    preset = PRESETS[jitter]
    rng = np.random.default_rng(0 if preset.fixed else seed)
    mujoco.mj_resetData(model, data)
    for colour in COLOURS:
        data.qpos[handles.positions[colour] :][:3] = AWAY
    position = rng.uniform(preset.hand_low_m, preset.hand_high_m)
    yaw = rng.uniform(-1.0, 1.0) * preset.hand_yaw_rad
    if hand.place(data, position, yaw) > 0.01:
        raise RefusedError(f"seed {seed}: the hand does not reach its start at {position}: use another seed")
    arm = data.qpos[:JOINTS].copy()
    for colour in COLOURS:
        drop(model, data, handles, colour, preset, rng, seed)
    settle(model, data, arm)


def drop(model, data, handles: Handles, colour: str, preset: Preset, rng, seed: int) -> None:
    """Draws a pose of an object until it touches nothing. Raises RefusedError."""
    at = handles.positions[colour]
    for _ in range(ATTEMPTS):
        data.qpos[at : at + 3] = rng.uniform(preset.object_low_m, preset.object_high_m)
        quaternion = rng.normal(size=4)
        data.qpos[at + 3 : at + 7] = quaternion / np.linalg.norm(quaternion)
        mujoco.mj_kinematics(model, data)
        mujoco.mj_comPos(model, data)
        mujoco.mj_collision(model, data)
        if not np.any(data.contact.geom == handles.geoms[colour]):
            return
    raise RefusedError(f"seed {seed}: no free place for the {colour} object: use another seed")


def settle(model, data, arm: np.ndarray) -> None:
    """Lets the objects fall and come to rest while the arm stands still at its joints, rad."""
    data.act[:JOINTS] = arm
    steps = round(SETTLE_CHECK_S / model.opt.timestep)
    for _ in range(round(SETTLE_S / SETTLE_CHECK_S)):
        mujoco.mj_step(model, data, nstep=steps)
        if np.all(np.abs(data.qvel) < AT_REST):
            break
    # The drop is no part of the episode: its start is at rest, and at time 0.
    data.qpos[:JOINTS], data.act[:JOINTS] = arm, arm
    data.qvel[:], data.qacc_warmstart[:], data.time = 0.0, 0.0, 0.0
    mujoco.mj_step1(model, data)
