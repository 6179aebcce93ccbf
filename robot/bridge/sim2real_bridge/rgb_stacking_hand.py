"""The Sawyer's hand: from what the hand shall do to what the joints do.

What belongs here: the hand's kinematics on the simulator's own Jacobian. What does not: where the hand shall go.
The hand always points down; its yaw is the angle from the world's x axis to the tool's, and its fingers open along
the tool's y axis, so a turn by pi is the same grasp.
"""

import math

import mujoco
import numpy as np

from . import limits
from .rgb_stacking_scene import JOINTS, Handles

# The benchmark's posture, rad, that the redundant joint is drawn to: elbow high, hand over the basket.
POSTURE = np.array([0.0, -0.5186220703125, -0.529384765625, 1.220857421875, 0.40857421875, 1.07831640625, 0.0])
POSTURE_GAIN = 0.5  # 1/s
SPEED_SCALE = 0.5  # of the Sawyer's velocity limits: what a demonstration may use
DAMPING = 0.02  # of the inverse, in m and rad alike
TILT_GAIN = 4.0  # 1/s, of the hand's axis towards straight down
REACHED = 1e-4  # m and rad
MAX_ITERATIONS = 500


class Hand:
    """Joint velocities of the arm for velocities of its hand: damped least squares, posture in the null space."""

    def __init__(self, model: mujoco.MjModel, handles: Handles):
        self.model, self.site = model, handles.tool
        self.speed = SPEED_SCALE * limits.load("sawyer").velocity_max
        self._jacobian = np.zeros((6, model.nv))

    def position(self, data) -> np.ndarray:
        """The point between the fingertips in the world, m, shape (3,)."""
        return data.site_xpos[self.site]

    def yaw(self, data) -> float:
        """The hand's, rad."""
        axis = data.site_xmat[self.site].reshape(3, 3)[:, 0]
        return math.atan2(axis[1], axis[0])

    def velocity(self, data, linear: np.ndarray, yaw_rate: float) -> np.ndarray:
        """Joint velocities, rad/s, for a velocity of the hand in the world: m/s, and rad/s about the vertical."""
        down = data.site_xmat[self.site].reshape(3, 3)[:, 2]
        turn = TILT_GAIN * np.cross(down, (0.0, 0.0, -1.0))
        turn[2] += yaw_rate
        dq = self._solve(data, np.concatenate([linear, turn]))
        return dq / max(1.0, np.max(np.abs(dq) / self.speed))  # slower, never elsewhere

    def _solve(self, data, twist: np.ndarray) -> np.ndarray:
        mujoco.mj_jacSite(self.model, data, self._jacobian[:3], self._jacobian[3:], self.site)
        j = self._jacobian[:, :JOINTS]
        inverse = j.T @ np.linalg.inv(j @ j.T + DAMPING**2 * np.eye(6))
        posture = POSTURE_GAIN * (POSTURE - data.qpos[:JOINTS])
        posture[-1] = 0.0  # the wrist is the yaw's alone
        return inverse @ twist + posture - inverse @ (j @ posture)

    def place(self, data, position: np.ndarray, yaw: float) -> float:
        """Puts the arm of data where its hand is at a position, m, and a yaw, rad; what is left, m and rad together."""
        data.qpos[:JOINTS] = POSTURE
        left = math.inf
        for _ in range(MAX_ITERATIONS):
            mujoco.mj_kinematics(self.model, data)
            mujoco.mj_comPos(self.model, data)
            twist = np.concatenate([position - self.position(data), self._turn(data, yaw)])
            left = float(np.linalg.norm(twist))
            if left < REACHED:
                break
            data.qpos[:JOINTS] += 0.3 * self._solve(data, twist)
        return left

    def _turn(self, data, yaw: float) -> np.ndarray:
        """Rotation vector, rad, to straight down at a yaw; for errors below pi."""
        c, s = math.cos(yaw), math.sin(yaw)
        want = np.array([[c, s, 0.0], [s, -c, 0.0], [0.0, 0.0, -1.0]])
        have = data.site_xmat[self.site].reshape(3, 3)
        return 0.5 * sum(np.cross(have[:, i], want[:, i]) for i in range(3))


def turn_to(have: float, want: float, period: float = math.pi) -> float:
    """The least turn, rad, from one yaw to another, where a turn by the period makes no difference."""
    return (want - have + period / 2) % period - period / 2
