"""Metaworld's Sawyer: its kinematics, and what holds it up.

What belongs here: the model's chain, forward, differential and inverse. What does not: when it moves (metaworld.py)
and where it should (metaworld_expert.py). Joints are the Sawyer's own: the model counts them from the published zeros.
"""

import mujoco
import numpy as np

JOINTS = 7
UPRIGHT = np.array([1.0, 0.0, 1.0, 0.0]) / np.sqrt(2.0)  # the hand's orientation in every task: fingers down, w first
# Elbow up above the table, joint 6 near where a Sawyer's neutral pose has it, rad.
POSTURE = np.array([1.31, -1.18, 0.0, 1.9, 0.0, 0.8, 3.1])
DAMPING = 0.03  # of the inverse, in m and, by WEIGHT, rad
WEIGHT = np.array([1.0, 1.0, 1.0, 0.1, 0.1, 0.1])  # of a twist's parts, by m/s and rad/s
POSE_STEPS = 200  # of the inverse kinematics of a start: enough for 0.1 mm
HOLD_STIFFNESS = 300.0  # N·m/rad, of the redundant motion: follows as late as the weld lets the hand follow


class Arm:
    """The arm in a model and its data. Has data of its own to ask where the arm would be."""

    def __init__(self, model, data):
        self.model, self.data = model, data
        # Some tasks' models count their objects' joints before the arm's.
        first = model.joint("right_j0")
        self.joints = slice(first.id, first.id + JOINTS)
        self.qpos = slice(first.qposadr[0], first.qposadr[0] + JOINTS)
        self.dofs = slice(first.dofadr[0], first.dofadr[0] + JOINTS)
        self.hand = model.body("hand").id
        self.weld = next(i for i in range(model.neq) if model.eq_type[i] == mujoco.mjtEq.mjEQ_WELD)
        self._scratch = mujoco.MjData(model)
        self._jacobian = np.zeros((6, model.nv))

    def forward(self, q: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The hand's position in the world, m, and unit quaternion, w first, at joint positions, rad."""
        self._scratch.qpos[self.qpos] = q
        mujoco.mj_kinematics(self.model, self._scratch)
        return self._scratch.xpos[self.hand].copy(), self._scratch.xquat[self.hand].copy()

    def jacobian(self, data) -> np.ndarray:
        """Of the hand, m/rad over rad/rad, shape (6, 7), at positions that data has evaluated."""
        mujoco.mj_jacBody(self.model, data, self._jacobian[:3], self._jacobian[3:], self.hand)
        return self._jacobian[:, self.dofs]

    def velocity(self, data, twist: np.ndarray, posture_gain: float) -> np.ndarray:
        """Joint velocities, rad/s, for a twist of the hand, m/s over rad/s in the world, by damped least squares.

        Where the arm cannot do both, the hand gets there tilted. What the hand leaves free drifts towards POSTURE at
        posture_gain, 1/s.
        """
        j = WEIGHT[:, None] * self.jacobian(data)
        inverse = j.T @ np.linalg.inv(j @ j.T + DAMPING**2 * np.eye(6))
        drift = posture_gain * (POSTURE - data.qpos[self.qpos])
        return inverse @ (WEIGHT * twist) + drift - inverse @ (j @ drift)

    def moved(self, q: np.ndarray, offset: np.ndarray) -> np.ndarray:
        """Joint positions near those that forward was last asked for, whose hand is a small offset, m, from there."""
        mujoco.mj_comPos(self.model, self._scratch)
        j = self.jacobian(self._scratch)[:3]
        return q + j.T @ np.linalg.solve(j @ j.T + DAMPING**2 * np.eye(3), offset)

    def posture_for(self, position: np.ndarray) -> np.ndarray:
        """Joint positions, rad, that hold the hand upright at a position, m; from POSTURE, so always the same."""
        data, gain = self._scratch, 1.0
        data.qpos[self.qpos] = POSTURE
        low, high = self.model.jnt_range[self.joints].T
        for _ in range(POSE_STEPS):
            mujoco.mj_kinematics(self.model, data)
            mujoco.mj_comPos(self.model, data)
            twist = np.concatenate([position - data.xpos[self.hand], rotation_to(data.xquat[self.hand], UPRIGHT)])
            step = self.velocity(data, 0.5 * twist, 0.3 * gain)
            data.qpos[self.qpos] = np.clip(data.qpos[self.qpos] + np.clip(step, -0.2, 0.2), low, high)
            gain *= 0.95  # the posture's pull fades: in the end the hand is exact
        return data.qpos[self.qpos].copy()

    def hold(self, q: np.ndarray) -> np.ndarray:
        """Torques, N·m: gravity's opposite, and a spring towards q, rad, in what the hand leaves free.

        The weld pulls the hand alone. Without these the arm hangs from it, folds onto a joint's stop and swings.
        """
        free = np.linalg.svd(self.jacobian(self.data))[2][-1]
        return free * (free @ (self.data.qfrc_bias[self.dofs] + HOLD_STIFFNESS * (q - self.data.qpos[self.qpos])))

    def pull(self) -> np.ndarray:
        """Torques, N·m, that the weld to the mocap body exerts in the joints."""
        data = self.data
        rows = (data.efc_type == mujoco.mjtConstraint.mjCNSTR_EQUALITY) & (data.efc_id == self.weld)
        return data.efc_J.reshape(data.nefc, -1)[rows][:, self.dofs].T @ data.efc_force[rows]


def rotation_to(have: np.ndarray, want: np.ndarray) -> np.ndarray:
    """Rotation vector in the world, rad, that turns one unit quaternion, w first, into another."""
    turn, inverse, out = np.zeros(4), np.zeros(4), np.zeros(3)
    mujoco.mju_negQuat(inverse, have)
    mujoco.mju_mulQuat(turn, want, inverse)
    mujoco.mju_quat2Vel(out, turn, 1.0)
    return out
