"""Who may move the arm, and when: the last check of a command before it counts.

What belongs here: the order of the checks and the counts by reason. What does not: what a message says by
itself (contract.py), how old an observation may be (each clock knows).
"""

from collections.abc import Callable

from .contract import REASONS, Command, DroppedError, Identity, decode_command
from .limits import Limits


class Gate:
    """Accepts commands of one sender per episode, each newer than the last. Not for several threads."""

    def __init__(self, robot: str, limits: Limits):
        self.dropped = dict.fromkeys(REASONS, 0)
        self._robot, self._limits = robot, limits
        self._open = False
        self._last: Identity | None = None

    def open(self) -> None:
        """Begins an episode: whichever sender is accepted first is its only one."""
        self._open, self._last = True, None

    def close(self) -> None:
        """Ends an episode: every command is dropped as not_running."""
        self._open = False

    def accept(
        self, payload: bytes, retained: bool, leased: Callable[[str], bool], fresh: Callable[[Identity], bool]
    ) -> Command:
        """The command, if it may count.

        leased says whether its sender's epoch holds the lease, fresh whether the observation that it answers is recent
        enough. Raises DroppedError and counts it by reason.
        """
        try:
            return self._check(payload, retained, leased, fresh)
        except DroppedError as err:
            self.dropped[err.reason] += 1
            raise

    def _check(self, payload: bytes, retained: bool, leased, fresh) -> Command:
        if retained:
            raise DroppedError("retained", "a retained copy")
        command = decode_command(payload, self._robot, self._limits)
        if not self._open:
            raise DroppedError("not_running", "no episode: send episode/reset")
        if self._last is not None and command.identity.epoch != self._last.epoch:
            raise DroppedError("epoch", f"{command.identity.epoch}, this episode is {self._last.epoch}'s")
        if not leased(command.identity.epoch):
            raise DroppedError(
                "lease", f"{command.identity.epoch} does not hold the lease: ask for it on the topic lease"
            )
        if self._last is not None and command.identity.seq <= self._last.seq:
            raise DroppedError("sequence", f"seq {command.identity.seq} is not newer than {self._last.seq}")
        if not fresh(command.observed):
            raise DroppedError("stale", f"answers {command.observed}")
        self._last = command.identity
        return command
