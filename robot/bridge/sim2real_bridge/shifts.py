"""Named shifts: what an evaluation may do to a simulated workcell that training did not.

What belongs here: the table of names, and the streams of random numbers, so that a shift is the same for the same
(name, seed), always. What does not: what a kind of shift does: to the scene (shift_scene.py), to the pictures
(shift_picture.py), to the arm (shift_arm.py).

A name with `_strong` draws the same directions as the name without it, and goes further. `randomised` is for training:
domain randomisation of what can be seen, one draw per seed; with `_each_step` one per step of the control, so that a
few demonstrations show as many looks as they have pictures. Half of its draws leave a kind out, so that one kind alone
and none at all are among them, which is what an evaluation shows. Evaluation's draws lie partly or wholly outside of
its ranges, and its textures are of another kind.
"""

import dataclasses
import math
import types
import zlib

import numpy as np

from .domain import RefusedError
from .shift_arm import ActionDelay, DroppedFrames, Friction, JointOffset
from .shift_picture import Blur, Colour, Noise
from .shift_scene import CameraPose, Light, Texture

NONE = "none"
STRONG = "_strong"
EACH_STEP = "_each_step"
RANDOMISED = "randomised"
KEPT = 0.5  # share of randomised draws that a kind is part of


def _turn(low: float, high: float) -> tuple[float, float]:
    return round(math.radians(low), 4), round(math.radians(high), 4)


_RANDOMISED = (
    CameraPose(offset_m=(0.0, 0.03), turn_rad=_turn(0, 3)),
    Light(gain=(1.0, 1.4), tint=(0.0, 0.15), turn_rad=_turn(0, 30)),
    Texture(share=(0.0, 0.6), patterns=("flat", "gradient", "spots")),
    Colour(gain=(1.0, 1.15), gamma=(1.0, 1.2)),
)

SHIFTS = types.MappingProxyType(
    {
        NONE: (),
        "camera_pose": (CameraPose(offset_m=(0.02, 0.04), turn_rad=_turn(2, 4)),),
        "camera_pose_strong": (CameraPose(offset_m=(0.04, 0.08), turn_rad=_turn(4, 8)),),
        "light": (Light(gain=(1.3, 1.6), tint=(0.1, 0.2), turn_rad=_turn(20, 40)),),
        "light_strong": (Light(gain=(1.6, 2.5), tint=(0.2, 0.4), turn_rad=_turn(40, 80)),),
        "texture": (Texture(share=(0.3, 0.5), patterns=("checker", "stripes")),),
        "texture_strong": (Texture(share=(0.7, 0.9), patterns=("checker", "stripes")),),
        "colour": (Colour(gain=(1.1, 1.25), gamma=(1.1, 1.3)),),
        "colour_strong": (Colour(gain=(1.25, 1.5), gamma=(1.3, 1.7)),),
        "noise": (Noise(deviation=0.03),),
        "noise_strong": (Noise(deviation=0.1),),
        "blur": (Blur(radius=0.005),),
        "blur_strong": (Blur(radius=0.015),),
        "action_delay": (ActionDelay(delay_s=0.08),),
        "action_delay_strong": (ActionDelay(delay_s=0.16),),
        "dropped_frames": (DroppedFrames(share=0.2),),
        "dropped_frames_strong": (DroppedFrames(share=0.5),),
        "joint_offset": (JointOffset(offset_rad=round(math.radians(1), 4)),),
        "joint_offset_strong": (JointOffset(offset_rad=round(math.radians(2), 4)),),
        "friction": (Friction(factor=(1.5, 2.0)),),
        "friction_strong": (Friction(factor=(2.0, 4.0)),),
        RANDOMISED: _RANDOMISED,
        RANDOMISED + EACH_STEP: _RANDOMISED,
    }
)


@dataclasses.dataclass(frozen=True)
class Draw:
    """One episode's shift: a name of SHIFTS and a seed. Equal draws are alike in everything."""

    name: str
    seed: int
    step: int | None = None  # of the control, where the name is drawn anew at each

    def at(self, step: int) -> "Draw":
        """What it is at a control step."""
        return dataclasses.replace(self, step=step) if self.name.endswith(EACH_STEP) else self

    def kinds(self, *of: type) -> list:
        """What the name stands for, of these types, without what this draw leaves out."""
        return [kind for kind in SHIFTS[self.name] if isinstance(kind, of) and self._keeps(kind)]

    def _keeps(self, kind) -> bool:
        return not self.name.startswith(RANDOMISED) or self.stream("kept", kind.kind).random() < KEPT

    def stream(self, *labels) -> np.random.Generator:
        """Random numbers of this draw alone, others for other labels; the strong name has those of the plain one."""
        when = () if self.step is None else (self.step,)
        text = "/".join(map(str, (self.name.removesuffix(STRONG), *when, *labels)))
        return np.random.default_rng([self.seed, zlib.crc32(text.encode())])


UNSHIFTED = Draw(NONE, 0)


def check(name: str) -> None:
    """Raises RefusedError for a name that is not in SHIFTS."""
    if name not in SHIFTS:
        raise RefusedError(f"shift {name!r} is unknown: use one of {', '.join(SHIFTS)}")


def message() -> dict:
    """The factsheet's `shifts`: by name, what is drawn, kind by kind."""
    return {name: {kind.kind: _fields(kind) for kind in kinds} for name, kinds in SHIFTS.items()}


def _fields(kind) -> dict:
    fields = dataclasses.asdict(kind).items()
    return {name: list(value) if isinstance(value, tuple) else value for name, value in fields}
