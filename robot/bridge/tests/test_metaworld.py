"""Metaworld: fifty tasks, starts, pictures and what the contract says of them."""

import numpy as np
import pytest

from sim2real_bridge import domain, domains, measure, metaworld, metaworld_tasks, render, shifts
from sim2real_bridge.render import Shot

from . import arm
from .conftest import SIZE
from .test_metaworld_arm import WAVE


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
    assert np.linalg.norm(served.data.xpos[served.arm.hand] - served.env.hand_init_pos) < 0.02
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
