"""One episode's shift as it acts on the arm's side.

What belongs here: what a bridge asks while an episode runs, and the undoing. What does not: what is drawn
(shift_arm.py), and what can be seen, which the renderer finds out from the same Draw.
"""

import numpy as np

from . import shift_arm, shifts
from .contract import Command


class Disturbance:
    """A shift at work on a domain, until undo."""

    def __init__(self, draw: shifts.Draw, domain):
        """Takes hold of a domain that has just been reset."""
        self.draw = draw
        self._domain = domain
        self.offset = np.zeros(len(domain.limits.joint_names))  # rad, reported minus real
        for kind in draw.kinds(shift_arm.JointOffset):
            self.offset += draw.stream(kind.kind).uniform(-kind.offset_rad, kind.offset_rad, len(self.offset))
        delays = [max(1, round(kind.delay_s / domain.tick_s)) for kind in draw.kinds(shift_arm.ActionDelay)]
        self._line = shift_arm.DelayLine(sum(delays))
        self._before: tuple[np.ndarray, ...] = ()
        for kind in draw.kinds(shift_arm.Friction):
            self._before = tuple(table.copy() for table in shift_arm.friction(domain.model))
            kind.edit(domain.model, draw.stream(kind.kind))

    def undo(self) -> None:
        """Leaves the domain's model as it was found."""
        if self._before:
            for table, before in zip(shift_arm.friction(self._domain.model), self._before, strict=True):
                table[:] = before
        self._before = ()

    def arriving(self, command: Command | None, tick: int) -> Command | None:
        """What reaches the arm at a tick, of all that was sent, command at this tick being the last."""
        return self._line.pass_on(command, tick)

    def repeats(self, step: int) -> bool:
        """Whether the pictures of a control step are those of the step before."""
        kinds = self.draw.kinds(shift_arm.DroppedFrames)
        return step > 0 and any(self.draw.stream(kind.kind, step).random() < kind.share for kind in kinds)
