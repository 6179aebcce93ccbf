"""Metaworld's tasks and their starts.

What belongs here: the table of tasks, jitter presets, and the environment of a task brought to a start that depends
on nothing but its arguments. What does not: the arm (metaworld_arm.py) and its clock (metaworld.py).
"""

from collections.abc import Callable

import mujoco
import numpy as np

# By Metaworld's own names, without its -v3: when info["success"] of the environment is 1.
TASKS = {
    "assembly": "the ring's centre is within 2 cm of the peg's axis and below its top",
    "basketball": "the ball is within 8 cm of the hoop's target, heights counted twice",
    "bin-picking": "the block is within 5 cm of the other bin's centre",
    "box-close": "the lid is within 8 cm of its place on the box",
    "button-press": "the button is within 2 cm, along y, of where it is pressed home",
    "button-press-topdown": "the button is within 2.4 cm, in height, of where it is pressed home",
    "button-press-topdown-wall": "the button is within 2.4 cm, in height, of where it is pressed home",
    "button-press-wall": "the button is within 3 cm, along y, of where it is pressed home",
    "coffee-button": "the button is within 2 cm, along y, of where it is pressed home",
    "coffee-pull": "the mug is within 7 cm of its goal, x and y counted twice",
    "coffee-push": "the mug is within 7 cm of its goal, x and y counted twice",
    "dial-turn": "the dial's pointer is within 7 cm of its goal",
    "disassemble": "the ring is higher than 15 cm above its start",
    "door-close": "the handle is within 8 cm of where it is closed",
    "door-lock": "the lock is within 2 cm, in height, of where it is locked",
    "door-open": "the handle is within 8 cm, along x, of where it is open",
    "door-unlock": "the lock is within 2 cm, along x, of where it is unlocked",
    "drawer-close": "the handle is within 6.5 cm of where it is closed",
    "drawer-open": "the handle is within 3 cm of where it is open",
    "faucet-close": "the handle is within 7 cm of where it is closed",
    "faucet-open": "the handle is within 7 cm of where it is open",
    "hammer": "the nail is driven in by more than 9 cm",
    "hand-insert": "the block is within 5 cm of its goal in the hole",
    "handle-press": "the handle is within 2 cm, in height, of where it is pressed down",
    "handle-press-side": "the handle is within 2 cm, in height, of where it is pressed down",
    "handle-pull": "the handle is within 5 cm, in height, of where it is pulled up",
    "handle-pull-side": "the handle is within 8 cm of where it is pulled up",
    "lever-pull": "the lever is within 7.5 degrees of upright",
    "peg-insert-side": "the peg's head is within 7 cm of its goal in the hole, y and z counted twice",
    "peg-unplug-side": "the peg is within 7 cm of its goal beside the hole",
    "pick-out-of-hole": "the puck is within 7 cm of its goal",
    "pick-place": "the puck is within 7 cm of its goal",
    "pick-place-wall": "the puck is within 7 cm of its goal",
    "plate-slide": "the plate is within 7 cm of its goal",
    "plate-slide-back": "the plate is within 7 cm of its goal",
    "plate-slide-back-side": "the plate is within 7 cm of its goal",
    "plate-slide-side": "the plate is within 7 cm of its goal",
    "push": "the puck is within 5 cm of its goal",
    "push-back": "the puck is within 7 cm of its goal",
    "push-wall": "the puck is within 7 cm of its goal",
    "reach": "the fingertips are within 5 cm of the goal",
    "reach-wall": "the fingertips are within 5 cm of the goal",
    "shelf-place": "the block is within 7 cm of its goal on the shelf",
    "soccer": "the ball is within 7 cm of its goal, x counted three times",
    "stick-pull": "the stick is in the thermos's handle, which is within 12 cm of its goal",
    "stick-push": "the held and lifted stick has pushed the thermos to within 12 cm of its goal",
    "sweep": "the block is within 5 cm of its goal",
    "sweep-into": "the block is within 5 cm of its goal in the hole",
    "window-close": "the handle is within 5 cm, along x, of where it is closed",
    "window-open": "the handle is within 5 cm, along x, of where it is open",
}
# The literature's choice of them.
PAPER_TASKS = ("assembly", "bin-picking", "button-press-topdown", "drawer-open", "hammer")

PRESETS = {
    "none": {"places": "one of the random ones, always the same"},
    "random": {"places": "the environment's own draw of goal and objects, from the seed"},
}
DEFAULT_PRESET = "random"
NONE_SEED = 0  # of "none": the middle of a task's ranges may be a place that the environment rejects


class Scene:
    """The environment of one task. Its starts leave no trace of the episodes before."""

    def __init__(self, task: str):
        """task is a name of TASKS; KeyError otherwise."""
        from metaworld.env_dict import ALL_V3_ENVIRONMENTS

        self.env = ALL_V3_ENVIRONMENTS[f"{task}-v3"]()
        self.env._set_task_called = True
        self.env._freeze_rand_vec, self.env.seeded_rand_vec = False, True
        # The goal belongs to what the environment's own policies see; its space was cached without the goal.
        self.env._partially_observable = False
        del self.env.sawyer_observation_space
        self._pristine = self._mutable()

    def start(self, seed: int, jitter: str, prepare: Callable[[], None]) -> np.ndarray:
        """Brings the environment to a start and gives what its policies see there; prepare poses the arm.

        The environment's own reset is run twice with the same draw, because some tasks read the place of their
        goal from before they have moved it.
        """
        self._restore()
        for _ in range(2):
            self.env.np_random = np.random.default_rng(NONE_SEED if jitter == "none" else seed)
            mujoco.mj_resetData(self.env.model, self.env.data)
            prepare()
            observation = self.env.reset_model()
        self.env._prev_obs = observation[:18].copy()
        return np.hstack((observation[:18], observation[:18], observation[36:]))

    @property
    def places(self) -> np.ndarray:
        """The last start's draw, as the environment keeps it."""
        return self.env._last_rand_vec.copy()

    def _mutable(self) -> tuple:
        """Copies of what resets and steps change beside the simulator's data.

        Arrays that are views of the simulator's data change with it, and must stay views.
        """
        own = {k: v.copy() if _owned(v) else v for k, v in vars(self.env).items() if k not in ("model", "data")}
        return own, self.env.model.body_pos.copy(), self.env.model.site_pos.copy()

    def _restore(self) -> None:
        own, body_pos, site_pos = self._pristine
        vars(self.env).update({k: v.copy() if _owned(v) else v for k, v in own.items()})
        self.env.model.body_pos[:], self.env.model.site_pos[:] = body_pos, site_pos


def success_rule(task: str, env) -> str:
    """One sentence, naming the environment's class whose info["success"] it is."""
    return f"{type(env).__name__}.evaluate_state, info['success'], at the end of a control step: {TASKS[task]}"


def _owned(value) -> bool:
    return isinstance(value, np.ndarray) and value.flags.owndata
