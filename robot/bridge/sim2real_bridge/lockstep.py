"""The lock-step clock: one observation, one answer, one control step.

What belongs here: when to observe, to step, to repeat and to give up. Simulated time moves only in step, so a run
depends on nothing but its commands. The real clock only says when to repeat and when to give up.
"""

import dataclasses
import logging
import queue
import threading
import time

from .bridge import Bridge
from .contract import Command, Identity
from .link import Message

log = logging.getLogger(__name__)

IDLE_WAIT_S = 1.0


@dataclasses.dataclass
class Observation:
    """The last observation: what was sent, and until when an answer is awaited, monotonic s."""

    identity: Identity
    sent: list[tuple[str, bytes]]
    repeat_at: float
    abort_at: float


class LockStep:
    """Runs a bridge in lock-step; repeat_s and abort_s are how long an answer may stay out."""

    def __init__(self, bridge: Bridge, repeat_s: float = 1.0, abort_s: float = 30.0):
        self.bridge, self.repeat_s, self.abort_s = bridge, repeat_s, abort_s
        self._pending: Observation | None = None

    def run(self, stop: threading.Event) -> None:
        """Serves until stop is set, and something (None) is put into the inbox to wake it."""
        while not stop.is_set():
            try:
                message = self.bridge.link.inbox.get(timeout=self._patience())
            except queue.Empty:
                self._overdue(time.monotonic())
                continue
            if message is not None:
                self._handle(message)
        self.bridge.abandon("the bridge is stopping")
        self.bridge.bring_to_rest()

    def _handle(self, message: Message) -> None:
        if self.bridge.leasing.handle(message):
            return
        if message.topic == "episode/reset":
            self._pending = None
            if self.bridge.handle_reset(message):
                self._observe()
        elif message.topic == "episode/start":
            if self.bridge.handle_start(message):
                self._observe()
        elif (command := self.bridge.accept(message, self._answers)) is not None:
            self._answered(command)

    def _answers(self, observed: Identity) -> bool:
        return self._pending is not None and observed == self._pending.identity

    def _answered(self, command: Command) -> None:
        """In ready an answer is taken and nothing moves."""
        if self.bridge.episode.state != "running":
            return
        self._pending = None
        self.bridge.mode = command.mode
        for _ in range(self.bridge.domain.control_ticks):
            self.bridge.move(command)
        if self.bridge.finish_step():
            self._observe()
        else:
            self.bridge.bring_to_rest()

    def _observe(self) -> None:
        """Publishes frames, the expert if any, and last the joint_states that makes them an observation."""
        bridge, link = self.bridge, self.bridge.link
        stamp, seq = bridge.stamp_ns(), link.next_seq("joint_states")
        messages = bridge.frames(bridge.renderer.render(bridge.shot()))
        if bridge.settings.teacher:
            messages.append(("expert", bridge.advice()))
        messages.append(("joint_states", bridge.states()))
        sent = [(topic, link.publish(topic, stamp, fields, seq)) for topic, fields in messages]
        now = time.monotonic()
        identity = Identity(link.epoch, seq)
        self._pending = Observation(identity, sent, now + self.repeat_s, now + self.abort_s)

    def _awaiting(self) -> bool:
        return self._pending is not None and self.bridge.episode.state == "running"

    def _patience(self) -> float:
        if not self._awaiting():
            return IDLE_WAIT_S
        return max(0.0, min(self._pending.repeat_at, self._pending.abort_at) - time.monotonic())

    def _overdue(self, now: float) -> None:
        """Repeats an unanswered observation, or gives the episode up."""
        if not self._awaiting():
            return
        if now >= self._pending.abort_at:
            self._pending = None
            self.bridge.end("aborted", f"no answer to an observation for {self.abort_s:g} s")
            self.bridge.bring_to_rest()
        elif now >= self._pending.repeat_at:
            self._pending.repeat_at += self.repeat_s
            log.info("repeating observation %d", self._pending.identity.seq)
            for topic, payload in self._pending.sent:
                self.bridge.link.send(topic, payload)
