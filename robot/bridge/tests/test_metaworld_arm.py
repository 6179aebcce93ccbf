"""Metaworld's arm: a mocap hand that follows commanded joints, of a Sawyer."""

import math

import numpy as np
import pytest

from sim2real_bridge import limits, metaworld

from . import arm

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
