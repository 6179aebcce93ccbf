"""What the Panda's scripted experts are made of: velocity fields over the simulator's state.

What belongs here: the inverse kinematics that follow a wish of the hand, and how wishes are blended. What does not: the
geometry of a task (kitchen_expert_*.py), and time. An
expert sees the present state and nothing else, no clock and no phase counter, so that a policy
that sees one picture can learn it, and a disturbed arm recovers. Its phases are blended by where the hand is.
"""

import mujoco
import numpy as np

from . import limits

JOINTS = 7
SPEED_SCALE = 0.5  # of the Panda's velocity limits: what a demonstration may use
HAND_SPEED = 0.25  # m/s
HAND_TURN = 1.0  # rad/s
GAIN = 4.0  # 1/s, of position errors
TURN_GAIN = 3.0  # 1/s, of orientation errors
POSTURE_GAIN = 0.5  # 1/s, of the redundant joint towards POSTURE
DAMPING = 0.05  # of the inverse, in m and rad alike
TIP = 0.05  # m, from the hand's site to the ends of the fingers
# Hand forward, into the kitchen (+y of the world), fingers opening along x: columns are the hand's axes.
FACING_KITCHEN = np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]])
# A posture, in the model's joints, that reaches the cabinet with the hand as above.
POSTURE = np.array([0.15, -1.0, 1.6, -2.0, 0.3, 0.6, 1.6])


class HandControl:
    """Joint velocities of the Panda that move its hand: damped least squares, posture in the null space."""

    def __init__(self, model):
        self.model = model
        self.site = model.site("end_effector").id
        self.limit = SPEED_SCALE * limits.load("panda").velocity_max
        self.jacobian = np.zeros((6, model.nv))

    def position(self, data) -> np.ndarray:
        """The hand's site in the world, m, shape (3,)."""
        return data.site_xpos[self.site]

    def tips(self, data) -> np.ndarray:
        """Where the fingers end in the world, m, shape (3,)."""
        return data.site_xpos[self.site] + TIP * data.site_xmat[self.site].reshape(3, 3)[:, 2]

    def velocity(self, data, speed: np.ndarray, facing: np.ndarray) -> np.ndarray:
        """Joint velocities, rad/s, for a hand speed, m/s in the world, and an orientation to hold."""
        turn = limit_norm(TURN_GAIN * rotation_to(data.site_xmat[self.site].reshape(3, 3), facing), HAND_TURN)
        mujoco.mj_jacSite(self.model, data, self.jacobian[:3], self.jacobian[3:], self.site)
        j = self.jacobian[:, :JOINTS]
        inverse = j.T @ np.linalg.inv(j @ j.T + DAMPING**2 * np.eye(6))
        posture = POSTURE_GAIN * (POSTURE - data.qpos[:JOINTS])
        dq = inverse @ np.concatenate([speed, turn]) + posture - inverse @ (j @ posture)
        return dq / max(1.0, np.max(np.abs(dq) / self.limit))  # slower, never elsewhere


def tilted(up: float) -> np.ndarray:
    """FACING_KITCHEN, the fingers pointing up by an angle, rad."""
    c, s = np.cos(up), np.sin(up)
    return np.array([[1.0, 0.0, 0.0], [0.0, c, -s], [0.0, s, c]]) @ FACING_KITCHEN


def rotation_to(have: np.ndarray, want: np.ndarray) -> np.ndarray:
    """Rotation vector in the world, rad, that turns have into want; for errors well below pi."""
    return 0.5 * sum(np.cross(have[:, i], want[:, i]) for i in range(3))


def limit_norm(vector: np.ndarray, bound: float) -> np.ndarray:
    """The vector, no longer than bound."""
    return vector / max(1.0, np.linalg.norm(vector) / bound)


def falling(x: float, low: float, high: float) -> float:
    """1 below low, 0 above high, smooth between."""
    t = np.clip((x - low) / (high - low), 0.0, 1.0)
    return 1.0 - t * t * (3.0 - 2.0 * t)


def blend(a: float, b: float, weight: float) -> float:
    """a at weight 0, b at weight 1."""
    return a + (b - a) * weight
