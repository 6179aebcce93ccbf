"""Metaworld's scripted policies as experts that speak joint velocities.

What belongs here: a policy's hand motion turned into the arm's. What does not: the policies, which are the
package's own, one a task. They keep no state, so an expert sees the present and nothing else.
"""

import numpy as np

from .domain import Advice
from .limits import Limits
from .metaworld_arm import UPRIGHT, Arm, rotation_to

SPEED_SCALE = 0.5  # of the arm's velocity limits: what a demonstration may use
HAND_SPEED = 0.4  # m/s along an axis at a policy's full action; the environment's own is 0.8
TURN_GAIN = 4.0  # 1/s, of orientation errors
HAND_TURN = 1.0  # rad/s
POSTURE_GAIN = 0.5  # 1/s, of the redundant joint
FAR = np.array([0.0, 0.0, 0.3])  # m: above whatever a policy grasps
DESCENDING = 0.1  # a policy's action down, and more than sideways, from which it still comes down to grasp
OPEN = 0.95  # of the fingers' distance: nothing that is grasped is so wide
GRIPPED = 0.02  # m/s: fingers closing slower than this hold something or each other


class Expert:
    """The policy of one task on an arm within limits."""

    def __init__(self, task: str, arm: Arm, limits: Limits):
        from metaworld.policies import ENV_POLICY_MAP

        self.policy, self.arm = ENV_POLICY_MAP[f"{task}-v3"](), arm
        self.limit = SPEED_SCALE * limits.velocity_max

    def advise(self, observation: np.ndarray, done: bool) -> Advice:
        """What to do where the policy sees this observation, shape (39,); done is the success rule there."""
        action = self._grasp(observation, self._action(observation))
        turn = TURN_GAIN * rotation_to(self.arm.data.xquat[self.arm.hand], UPRIGHT)
        turn /= max(1.0, np.linalg.norm(turn) / HAND_TURN)
        dq = self.arm.velocity(self.arm.data, np.concatenate([HAND_SPEED * action[:3], turn]), POSTURE_GAIN)
        dq /= max(1.0, np.max(np.abs(dq) / self.limit))  # slower, never elsewhere
        return Advice(velocity=dq, gripper=float(0.5 * (action[3] + 1.0)), done=done)

    def _action(self, observation: np.ndarray, away: np.ndarray | float = 0.0) -> np.ndarray:
        """The policy's, were the hand so far away, m, from where it is."""
        seen = observation.copy()
        seen[:3] += away
        return np.clip(self.policy.get_action(seen), -1.0, 1.0)

    def _grasp(self, observation: np.ndarray, action: np.ndarray) -> np.ndarray:
        """The action, but that a grasp is waited for.

        The policies close the fingers while the hand still comes down, and carry on without looking whether they
        have closed: that works at the speed that they were tuned at, and at no other.
        """
        if action[3] <= 0.0 or self._action(observation, FAR)[3] > 0.0:
            return action  # not closing, or closed wherever it is: no grasp
        data = self.arm.data
        closing = data.joint("r_close").qvel[0] - data.joint("l_close").qvel[0]
        if observation[3] < OPEN and closing < GRIPPED:
            return action
        sideways = np.max(np.abs(action[:2]))
        if action[2] < -max(sideways, DESCENDING) and observation[3] > OPEN:
            return np.append(action[:3], -1.0)
        return np.append(np.zeros(3), action[3])
