"""Experts that push a thing aside with closed fingers: the slide cabinet's handle and the light switch.

What belongs here: where the hand has to be beside what it pushes. What does not: how it gets its joints
there (expert.py).
"""

import numpy as np

from .domain import Advice
from .expert import GAIN, HAND_SPEED, HandControl, blend, falling, limit_norm, tilted


class PushExpert:
    """Goes beside a site, staying clear before it until it is there, and pushes through it along x.

    All places are of the fingertips relative to what is pushed, m.
    """

    SITE = ""
    ARM = (0.0, 0.0, 0.0)  # from the site to what is pushed, m along the site's own axes, which turn with the thing
    SIDE = -1.0  # where the hand stands before it pushes: -1 at smaller x, +1 at greater
    BESIDE = 0.09  # how far to that side
    DEPTH = 0.03  # along y, when beside and pushing
    CLEAR_DEPTH = -0.11  # at which the tips pass before the thing
    TILT = 0.0  # of the hand, up from level, rad
    PUSH = 0.06  # through the thing: a wish that keeps pushing
    # Distance to the side from which, and at which, the hand need not stay clear; less than where it touches.
    BESIDE_RANGE = (0.015, 0.045)
    FAR_RANGE = (1.0, 2.0)  # from which, and at which, it stays clear again, of what stands beyond
    SHORT_RANGE = (0.03, 0.09)  # how far short of DEPTH it pushes fully, and not yet at all
    HIGH_RANGE = (0.03, 0.09)  # and how far above or below

    def __init__(self, model):
        self.arm = HandControl(model)
        self.site = model.site(self.SITE).id
        self.facing = tilted(self.TILT)

    def advise(self, data, done: bool) -> Advice:
        """data has positions evaluated; done is the success rule on it."""
        pushed = data.site_xpos[self.site] + data.site_xmat[self.site].reshape(3, 3) @ self.ARM
        offset = self.wish(self.arm.tips(data) - pushed)
        speed = limit_norm(GAIN * offset, HAND_SPEED)
        return Advice(self.arm.velocity(data, speed, self.facing), gripper=1.0, done=done)

    def wish(self, relative: np.ndarray) -> np.ndarray:
        """Displacement wanted of the tips, m, from where they are relative to what is pushed, m."""
        # In the thing's way (not yet on its side) the hand stays clear in depth.
        aside = self.SIDE * relative[0]
        beside = (1.0 - falling(aside, *self.BESIDE_RANGE)) * falling(aside, *self.FAR_RANGE)
        y = blend(self.CLEAR_DEPTH, self.DEPTH, beside)
        aligned = falling(self.DEPTH - relative[1], *self.SHORT_RANGE) * falling(abs(relative[2]), *self.HIGH_RANGE)
        x = self.SIDE * blend(self.BESIDE, -self.PUSH, aligned)
        return np.array([x, y, 0.0]) - relative


class SlideExpert(PushExpert):
    """Pushes the slide cabinet's handle open from its closed side, the tips 3 cm behind the handle's axis."""

    SITE = "slide_site"


class LightExpert(PushExpert):
    """Pushes the light switch to the left from between it and the knobs, the tips before the knobs' faces."""

    SITE = "light_site"
    SIDE = 1.0
    BESIDE = 0.06
    DEPTH = 0.0
    CLEAR_DEPTH = -0.06
    BESIDE_RANGE = (0.0, 0.028)
    SHORT_RANGE = HIGH_RANGE = (0.02, 0.055)


class HingeExpert(PushExpert):
    """Pushes the right door's handle to the right, which turns the door on its hinges, from between the handles."""

    SITE = "hinge_site2"
    ARM = (0.0, 0.0, -0.09)  # higher up, the arm would be all but stretched
    TILT = 0.2  # level, it would be so sooner
    BESIDE = 0.075
    DEPTH = 0.04
    CLEAR_DEPTH = -0.05
    BESIDE_RANGE = (0.02, 0.05)
    SHORT_RANGE = (0.015, 0.03)  # less deep, the tips would press the door shut
    HIGH_RANGE = (0.03, 0.06)
    PUSH = 0.1


class KnobExpert(PushExpert):
    """Turns a burner's knob by pushing the upper end of its grip to the right, clear of the switch beside it."""

    ARM = (0.0, 0.035, 0.0)
    BESIDE = 0.05
    DEPTH = 0.012
    CLEAR_DEPTH = -0.07
    BESIDE_RANGE = (0.0, 0.03)
    FAR_RANGE = (0.065, 0.1)
    SHORT_RANGE = (0.018, 0.028)
    HIGH_RANGE = (0.012, 0.03)


class BottomBurnerExpert(KnobExpert):
    """The lower left knob."""

    SITE = "knob2_site"


class TopBurnerExpert(KnobExpert):
    """The upper left knob."""

    SITE = "knob4_site"
