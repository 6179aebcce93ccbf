"""RGB stacking: the scene as the benchmark has it, starts, motion, the sparse rule, and colours that stay."""

import json

import mujoco
import numpy as np
import pytest

from sim2real_bridge import (
    canvas,
    domain,
    domains,
    limits,
    measure,
    render,
    rgb_stacking,
    rgb_stacking_scene,
    shift_scene,
    shifts,
)
from sim2real_bridge.render import Shot

from . import arm
from .conftest import SIZE

WAVE = np.array([0.2, 0.1, -0.2, -0.2, 0.3, 0.2, 0.4])


@pytest.fixture(scope="module")
def cell():
    """One cell with triplet 4; every user resets it."""
    return rgb_stacking.build("triplet4")


@pytest.fixture(scope="module")
def views(cell):
    """Pictures of it from every camera."""
    out = render.Renderer(cell, rgb_stacking.place, domains.cameras(rgb_stacking), SIZE)
    yield out
    out.close()


def put(cell, colour, position):
    """Sets an object upright somewhere, m, at rest."""
    at = cell._handles.positions[colour]
    cell.data.qpos[at : at + 7] = [*position, 1.0, 0.0, 0.0, 0.0]
    mujoco.mj_forward(cell.model, cell.data)


@pytest.mark.parametrize("task", rgb_stacking.TASKS)
def test_every_triplet_is_served(task):
    """Undone and still at its start, objects of the benchmark's names and the task's colours in the basket."""
    cell = rgb_stacking.build(task)
    cell.reset(task, 3, "uniform")
    assert not cell.succeeded()
    assert not np.any(cell.data.qvel)
    for colour, rgba in zip(rgb_stacking_scene.COLOURS, rgb_stacking_scene.RGBA, strict=True):
        body = cell._handles.bodies[colour]
        geoms = np.flatnonzero(cell.model.geom_bodyid == body)
        assert any(np.array_equal(cell.model.geom_rgba[g], rgba) for g in geoms), colour
        x, y, z = cell.data.xpos[body] - rgb_stacking_scene.BASKET_POSITION
        assert max(abs(x), abs(y)) < 0.2
        assert 0.0 < z < 0.1
    advice = cell.expert()
    assert np.all(np.abs(advice.velocity) <= 0.5 * cell.limits.velocity_max + 1e-9)
    sheet = cell.factsheet()
    assert (sheet["task"], sheet["model"]) == (task, "sawyer")
    red, _, blue = rgb_stacking.TASKS[task]
    assert f"red {red} " in sheet["success_rule"]
    assert f"of blue {blue} " in sheet["success_rule"]
    json.dumps(sheet)


def test_time_is_the_benchmarks(cell):
    assert 1.0 / (cell.tick_s * cell.control_ticks) == pytest.approx(20.0)
    assert cell.horizon_steps * cell.tick_s * cell.control_ticks == pytest.approx(20.0)


def test_the_start_depends_on_seed_and_preset_only(cell):
    first = arm.start(cell, 3, "uniform")
    arm.run(cell, WAVE, 4, gripper=1.0)
    assert np.array_equal(arm.start(cell, 3, "uniform"), first)
    assert not np.array_equal(arm.start(cell, 4, "uniform"), first)
    assert np.array_equal(arm.start(cell, 3, "none"), arm.start(cell, 4, "none"))
    assert np.array_equal(arm.start(rgb_stacking.build("triplet4"), 3, "uniform"), first)


def test_near_moves_what_lies_there_a_little(cell):
    """Each object by no more than its bounds, and what it slides in coming to rest, each seed otherwise."""

    def lying(seed, jitter):
        cell.reset("triplet4", seed, jitter)
        return np.array([cell.data.xpos[cell._handles.bodies[c]] for c in rgb_stacking_scene.COLOURS])

    none, settling = lying(0, "none"), 0.005
    moved = np.array([lying(seed, "near") - none for seed in range(8)])
    assert np.abs(moved[..., :2]).max() <= rgb_stacking.PRESETS["near"].nudge_m + settling
    assert np.all(np.ptp(moved[..., :2], axis=0) > 0.01)


def test_the_same_commands_end_in_the_same_state(cell):
    ends = []
    for _ in range(2):
        cell.reset("triplet4", 5, "uniform")
        arm.run(cell, WAVE, 6, gripper=0.8)
        ends.append(np.concatenate([cell.data.qpos, cell.data.qvel]))
    assert np.array_equal(*ends)


def test_the_arm_moves_as_commanded(cell):
    cell.reset("triplet4", 1, "none")
    before = cell.measure().position
    arm.run(cell, WAVE, 8)
    moving = cell.measure()
    assert np.allclose(moving.velocity, WAVE, atol=0.03)
    assert np.allclose(moving.position - before, 0.4 * WAVE, atol=0.02)


def test_an_arm_told_nothing_stays(cell):
    cell.reset("triplet4", 1, "none")
    before = cell.measure().position
    arm.run(cell, np.zeros(7), 20)
    assert np.abs(cell.measure().position - before).max() < 2e-3


def test_limits_are_the_sawyers_within_the_models(cell):
    table, (low, high) = limits.load("sawyer"), cell.model.jnt_range[:7].T
    assert np.array_equal(cell.limits.position_max, np.minimum(table.position_max, high))
    assert np.array_equal(cell.limits.position_min, np.maximum(table.position_min, low))
    assert np.array_equal(cell.limits.velocity_max, table.velocity_max)


def test_a_blocked_arm_leads_by_no_more_than_its_bound(cell):
    """Down into the basket's floor; what the target leads is what it would spring back by."""
    cell.reset("triplet4", 1, "none")
    down = lambda: cell._hand.velocity(cell.data, np.array([0.0, 0.0, -0.2]), 0.0)  # noqa: E731
    for _ in arm.drive(cell, down, 30):
        lead = np.abs(cell.commanded_position() - cell.measure().position)
        assert lead.max() <= rgb_stacking.LEAD + 0.02
    assert cell._hand.position(cell.data)[2] > rgb_stacking_scene.FLOOR - 0.01


def test_the_gripper_opens_and_closes(cell):
    cell.reset("triplet4", 1, "none")
    assert cell.measure().gripper == pytest.approx(0.0, abs=0.02)
    arm.run(cell, np.zeros(7), 30, gripper=1.0)
    assert cell.measure().gripper > 0.9


def test_success_is_the_sparse_rule(cell):
    """Red on blue, and every way of almost."""
    cell.reset("triplet4", 1, "none")
    x, y, floor = rgb_stacking_scene.BASKET_POSITION
    put(cell, "green", (x - 0.1, y - 0.1, floor + 0.03))

    def heights(colour, z):
        put(cell, colour, (x, y, z))
        return cell._expert.look(cell.data).shapes[colour].corners[:, 2] - z

    overlap = 2e-4  # m: contacts need some
    blue = heights("blue", floor + 0.2)
    top = floor + blue.max() - blue.min() - overlap
    on = top - heights("red", floor + 0.3).min() - overlap
    put(cell, "blue", (x, y, floor - blue.min() - overlap))
    for position, success in [
        ((x, y, on), True),
        ((x + 0.02, y, on), True),
        ((x + 0.06, y, on), False),  # beside it
        ((x, y, on + 0.01), False),  # above it, touching nothing
        ((x + 0.1, y + 0.1, floor + 0.03), False),  # on the ground
    ]:
        put(cell, "red", position)
        assert cell.succeeded() is success, position


def test_an_expert_stacks_and_the_start_after_it_is_undone(cell):
    outcome = measure.episode(cell, 1_000_000, "uniform")
    assert 0 < outcome.steps < cell.horizon_steps
    assert cell.expert().done
    cell.reset("triplet4", 1_000_000, "uniform")
    assert not cell.succeeded()


def test_pictures_depend_on_the_state_only(cell, views):
    def pictures(seed):
        cell.reset("triplet4", seed, "uniform")
        return views.render(Shot(cell.snapshot()))

    first, other = pictures(1), pictures(2)
    assert pictures(1) == first
    assert all(first[name] != other[name] for name in first)
    assert len({first[name] for name in rgb_stacking.VIEWS}) == 3
    assert first["default"] == first[rgb_stacking.DEFAULT_CAMERA]
    assert all(arm.up(view)[2] > 0.3 for view in views.views.values())


@pytest.mark.parametrize("name", ["texture_strong", "randomised"])
def test_no_shift_repaints_what_the_task_tells_apart(cell, name):
    """Red stays red: but everything else in the cell is repainted."""
    cameras = {"view": rgb_stacking.CAMERAS["basket_front_left"]}
    drawn = canvas.Canvas(cell, rgb_stacking.place, cameras, SIZE)
    model, spared = drawn._model, np.isin(drawn._model.geom_bodyid, list(cell.coloured_bodies))
    assert spared.sum() >= 3
    before = model.geom_rgba.copy()
    repainting = [d for d in (shifts.Draw(name, seed) for seed in range(20)) if d.kinds(shift_scene.Texture)]
    assert len(repainting) > 4
    for draw in repainting[:3]:
        drawn.dress(draw)
        assert np.array_equal(model.geom_rgba[spared], before[spared])
        assert not np.any(np.all(model.geom_rgba[~spared] == before[~spared], axis=1))
    drawn.dress(shifts.UNSHIFTED)
    assert np.array_equal(model.geom_rgba, before)
    drawn.close()


@pytest.mark.parametrize(
    ("task", "jitter", "remedy"),
    [("triplet1", "uniform", "--task triplet1"), ("triplet4", "j05", "none, near, uniform")],
)
def test_a_reset_that_cannot_be_done(cell, task, jitter, remedy):
    with pytest.raises(domain.RefusedError, match=remedy):
        cell.reset(task, 0, jitter)


def test_an_episode_through_the_contract(served, peer, cell, views):
    """Lock-step, taught, cut short by the horizon asked for."""
    bridge = served(cell, views, "lockstep", teacher=True, jitter="uniform", horizon=6)
    said = arm.taught(peer, "e1", 1_000_000)
    assert said[-1] == {"state": "truncated", "step": 6}
    assert len(said) == 6
    sheet = peer.next("factsheet")
    assert sheet["horizon_steps"] == 6
    assert [camera["name"] for camera in sheet["cameras"]] == ["default", *rgb_stacking.VIEWS]
    bridge.stop()
