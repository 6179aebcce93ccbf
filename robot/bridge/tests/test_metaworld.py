"""Metaworld: fifty tasks, starts, and a mocap hand that follows commanded joints."""

import math

import numpy as np
import pytest

from sim2real_bridge import domain, domains, limits, measure, metaworld, metaworld_tasks, render, shifts
from sim2real_bridge.render import Shot

from . import arm
from .conftest import SIZE

WAVE = np.array([0.3, 0.2, -0.3, -0.4, 0.3, 0.4, 0.5])
# Where each joint of a Sawyer is in the one before: xyz, m, and roll, pitch, yaw, rad, of its maker's URDF.
SAWYER = [
    (0.0, 0.0, 0.08, 0.0, 0.0, 0.0),
    (0.081, 0.05, 0.237, -math.pi / 2, math.pi / 2, 0.0),
    (0.0, -0.14, 0.1425, math.pi / 2, 0.0, 0.0),
    (0.0, -0.042, 0.26, -math.pi / 2, 0.0, 0.0),
    (0.0, -0.125, -0.1265, math.pi / 2, 0.0, 0.0),
    (0.0, 0.031, 0.275, -math.pi / 2, 0.0, 0.0),
    (0.0, -0.11, 0.1053, -math.pi / 2, -0.17453, math.pi),
]


@pytest.fixture(scope="module")
def hammer():
    """One arm before the hammer; every user resets it."""
    return metaworld.build("hammer")


@pytest.fixture(scope="module")
def views(hammer):
    """Pictures of it from every camera."""
    out = render.Renderer(hammer, metaworld.place, domains.cameras(metaworld), SIZE)
    yield out
    out.close()


def link6(q):
    """Pose of a Sawyer's last link in its base."""
    pose = np.eye(4)
    for (x, y, z, roll, pitch, yaw), angle in zip(SAWYER, q, strict=True):
        turn = rotation(2, yaw) @ rotation(1, pitch) @ rotation(0, roll) @ rotation(2, angle)
        pose = pose @ np.block([[turn, np.array([[x], [y], [z]])], [np.zeros((1, 3)), np.ones((1, 1))]])
    return pose


def rotation(axis, angle):
    a, b = (axis + 1) % 3, (axis + 2) % 3
    out = np.eye(3)
    out[a, a] = out[b, b] = math.cos(angle)
    out[b, a], out[a, b] = math.sin(angle), -math.sin(angle)
    return out


def hand(d):
    return d.data.xpos[d.arm.hand].copy()


def test_there_are_fifty_tasks_and_the_papers_are_among_them():
    from metaworld.policies import ENV_POLICY_MAP

    assert {f"{task}-v3" for task in metaworld.TASKS} == set(ENV_POLICY_MAP)
    assert len(metaworld.TASKS) == 50
    assert set(metaworld_tasks.PAPER_TASKS) <= set(metaworld.TASKS)


@pytest.mark.parametrize("task", metaworld.TASKS)
def test_every_task_is_served(task):
    """It starts undone, still, with the hand where the task wants it; its expert has an opinion within limits."""
    served = metaworld.build(task)
    served.reset(task, 3, "random")
    assert not served.succeeded()
    assert not np.any(served.measure().velocity)
    assert np.linalg.norm(hand(served) - served.env.hand_init_pos) < 0.02
    advice = served.expert()
    assert np.all(np.abs(advice.velocity) <= 0.5 * served.limits.velocity_max + 1e-9)
    assert np.any(advice.velocity)
    assert 0.0 <= advice.gripper <= 1.0
    before = served.snapshot()
    arm.run(served, advice.velocity, 1, advice.gripper)
    assert np.all(np.isfinite(served.measure().position))
    assert not np.array_equal(served.snapshot()[0], before[0])
    sheet = served.factsheet()
    assert (sheet["task"], sheet["model"]) == (task, "sawyer")
    assert metaworld.TASKS[task] in sheet["success_rule"]


@pytest.mark.parametrize("task", metaworld_tasks.PAPER_TASKS)
def test_the_start_depends_on_seed_and_preset_only(task):
    served = metaworld.build(task)
    first = arm.start(served, 3, "random")
    arm.run(served, WAVE, 10, gripper=1.0)
    assert np.array_equal(arm.start(served, 3, "random"), first)
    assert not np.array_equal(arm.start(served, 4, "random"), first)
    assert np.array_equal(arm.start(served, 3, "none"), arm.start(served, 4, "none"))
    assert np.array_equal(arm.start(metaworld.build(task), 3, "random"), first)


def test_the_same_commands_end_in_the_same_state(hammer):
    ends = []
    for _ in range(2):
        hammer.reset("hammer", 5, "random")
        arm.run(hammer, WAVE, 20, gripper=0.8)
        ends.append(np.concatenate([hammer.data.qpos, hammer.data.qvel, hammer.data.mocap_pos[0]]))
    assert np.array_equal(*ends)


def test_pictures_depend_on_the_state_only(hammer, views):
    def pictures(seed):
        hammer.reset("hammer", seed, "random")
        return views.render(Shot(hammer.snapshot()))

    first = pictures(1)
    other = pictures(2)
    assert pictures(1) == first
    near = [name for name in first if name != "behindGripper"]  # which sees the hand's back alone
    assert all(other[name] != first[name] for name in near)
    assert len({first[name] for name in metaworld.CAMERAS}) == len(metaworld.CAMERAS), "two cameras see the same"
    assert first["default"] == first[metaworld.DEFAULT_CAMERA]


def test_no_camera_is_upside_down(views):
    """The model's own corner cameras are, which the literature turns round."""
    for name, view in views.views.items():
        assert arm.up(view)[2] > -1e-3, name


def test_the_literatures_cameras_stand_where_it_has_them(views):
    for name, position in {"top_cap2": (0, 0.9, 0.6), "left_cap2": (-0.5, 0, 0.4), "right_cap2": (0.3, 0, 0.5)}.items():
        assert np.allclose(views.views[name]["position_m"], position, atol=1e-3), name


@pytest.mark.parametrize("seed", range(5))
def test_joints_are_the_sawyers(hammer, seed):
    q = np.random.default_rng(seed).uniform(hammer.limits.position_min, hammer.limits.position_max)
    hammer.arm.forward(q)
    scratch, last = hammer.arm._scratch, hammer.model.body("right_l6").id
    base = hammer.model.body("right_arm_base_link").id
    turn = scratch.xmat[base].reshape(3, 3).T
    want = link6(q)
    assert np.allclose(turn @ (scratch.xpos[last] - scratch.xpos[base]), want[:3, 3], atol=1e-4)
    assert np.allclose(turn @ scratch.xmat[last].reshape(3, 3), want[:3, :3], atol=1e-3)


def test_the_jacobian_is_the_derivative_of_forward(hammer):
    hammer.reset("hammer", 1, "random")
    q, step = hammer.measure().position, 1e-6
    jacobian = hammer.arm.jacobian(hammer.data)[:3].copy()
    moved = [hammer.arm.forward(q + step * e)[0] - hammer.arm.forward(q - step * e)[0] for e in np.eye(7)]
    assert np.allclose(np.array(moved).T / (2 * step), jacobian, atol=1e-5)


def test_the_mocap_hand_is_where_the_commanded_joints_have_it(hammer):
    hammer.reset("hammer", 1, "random")
    for _ in arm.drive(hammer, lambda: WAVE, 8):
        position, orientation = hammer.arm.forward(hammer.commanded_position())
        assert np.allclose(hammer.data.mocap_pos[0], position, atol=2e-3)
        assert abs(orientation @ hammer.data.mocap_quat[0]) > 0.9999


def test_the_arm_follows_its_commanded_joints(hammer):
    """All seven, the elbow's circle too; by the weld's lag of some 40 ms."""
    hammer.reset("hammer", 1, "random")
    before = hammer.measure().position
    arm.run(hammer, WAVE, 12)
    moving = hammer.measure()
    assert np.allclose(moving.velocity, WAVE, atol=0.12)
    arm.run(hammer, np.zeros(7), 12)
    rest = hammer.measure()
    assert np.allclose(rest.position, hammer.commanded_position(), atol=0.02)
    assert np.linalg.norm(rest.position - before) > 0.3


def test_an_arm_told_nothing_stays(hammer):
    """But for what the weld gives under the hand's weight, at first."""
    hammer.reset("hammer", 2, "random")
    before = hammer.measure().position
    arm.run(hammer, np.zeros(7), 30)
    settled = hammer.measure().position
    assert np.abs(settled - before).max() < 0.02
    arm.run(hammer, np.zeros(7), 60)
    assert np.abs(hammer.measure().position - settled).max() < 1e-4


def test_what_leads_out_of_the_tasks_box_waits_at_its_wall(hammer):
    """And the commanded joints come back at once: nothing was wound up beyond LEAD."""
    hammer.reset("hammer", 1, "random")
    down = lambda: hammer.arm.velocity(hammer.data, np.array([0.0, 0.0, -0.3, 0.0, 0.0, 0.0]), 0.0)  # noqa: E731
    for _ in arm.drive(hammer, down, 40):
        assert np.all(hammer.data.mocap_pos[0] >= hammer.env.mocap_low - 1e-9)
        assert np.all(hammer.data.mocap_pos[0] <= hammer.env.mocap_high + 1e-9)
        assert np.abs(hammer.commanded_position() - hammer.measure().position).max() <= metaworld.LEAD + 0.03
    wanted, _ = hammer.arm.forward(hammer.commanded_position())
    assert wanted[2] > hammer.env.mocap_low[2] - 0.02


def test_no_command_takes_a_joint_beyond_the_sawyers_limits(hammer):
    """As fast as may be towards each end, for the whole horizon."""
    table = limits.load("sawyer")
    assert np.array_equal(hammer.limits.position_max, table.position_max)
    for sign in (-1.0, 1.0):
        hammer.reset("hammer", 1, "random")
        for velocity in arm.drive(hammer, lambda s=sign: s * table.velocity_max, 40):
            position = hammer.commanded_position()
            assert np.all(position >= table.position_min - 1e-6)
            assert np.all(position <= table.position_max + 1e-6)
            assert np.all(np.abs(velocity) <= table.velocity_max + 1e-12)


def test_the_gripper_opens_and_closes(hammer):
    hammer.reset("hammer", 1, "random")
    arm.run(hammer, np.zeros(7), 15, gripper=0.0)
    opened = hammer.measure().gripper
    arm.run(hammer, np.zeros(7), 15, gripper=1.0)
    closed = hammer.measure().gripper
    assert opened < 0.1
    assert closed > opened + 0.5


@pytest.mark.parametrize("task", metaworld_tasks.PAPER_TASKS)
def test_success_is_the_environments_own(task):
    """Through an expert's whole episode, at every control step; and a reset begins undone."""
    served = metaworld.build(task)
    seen = []
    outcome = measure.episode(served, 1_000_000, "random", lambda: seen.append(served.succeeded()))
    assert outcome.steps, "the expert fails"
    assert seen[-1]
    assert not any(seen[: -served.control_ticks]), "a control step that ended in success did not end the episode"
    action = np.zeros(4)
    assert served.env.evaluate_state(served._observation, action)[1]["success"] == 1.0
    served.reset(task, 1_000_000, "random")
    assert not served.succeeded()
    assert served.env.evaluate_state(served._observation, action)[1]["success"] == 0.0


def test_a_blocked_arm_pushes_hard_enough_for_the_stiffest_lever():
    """A start at which a LEAD of 0.2 rad does not turn it."""
    assert measure.episode(metaworld.build("lever-pull"), 1_000_001, "random").steps


@pytest.mark.parametrize(
    ("task", "jitter", "remedy"), [("reach", "random", "--task reach"), ("hammer", "j05", "none, random")]
)
def test_a_reset_that_cannot_be_done(hammer, task, jitter, remedy):
    with pytest.raises(domain.RefusedError, match=remedy):
        hammer.reset(task, 0, jitter)


def test_friction_is_undone_by_the_next_reset(hammer):
    from sim2real_bridge.disturbance import Disturbance

    before = [table.copy() for table in (hammer.model.geom_friction, hammer.model.dof_frictionloss)]
    disturbance = Disturbance(shifts.Draw("friction", 1), hammer)
    assert not np.array_equal(hammer.model.geom_friction, before[0])
    disturbance.undo()
    assert np.array_equal(hammer.model.geom_friction, before[0])
    assert np.array_equal(hammer.model.dof_frictionloss, before[1])


@pytest.fixture
def two_views(hammer):
    """As many as it takes to mistake one for the other."""
    cameras = {name: metaworld.CAMERAS[name] for name in ("corner2", "left_cap2")}
    out = render.Renderer(hammer, metaworld.place, cameras, SIZE)
    yield out
    out.close()


def test_two_episodes_through_the_contract(served, peer, hammer, two_views):
    """Lock-step, taught, from two cameras, to success, by the same states."""
    said = []
    for episode in ("e1", "e2"):
        bridge = served(hammer, two_views, "lockstep", teacher=True, jitter="random")
        said.append(arm.taught(peer, episode, 1_000_000))
        bridge.stop()
    assert said[0] == said[1]
    assert said[0][-1]["state"] == "success"
    frames = {name: peer.next(f"camera/{name}") for name in ("corner2", "left_cap2")}
    assert all(frame["name"] == name for name, frame in frames.items())
    assert frames["corner2"]["data"] != frames["left_cap2"]["data"]
    assert frames["corner2"]["seq"] == frames["left_cap2"]["seq"]


def seconds(message):
    return message["stamp"]["sec"] + 1e-9 * message["stamp"]["nanosec"]


def test_real_time_is_the_environments_80_hz(served, peer, hammer, two_views):
    """States at every tick, frames at control steps; a command moves the arm, and silence stops it."""
    served(hammer, two_views, "realtime", jitter="random")
    assert peer.next("factsheet")["state_rate_hz"] == 80.0
    assert peer.reset(seed=1, jitter="", task="")["state"] == "ready"
    peer.start()
    state = peer.until("joint_states", lambda s: s["episode"]["state"] == "running")
    stamps = [seconds(state)]
    for _ in range(30):
        peer.answer(state, WAVE, name=state["name"])
        state = peer.next("joint_states")
        stamps.append(seconds(state))
    assert np.allclose(np.diff(stamps), 0.0125)
    peer.until("joint_states", lambda s: s["mode"] == "velocity" and s["moving"])
    peer.until("joint_states", lambda s: s["mode"] == "stopped")
    peer.until("joint_states", lambda s: not s["moving"])
    first = peer.until("camera/left_cap2", lambda f: seconds(f) > stamps[0])  # those before count from another tick
    gaps = np.diff([seconds(first)] + [seconds(peer.next("camera/left_cap2")) for _ in range(2)]) / 0.05
    assert np.all(gaps > 0.5)
    assert np.allclose(gaps, np.round(gaps))
