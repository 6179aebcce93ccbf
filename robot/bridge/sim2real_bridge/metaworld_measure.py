"""Measures what joint commands change on Metaworld: `python -m sim2real_bridge.metaworld_measure --out FILE`.

What belongs here: expert success through joint commands beside the policy's own on the same starts, and how far the
hand is from where it is commanded. What does not: learned policies; the daemon evaluates those.
"""

import argparse
import json
import math
import os
import pathlib
import sys
import warnings

import numpy as np

from . import shaping

STEPS = 500  # of the environment, in an episode
FIRST_SEED = 1_000_000  # where demonstrations begin


def own(env, policy, places: np.ndarray) -> int:
    """Steps until the environment's own policy succeeds in it, from objects at places; 0 if never."""
    env._freeze_rand_vec, env._last_rand_vec = True, places
    observation, _ = env.reset()
    for step in range(1, STEPS + 1):
        action = np.clip(policy.get_action(observation), -1.0, 1.0)
        observation, _, _, _, info = env.step(action)
        if info["success"]:
            return step
    return 0


class Joints:
    """Episodes of the expert through shaped joint velocities, as a bridge runs them."""

    def __init__(self, domain, control_ticks: int):
        self.domain, self.control_ticks = domain, control_ticks
        self.errors: list[float] = []  # m, of the hand, at every tick
        self.leads: list[np.ndarray] = []  # rad, of the commanded joints, at every tick

    def run(self, seed: int) -> int:
        """Steps of the environment until a control step ends in success; 0 if none does."""
        self.domain.reset(self.domain.task, seed, "random")
        velocity = np.zeros(len(self.domain.limits.joint_names))
        for step in range(self.control_ticks, STEPS + 1, self.control_ticks):
            advice = self.domain.expert()
            for _ in range(self.control_ticks):
                velocity = self._tick(advice, velocity)
            if self.domain.succeeded():
                return step
        return 0

    def _tick(self, advice, velocity: np.ndarray) -> np.ndarray:
        d = self.domain
        velocity = shaping.shape(advice.velocity, velocity, d.commanded_position(), d.limits, d.tick_s)
        d.tick(velocity, advice.gripper)
        wanted, _ = d.arm.forward(d.commanded_position())
        self.errors.append(float(np.linalg.norm(wanted - d.data.xpos[d.arm.hand])))
        self.leads.append(np.abs(d.commanded_position() - d.measure().position))
        return velocity


def measure(task: str, seeds: range, rates: list[int]) -> dict:
    """The figures of one task; rates are control steps in ticks."""
    from metaworld.policies import ENV_POLICY_MAP

    from . import metaworld, metaworld_tasks

    domain, scene = metaworld.build(task), metaworld_tasks.Scene(task)
    policy, steps = ENV_POLICY_MAP[f"{task}-v3"](), []
    for seed in seeds:
        domain.reset(task, seed, "random")
        steps.append(own(scene.env, policy, domain.scene.places))
    out = {"own_80hz": summary(steps)}
    for ticks in rates:
        joints = Joints(domain, ticks)
        figures = summary([joints.run(seed) for seed in seeds])
        hand = {f"p{p}": round(1000 * float(np.percentile(joints.errors, p)), 1) for p in (50, 95, 100)}
        lead = [round(float(x), 3) for x in np.percentile(joints.leads, 95, axis=0)]
        name = f"joints_{80 / ticks:g}hz"
        out[name] = figures | {"hand_error_mm": hand, "joint_lead_p95_rad": lead}
    return out


def summary(steps: list[int]) -> dict:
    """Successes of episodes, and the environment steps that a successful one takes at the median."""
    good = [s for s in steps if s]
    middle = float(np.median(good)) if good else math.nan
    return {"successes": len(good), "episodes": len(steps), "median_steps": None if math.isnan(middle) else middle}


def main(argv: list[str]) -> int:
    """Measures tasks one after another; those that the file has already are skipped, so it can be resumed."""
    os.environ.setdefault("MUJOCO_GL", "egl")
    from . import domains, metaworld_tasks

    domains.load("metaworld")
    warnings.filterwarnings("ignore", module="metaworld")  # the policies' own: that their actions will be clipped
    parser = argparse.ArgumentParser(prog="python -m sim2real_bridge.metaworld_measure", description=__doc__)
    parser.add_argument("--out", type=pathlib.Path, required=True, metavar="FILE", help="JSON, added to")
    parser.add_argument("--tasks", nargs="+", default=list(metaworld_tasks.TASKS), choices=metaworld_tasks.TASKS)
    parser.add_argument("--seeds", type=int, default=10, metavar="N", help="episodes of each")
    parser.add_argument("--ticks", type=int, nargs="+", default=[4], metavar="N", help="ticks of 12.5 ms in a step")
    args = parser.parse_args(argv)
    seeds = range(FIRST_SEED, FIRST_SEED + args.seeds)
    results = json.loads(args.out.read_text()) if args.out.exists() else {}
    for task in (t for t in args.tasks if t not in results):
        results[task] = measure(task, seeds, args.ticks)
        args.out.write_text(json.dumps(results, indent=1) + "\n")
        print(task, json.dumps(results[task]), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
