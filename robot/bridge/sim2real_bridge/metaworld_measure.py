"""What joint commands change on Metaworld, for measure.py.

What belongs here: the environment's own policy in the environment as it is, from the same starts as the expert
through joint commands, and how far the hand is from where it is commanded.
"""

import warnings

import numpy as np

from . import measure

OWN = "own"
STEPS = 500  # of the environment, in an episode


def own(domain, seeds: range, jitter: str) -> dict:
    """The figures of the environment's own policy acting 80 times a second on the mocap hand."""
    from metaworld.policies import ENV_POLICY_MAP

    from . import metaworld_tasks

    warnings.filterwarnings("ignore", module="metaworld")  # that the policies' actions will be clipped
    env, policy, outcomes = metaworld_tasks.Scene(domain.task).env, ENV_POLICY_MAP[f"{domain.task}-v3"](), []
    for seed in seeds:
        domain.reset(domain.task, seed, jitter)
        outcomes.append(_own_episode(env, policy, domain.scene.places))
    return measure.summary(seeds, outcomes, env.frame_skip * env.model.opt.timestep)


def _own_episode(env, policy, places: np.ndarray) -> measure.Outcome:
    """One, with goal and objects at places."""
    env._freeze_rand_vec, env._last_rand_vec = True, places
    observation, _ = env.reset()
    for step in range(1, STEPS + 1):
        action = np.clip(policy.get_action(observation), -1.0, 1.0)
        observation, _, _, _, info = env.step(action)
        if info["success"]:
            return measure.Outcome(step, env.data.qpos.tobytes())
    return measure.Outcome(0, env.data.qpos.tobytes())


def through_joints(domain, seeds: range, jitter: str) -> dict:
    """The figures of the expert, and the hand's distance from where the commanded joints have it, at every tick."""
    warnings.filterwarnings("ignore", module="metaworld")
    errors: list[float] = []
    leads: list[np.ndarray] = []

    def watch() -> None:
        wanted, _ = domain.arm.forward(domain.commanded_position())
        errors.append(float(np.linalg.norm(wanted - domain.data.xpos[domain.arm.hand])))
        leads.append(np.abs(domain.commanded_position() - domain.measure().position))

    outcomes = [measure.episode(domain, seed, jitter, watch) for seed in seeds]
    return measure.summary(seeds, outcomes, domain.tick_s * domain.control_ticks) | {
        "hand_error_mm": {f"p{p}": round(1000 * float(np.percentile(errors, p)), 1) for p in (50, 95, 100)},
        "joint_lead_p95_rad": [round(float(x), 3) for x in np.percentile(leads, 95, axis=0)],
    }
