"""The rig to practise calibration on: an arm of the published lengths, a board that rests, a truth that is drawn."""

import mujoco
import numpy as np
import pytest

from sim2real_bridge import calibration, calibration_scene, render
from sim2real_bridge.domain import RefusedError
from sim2real_bridge.kitchen import JOINTS, ZERO_OFFSET


def pose(data, body):
    place = data.body(body)
    return place.xpos.copy(), place.xmat.reshape(3, 3).copy()


def test_the_flange_is_where_the_kitchens_panda_has_it(kitchen):
    """Two models by different people agree on where link 7 is, for joints all over their ranges."""
    rig = calibration.Rig("eye_in_hand")
    other = mujoco.MjData(kitchen.model)
    for seed in range(20):
        draw = np.random.default_rng(seed)
        low, high = rig.limits.position_min, rig.limits.position_max
        q = draw.uniform(low, high)
        calibration.place(rig.model, rig.data, (q, calibration.shown(0.0)))
        other.qpos[:JOINTS] = q - ZERO_OFFSET
        mujoco.mj_kinematics(kitchen.model, other)
        base, base_turn = pose(other, "panda0_link0")
        link, turn = pose(other, "panda0_link7")
        want = base_turn.T @ (link + turn @ [0, 0, calibration_scene.FLANGE] - base)
        at, own = pose(rig.data, "flange")
        # The kitchen has 1.57 where the table has pi/2: a millimetre at an arm's length.
        assert np.linalg.norm(at - want) < 3e-3
        assert np.abs(own - base_turn.T @ turn).max() < 5e-3


def test_the_board_rests_whole_in_the_picture():
    """Between moves it stands still, and all of its squares are seen."""
    for number in range(1, 40):
        begins = number * (calibration.MOVE_S + calibration.REST_S) + calibration.MOVE_S + 1e-6
        (p, q), (later, q_later) = (calibration.shown(begins + s) for s in (0.0, calibration.REST_S - 2e-6))
        assert np.array_equal(p, later)
        assert np.array_equal(q, q_later)
        turn = np.zeros(9)
        mujoco.mju_quat2Mat(turn, q)
        corners = calibration_scene.corners() @ turn.reshape(3, 3).T + p
        edge = np.tan(np.radians(calibration_scene.FOVY / 2))
        assert np.all(np.abs(corners[:, :2]) < edge * corners[:, 2:])


@pytest.mark.parametrize("task", calibration.TASKS)
def test_what_is_drawn_is_where_the_factsheet_says(task):
    """The camera that draws stands where the scene has it, and sees dark squares on white."""
    rig = calibration.Rig(task)
    out = render.Renderer(rig, calibration.place, calibration.CAMERAS, 96)
    try:
        view = out.views["default"]
        picture = out.render(render.Shot(rig.snapshot()))["default"]
    finally:
        out.close()
    assert picture.startswith(b"\x89PNG")
    place, turn = calibration_scene.CAMERA_IN_BASE
    if task == "lens":
        place, turn = np.zeros(3), np.eye(3)
    if task == "eye_in_hand":
        at, own = pose(_placed(rig), "flange")
        place, turn = at + own @ calibration_scene.CAMERA_ON_FLANGE[0], own @ calibration_scene.CAMERA_ON_FLANGE[1]
    got = np.zeros(9)
    mujoco.mju_quat2Mat(got, np.array(view["orientation_wxyz"]))
    assert np.allclose(view["position_m"], place, atol=1e-5)
    assert np.allclose(got.reshape(3, 3), turn, atol=1e-5)


def _placed(rig):
    calibration.place(rig.model, rig.data, rig.snapshot())
    return rig.data


def test_it_follows_and_refuses():
    rig = calibration.Rig("eye_in_hand")
    rig.tick(np.full(7, 0.1), 0.5)
    assert np.allclose(rig.measure().position - calibration.HOME, 0.001)
    rig.reset("eye_in_hand", 3, "none")
    assert np.array_equal(rig.measure().position, calibration.HOME)
    for task, jitter in (("lens", "none"), ("eye_in_hand", "j05")):
        with pytest.raises(RefusedError):
            rig.reset(task, 0, jitter)
    with pytest.raises(RefusedError):
        rig.expert()
