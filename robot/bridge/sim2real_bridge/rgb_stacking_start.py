"""Starts of RGB stacking: where the arm is and how the objects came to lie, from a seed.

What belongs here: presets, draws, the drop. What does not: the scene (rgb_stacking_scene.py). The draws of `uniform`
are the benchmark's (google-deepmind/rgb_stacking 794c343, task.py); the world's origin is the arm's base.
"""

import dataclasses

import mujoco
import numpy as np

from .domain import RefusedError
from .rgb_stacking_hand import Hand
from .rgb_stacking_scene import COLOURS, JOINTS, Handles, touched_by

AWAY = (0.0, 0.0, -5.0)  # m: below everything, for an object that has not been placed
ATTEMPTS = 200  # draws of one object's pose before a seed is given up
SETTLE_S, SETTLE_CHECK_S = 2.0, 0.05  # the benchmark's bound, and how often rest is looked for
AT_REST = 0.01  # m/s and rad/s alike


@dataclasses.dataclass(frozen=True)
class Preset:
    """Bounds of uniform draws, m and rad; with fixed, every seed gives the drop of seed 0.

    nudge_m, along x and y, and nudge_rad, about the vertical, are half-widths of how each object that lies there is
    then moved; 0 leaves it.
    """

    object_low_m: tuple[float, float, float] = (0.5, -0.1, 0.12)
    object_high_m: tuple[float, float, float] = (0.7, 0.1, 0.12)
    hand_low_m: tuple[float, float, float] = (0.5, -0.14, 0.22)
    hand_high_m: tuple[float, float, float] = (0.7, 0.14, 0.43)
    hand_yaw_rad: float = float(np.pi / 4)
    fixed: bool = False
    nudge_m: float = 0.0
    nudge_rad: float = 0.0


MIDDLE = (0.6, 0.0, 0.25)  # m: the hand above the basket
PRESETS = {
    "none": Preset(hand_low_m=MIDDLE, hand_high_m=MIDDLE, hand_yaw_rad=0.0, fixed=True),
    "near": Preset(
        hand_low_m=(0.575, -0.025, 0.225),
        hand_high_m=(0.625, 0.025, 0.275),
        hand_yaw_rad=0.1,
        fixed=True,
        nudge_m=0.025,
        nudge_rad=0.2,
    ),
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
    arm = place_hand(data, hand, preset, rng, seed)
    for colour in COLOURS:
        drop(model, data, handles, colour, preset, rng, seed)
    settle(model, data, arm)
    if preset.nudge_m > 0.0:
        rng = np.random.default_rng(seed)
        arm = place_hand(data, hand, preset, rng, seed)
        nudge(model, data, handles, preset, rng, seed)
        settle(model, data, arm)


def place_hand(data, hand: Hand, preset: Preset, rng, seed: int) -> np.ndarray:
    """Draws where the hand is; the arm's joints, rad. Raises RefusedError."""
    position = rng.uniform(preset.hand_low_m, preset.hand_high_m)
    yaw = rng.uniform(-1.0, 1.0) * preset.hand_yaw_rad
    if hand.place(data, position, yaw) > 0.01:
        raise RefusedError(f"seed {seed}: the hand does not reach its start at {position}: use another seed")
    return data.qpos[:JOINTS].copy()


def drop(model, data, handles: Handles, colour: str, preset: Preset, rng, seed: int) -> None:
    """Draws a pose of an object until it touches nothing. Raises RefusedError."""
    at = handles.positions[colour]
    for _ in range(ATTEMPTS):
        data.qpos[at : at + 3] = rng.uniform(preset.object_low_m, preset.object_high_m)
        quaternion = rng.normal(size=4)
        data.qpos[at + 3 : at + 7] = quaternion / np.linalg.norm(quaternion)
        collide(model, data)
        if not np.any(data.contact.geom == handles.geoms[colour]):
            return
    raise RefusedError(f"seed {seed}: no free place for the {colour} object: use another seed")


def collide(model, data) -> None:
    """Finds the contacts of where things are now."""
    mujoco.mj_kinematics(model, data)
    mujoco.mj_comPos(model, data)
    mujoco.mj_collision(model, data)


def nudge(model, data, handles: Handles, preset: Preset, rng, seed: int) -> None:
    """Draws how far each object is moved from where it lies, until none touches another. Raises RefusedError."""
    lying = data.qpos.copy()
    for _ in range(ATTEMPTS):
        for colour in COLOURS:
            at = handles.positions[colour]
            data.qpos[at : at + 2] = lying[at : at + 2] + rng.uniform(-1.0, 1.0, 2) * preset.nudge_m
            half = 0.5 * preset.nudge_rad * rng.uniform(-1.0, 1.0)
            turn = np.array([np.cos(half), 0.0, 0.0, np.sin(half)])
            mujoco.mju_mulQuat(data.qpos[at + 3 : at + 7], turn, lying[at + 3 : at + 7])
        collide(model, data)
        if all(touched_by(data, handles.geoms[colour]) <= handles.ground for colour in COLOURS):
            return
    raise RefusedError(f"seed {seed}: no free places for the objects: use another seed")


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
