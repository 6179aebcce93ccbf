"""The simulated kitchen: starts, joints, motion, success and the expert."""

import math

import numpy as np
import pytest

from sim2real_bridge import domain, expert, kitchen_expert_push, kitchen_tasks, measure
from sim2real_bridge import kitchen as kitchen_module

from .arm import drive

SLIDE_QPOS = 19
# Craig's Denavit-Hartenberg parameters of the Panda, a, d, alpha, as its maker publishes them.
PANDA_DH = [
    (0, 0.333, 0),
    (0, 0, -math.pi / 2),
    (0, 0.316, math.pi / 2),
    (0.0825, 0, math.pi / 2),
    (-0.0825, 0.384, -math.pi / 2),
    (0, 0, math.pi / 2),
    (0.088, 0, math.pi / 2),
]


def panda_link7(q):
    """Pose of the Panda's link 7 in its base, by the published parameters."""
    pose = np.eye(4)
    for (a, d, alpha), angle in zip(PANDA_DH, q, strict=True):
        ca, sa, ct, st = math.cos(alpha), math.sin(alpha), math.cos(angle), math.sin(angle)
        link = [[ct, -st, 0, a], [st * ca, ct * ca, -sa, -d * sa], [st * sa, ct * sa, ca, d * ca], [0, 0, 0, 1]]
        pose = pose @ np.array(link)
    return pose


@pytest.mark.parametrize("seed", range(5))
def test_joints_are_the_pandas(kitchen, seed):
    """Joints 6 and 7 of the model count from other zeros: this fails without the offset."""
    kitchen.reset("slide", seed, "r3m")
    base, link7 = kitchen.data.body("panda0_link0"), kitchen.data.body("panda0_link7")
    rotation = base.xmat.reshape(3, 3).T
    want = panda_link7(kitchen.measure().position)
    assert np.allclose(rotation @ (link7.xpos - base.xpos), want[:3, 3], atol=5e-4)
    assert np.allclose(rotation @ link7.xmat.reshape(3, 3), want[:3, :3], atol=5e-3)


@pytest.mark.parametrize("jitter", kitchen_tasks.PRESETS)
def test_starts_are_within_limits_at_rest_and_free(kitchen, jitter):
    for seed in range(30):
        kitchen.reset("slide", seed, jitter)
        measured = kitchen.measure()
        margin = kitchen_tasks.START_MARGIN - 1e-9
        assert np.all(measured.position >= kitchen.limits.position_min + margin)
        assert np.all(measured.position <= kitchen.limits.position_max - margin)
        assert not np.any(measured.velocity)
        assert not kitchen.succeeded()
        arm = {g for g in range(kitchen.model.ngeom) if kitchen.model.geom_bodyid[g] in range(3, 12)}
        assert not [c for c in kitchen.data.contact if arm & set(c.geom)], f"seed {seed} starts in contact"


def test_the_start_depends_on_seed_and_preset_only(kitchen):
    def start(seed, jitter):
        kitchen.reset("slide", seed, jitter)
        return np.concatenate(kitchen.snapshot())

    first = start(3, "j05")
    for _ in drive(kitchen, lambda: 0.3 * kitchen.limits.velocity_max, 5):
        pass
    assert np.array_equal(start(3, "j05"), first)
    assert not np.allclose(start(4, "j05"), first)
    assert not np.allclose(start(3, "r3m"), first)
    assert np.array_equal(start(3, "none"), start(4, "none"))


@pytest.mark.parametrize(
    ("jitter", "kitchen_m", "joint_rad"), [("none", 0, 0), ("j05", 0.05, 0.025), ("r3m", 0.1, 0.145)]
)
def test_jitter_is_as_wide_as_its_preset_says(kitchen, jitter, kitchen_m, joint_rad):
    draws = [kitchen_tasks.draw(seed, jitter, kitchen.limits) for seed in range(400)]
    shifts = np.abs([d.kitchen_shift for d in draws]).max(axis=0)
    vertical = kitchen_m / 3 if jitter == "j05" else kitchen_m
    assert np.allclose(shifts, [kitchen_m, kitchen_m, vertical], atol=0.02 * kitchen_m)
    assert np.abs(draws[0].joint_shift).shape == (7,)
    assert np.max([d.joint_shift[0] for d in draws]) == pytest.approx(joint_rad, rel=0.03, abs=1e-12)


def test_the_whole_kitchen_moves(kitchen):
    kitchen.reset("slide", 0, "none")
    before = {b: kitchen.data.body(b).xpos.copy() for b in ("slidelink", "kettle", "microdoorroot", "panda0_link0")}
    kitchen.reset("slide", 1, "r3m")
    moved = {b: kitchen.data.body(b).xpos - before[b] for b in before}
    shift = kitchen_tasks.draw(1, "r3m", kitchen.limits).kitchen_shift
    assert all(np.allclose(moved[b], shift) for b in ("slidelink", "kettle", "microdoorroot"))
    assert not np.any(moved["panda0_link0"])


def test_success_is_the_environments_own_rule(kitchen):
    kitchen.reset("slide", 0, "none")
    for opening, success in [(0.0, False), (0.065, False), (0.075, True), (0.37, True)]:
        kitchen.data.qpos[SLIDE_QPOS] = opening
        assert kitchen.succeeded() is success


@pytest.mark.parametrize("task", kitchen_tasks.TASKS)
def test_every_task_is_served_and_not_done_at_its_start(task):
    served = kitchen_module.Kitchen(task)
    for seed in range(5):
        served.reset(task, seed, "r3m")
        assert not served.succeeded()
    assert kitchen_tasks.TASKS[task] in served.factsheet()["success_rule"]


@pytest.mark.parametrize(("task", "jitter", "remedy"), [("light", "j05", "--task light"), ("slide", "j5", "none, j05")])
def test_a_reset_that_cannot_be_done(kitchen, task, jitter, remedy):
    with pytest.raises(domain.RefusedError, match=remedy):
        kitchen.reset(task, 0, jitter)


def test_a_task_without_an_expert_says_so():
    with pytest.raises(domain.RefusedError, match="use one of slide"):
        kitchen_module.Kitchen("kettle").expert()


def test_an_arm_told_nothing_neither_sags_nor_drifts(kitchen):
    kitchen.reset("slide", 2, "j05")
    start = kitchen.measure().position
    for _ in drive(kitchen, lambda: np.zeros(7), 60):
        pass
    assert np.abs(kitchen.measure().position - start).max() < 2e-3


def test_the_arm_moves_as_commanded(kitchen):
    """A fast lawful velocity is followed, which the model's joint damping would forbid without feed-forward."""
    kitchen.reset("slide", 2, "none")
    wish = np.array([0.0, 1.2, 0.0, 0.0, 0.0, -1.0, 0.5])
    start = kitchen.measure().position
    for _ in drive(kitchen, lambda: wish, 5):
        pass
    measured = kitchen.measure()
    assert np.allclose(measured.velocity, wish, atol=0.05)
    assert np.allclose(measured.position - start, wish * 0.4, atol=0.1)


def test_a_blocked_arm_pushes_no_harder_than_its_bound(kitchen):
    """Driven into the counter, the arm's torques stay within what LEAD and BLOCKED_SHARE promise."""
    kitchen.reset("slide", 0, "none")
    bound = 1.02 * np.array([65.3] * 4 + [9.0] * 3)
    wish = np.array([0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0])
    for _ in drive(kitchen, lambda: wish, 60):
        assert np.all(np.abs(kitchen.measure().effort) <= bound)
    assert abs(kitchen.measure().velocity[1]) < 0.02, "nothing blocked the arm: the test shows nothing"


def test_the_gripper_is_zero_open_and_one_closed(kitchen):
    kitchen.reset("slide", 0, "none")
    assert kitchen.measure().gripper == pytest.approx(0.0, abs=0.01)
    for _ in drive(kitchen, lambda: np.zeros(7), 15, gripper=1.0):
        pass
    assert kitchen.measure().gripper == pytest.approx(1.0, abs=0.02)


def run_expert(kitchen, disturb):
    """Steps to success of the expert's advice plus a disturbance, rad/s; None if it fails."""
    wish = lambda: np.clip(kitchen.expert().velocity + disturb(), -1.08, 1.08)  # noqa: E731
    for step, _ in enumerate(drive(kitchen, wish, kitchen.horizon_steps, gripper=1.0)):
        if kitchen.succeeded():
            return step + 1
    return None


@pytest.mark.parametrize("seed", [20001, 20002, 20003])
def test_the_expert_opens_the_door(kitchen, seed):
    kitchen.reset("slide", seed, "j05")
    steps = run_expert(kitchen, lambda: np.zeros(7))
    assert steps is not None
    assert steps < 100


@pytest.mark.parametrize("task", kitchen_tasks.PAPER_TASKS)
def test_every_task_of_the_paper_has_an_expert(task):
    """One start each; experts/ has the rates."""
    served = kitchen_module.Kitchen(task)
    assert 0 < measure.episode(served, 1_000_000, "j05").steps < served.horizon_steps
    assert served.expert().done


def test_the_expert_recovers_from_disturbance(kitchen):
    rng = np.random.default_rng(0)
    kitchen.reset("slide", 20004, "r3m")
    assert run_expert(kitchen, lambda: rng.normal(0, 0.4, 7)) is not None


def test_the_expert_knows_no_time(kitchen):
    kitchen.reset("slide", 20001, "j05")
    first = kitchen.expert()
    fresh = kitchen_expert_push.SlideExpert(kitchen.model)
    for _ in range(3):
        assert np.array_equal(kitchen.expert().velocity, first.velocity)
    assert np.array_equal(fresh.advise(kitchen.data, False).velocity, first.velocity)
    assert np.all(np.abs(first.velocity) <= expert.SPEED_SCALE * kitchen.limits.velocity_max + 1e-12)
