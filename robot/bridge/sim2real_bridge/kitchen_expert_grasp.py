"""The expert that needs its fingers: it takes the microwave's handle and pulls the door open.

What belongs here: where the hand has to be before, around and behind the handle, and when it closes. What does
not: how it gets its joints there (expert.py).
"""

import numpy as np

from .domain import Advice
from .expert import GAIN, HAND_SPEED, HandControl, blend, falling, limit_norm, tilted

TILT = -0.9  # rad: fingers down from level; level, the handle is too near and too low for the arm
YAW = 0.4  # rad: fingers to the left of straight on


class MicrowaveExpert:
    """Straddles the upright handle with open fingers, closes them, and pulls along the door's circle.

    All places are of the fingertips relative to the handle's middle, m, along the hand's own axes. Whether it holds
    the handle is seen from the fingers: open to 4 cm each, they stop at 2 cm on it.
    """

    AROUND = 0.02  # along the fingers: the tips behind the handle
    BEFORE = -0.10  # the tips before it
    PULL = 0.08  # ahead of the handle on its circle: a wish that keeps pulling
    HELD_RANGE = (0.024, 0.03)  # opening of a finger at which it holds, and does not, m

    def __init__(self, model):
        self.arm = HandControl(model)
        self.site = model.site("microhandle_site").id
        self.hinge = model.joint("microwave").id
        self.facing = turned(YAW) @ tilted(TILT)
        fingers = ("robot:panda0_finger_joint1", "robot:panda0_finger_joint2")
        self.fingers = [model.joint(name).qposadr[0] for name in fingers]

    def advise(self, data, done: bool) -> Advice:
        """data has positions evaluated; done is the success rule on it."""
        handle = data.site_xpos[self.site]
        relative = self.facing.T @ (self.arm.tips(data) - handle)
        radius = handle - data.xanchor[self.hinge]
        opening = np.array([radius[1], -radius[0], 0.0]) / np.hypot(radius[0], radius[1])
        around = 1.0 - falling(relative[2], 0.0, 0.015)
        around *= falling(abs(relative[1]), 0.02, 0.03)
        held = around * falling(data.qpos[self.fingers].mean(), *self.HELD_RANGE)
        offset = self.facing @ self.wish(relative) + held * self.PULL * opening
        speed = limit_norm(GAIN * offset, HAND_SPEED)
        return Advice(self.arm.velocity(data, speed, self.facing), gripper=around, done=done)

    def wish(self, relative: np.ndarray) -> np.ndarray:
        """Displacement wanted of the tips, m, from where they are: before the handle, then around it."""
        aligned = falling(abs(relative[1]), 0.01, 0.03) * falling(abs(relative[0]), 0.03, 0.06)
        return np.array([0.0, 0.0, blend(self.BEFORE, self.AROUND, aligned)]) - relative


def turned(yaw: float) -> np.ndarray:
    """The rotation about the vertical by an angle, rad."""
    c, s = np.cos(yaw), np.sin(yaw)
    return np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])
