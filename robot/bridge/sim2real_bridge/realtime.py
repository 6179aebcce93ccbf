"""The real-time clock: the arm goes on whether or not anyone speaks, and stops by itself when nobody does.

What belongs here: absolute deadlines, silence, and what is published when. What does not: shaping and messages.
"""

import collections
import logging
import queue
import threading
import time
from concurrent.futures import Future

from .bridge import COMMAND_TIMEOUT_S, Bridge
from .contract import Command, Identity
from .link import Message

log = logging.getLogger(__name__)

MESSAGES_PER_TICK = 64  # reading one takes some 50 us
LATE_S = 0.5  # behind the wall clock by this much, time is given up rather than caught up


class RealTime:
    """Runs a bridge by the wall clock, one tick of the domain after another."""

    def __init__(self, bridge: Bridge, timeout_s: float = COMMAND_TIMEOUT_S):
        self.bridge, self.timeout_s = bridge, timeout_s
        self.frames_skipped = 0  # the renderer was still busy
        self._command: Command | None = None
        self._expires = 0.0  # monotonic, s
        self._started = 0.0  # monotonic, s, of the episode
        self._published: collections.deque[tuple[int, float]] = collections.deque(maxlen=256)  # seq, monotonic s
        self._tick = 0  # since the episode's start, so that frames show the states at control steps

    def run(self, stop: threading.Event) -> None:
        """Serves until stop is set, then leaves the arm at rest."""
        deadline = time.monotonic()
        while not stop.is_set():
            self._handle_some()
            self.step(time.monotonic())
            deadline = self._keep_time(deadline + self.bridge.domain.tick_s)
        self.bridge.abandon("the bridge is stopping")
        self.bridge.bring_to_rest()
        log.info("real time ended: %d frames skipped by a busy renderer", self.frames_skipped)

    def step(self, now: float) -> None:
        """One tick: move, judge, publish."""
        bridge = self.bridge
        bridge.move(self._live_command(now))
        self._tick += 1
        at_control_step = self._tick % bridge.domain.control_ticks == 0
        if at_control_step and bridge.episode.state == "running":
            bridge.finish_step()
        self._publish(now, at_control_step)

    def _live_command(self, now: float) -> Command | None:
        """The command that moves the arm now; sets the mode that says so."""
        bridge = self.bridge
        if bridge.episode.state != "running":
            return None
        if self._command is not None and now < self._expires and self._leased(now):
            bridge.mode = self._command.mode
            return self._command
        if self._command is not None or now - self._started >= self.timeout_s:
            if bridge.mode != "stopped":
                log.info("commands went silent: stopping the arm at step %d", bridge.episode.step)
            bridge.mode = "stopped"
        return None

    def _leased(self, now: float) -> bool:
        """A command is worth nothing once its sender has gone, or has given the arm back."""
        return self.bridge.leasing.holds(self._command.identity.epoch, now)

    def _publish(self, now: float, with_frame: bool) -> None:
        bridge, link = self.bridge, self.bridge.link
        stamp, seq = bridge.stamp_ns(), link.next_seq("joint_states")
        if with_frame and bridge.settings.teacher:
            link.publish("expert", stamp, bridge.advice(), seq)
        link.publish("joint_states", stamp, bridge.states(), seq)
        self._published.append((seq, now))
        if not with_frame:
            return
        taken_ns = time.monotonic_ns()
        pictures = bridge.renderer.submit(bridge.shot())
        if pictures is None:
            self.frames_skipped += 1
        elif bridge.streams is not None:
            pictures.add_done_callback(lambda done: bridge.streams.show(done.result(), taken_ns))
        else:
            pictures.add_done_callback(lambda done: self._publish_frames(done, stamp, seq))

    def _publish_frames(self, done: Future, stamp_ns: int, seq: int) -> None:
        """In the renderer's thread."""
        for topic, fields in self.bridge.frames(done.result()):
            self.bridge.link.publish(topic, stamp_ns, fields, seq)

    def _handle_some(self) -> None:
        """What has come, but no more than leaves time for the tick: a flood must not stop the clock."""
        for _ in range(MESSAGES_PER_TICK):
            try:
                message = self.bridge.link.inbox.get_nowait()
            except queue.Empty:
                return
            if message is not None:
                self._handle(message)

    def _handle(self, message: Message) -> None:
        if self.bridge.leasing.handle(message):
            return
        if message.topic == "episode/reset":
            if self.bridge.handle_reset(message):
                self._command = None
        elif message.topic == "episode/start":
            if self.bridge.handle_start(message):
                self._command, self._tick, self._started = None, 0, message.arrival
        elif (command := self.bridge.accept(message, self._recent)) is not None:
            self._command = command
            self._expires = message.arrival + min(self.timeout_s, command.valid_for_s)

    def _recent(self, observed: Identity) -> bool:
        """Whether an observation was published within the timeout: by our own clock, not by its stamp."""
        if observed.epoch != self.bridge.link.epoch:
            return False
        oldest = time.monotonic() - self.timeout_s
        return any(seq == observed.seq and at >= oldest for seq, at in reversed(self._published))

    def _keep_time(self, deadline: float) -> float:
        """Sleeps until the deadline; where that has long passed, says so and begins anew from now."""
        ahead = deadline - time.monotonic()
        if ahead < -LATE_S:
            log.info("behind real time by %.0f ms: simulated time has lost them", -ahead * 1000)
            self.bridge.errors = [f"behind real time by {-ahead * 1000:.0f} ms"]
            return time.monotonic()
        if ahead > 0:
            self.bridge.errors = []
            time.sleep(ahead)
        return deadline
