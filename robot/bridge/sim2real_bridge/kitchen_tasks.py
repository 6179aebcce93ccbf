"""The kitchen's tasks, jitter presets and starts.

What belongs here: tables, and the draw of a start from a seed. What does not: anything that needs the simulator.
"""

import dataclasses

import numpy as np

from .limits import Limits

# Our names, and the environment's.
TASKS = {
    "slide": "slide cabinet",
    "light": "light switch",
    "hinge": "hinge cabinet",
    "burner": "bottom burner",
    "burner_top": "top burner",
    "microwave": "microwave",
    "kettle": "kettle",
}
# The literature's choice of them.
PAPER_TASKS = ("slide", "light", "hinge", "burner", "microwave")

# The environment starts joint 2 at -1.7685 rad, beyond the Panda's -1.7628: every start is clipped this far, rad,
# inside the limits.
START_MARGIN = 0.02


@dataclasses.dataclass(frozen=True)
class Preset:
    """Half-widths of uniform draws: kitchen in m along x, y, z of the world; joints in rad, or of their range."""

    kitchen_xyz_m: tuple[float, float, float]
    joint_rad: float = 0.0
    joint_of_range: float = 0.0


PRESETS = {
    "none": Preset((0.0, 0.0, 0.0)),
    "j05": Preset((0.05, 0.05, 0.05 / 3), joint_rad=0.025),
    "r3m": Preset((0.1, 0.1, 0.1), joint_of_range=0.025),
}
DEFAULT_PRESET = "j05"


@dataclasses.dataclass(frozen=True)
class Start:
    """One start: shifts of the kitchen, m, and of the joints, rad, and the bounds that starts are clipped to."""

    kitchen_shift: np.ndarray
    joint_shift: np.ndarray
    joint_bounds: tuple[np.ndarray, np.ndarray]


def draw(seed: int, jitter: str, limits: Limits) -> Start:
    """The start that a seed ≥ 0 and a preset name; the same always."""
    preset = PRESETS[jitter]
    rng = np.random.default_rng(seed)
    kitchen, joints = rng.uniform(-1.0, 1.0, 3), rng.uniform(-1.0, 1.0, len(limits.joint_names))
    span = limits.position_max - limits.position_min
    return Start(
        kitchen_shift=kitchen * np.array(preset.kitchen_xyz_m),
        joint_shift=joints * (preset.joint_rad + preset.joint_of_range * span),
        joint_bounds=(limits.position_min + START_MARGIN, limits.position_max - START_MARGIN),
    )


def presets_message() -> dict:
    """The factsheet's `jitter_presets`."""
    return {name: dataclasses.asdict(p) | {"start_margin_rad": START_MARGIN} for name, p in PRESETS.items()}


def success_rule(task: str, env) -> str:
    """One sentence; env is gymnasium-robotics' kitchen_env, from which threshold and goal are quoted."""
    name = TASKS[task]
    goal = ", ".join(f"{x:g}" for x in env.OBS_ELEMENT_GOALS[name])
    where = ", seen from the kitchen's place" if task == "kettle" else ""
    return f"KitchenEnv.compute_reward: {name} within {env.BONUS_THRESH:g} of ({goal}) in its joints{where}"
