"""The bridge itself: an arm, its episode, and what it says about them, without a clock.

What belongs here: what both clocks share. What does not: when a step is taken (lockstep.py, realtime.py).
Everything here runs in the one thread that owns the arm.
"""

import base64
import dataclasses
import logging

import numpy as np

from . import __version__, contract, shaping, shifts
from .contract import Command, DroppedError, Identity
from .disturbance import Disturbance
from .domain import Domain, RefusedError
from .gate import Gate
from .leasing import TTL_S, Leasing
from .link import Link, Message
from .render import Shot
from .shaping import Shaper
from .streams import Streams

log = logging.getLogger(__name__)

COMMAND_TIMEOUT_S = 0.2


@dataclasses.dataclass
class Episode:
    """The episode at hand; id is empty and state "idle" before the first."""

    id: str = ""
    state: str = "idle"
    step: int = 0
    task: str = ""
    seed: int = 0
    jitter: str = ""
    shift: str = ""


@dataclasses.dataclass(frozen=True)
class Settings:
    """What a bridge was started with."""

    robot: str
    clock: str
    size: int  # of a picture, px
    teacher: bool
    default_jitter: str
    horizon_steps: int = 0  # 0: the domain's own


class Bridge:
    """An arm and its episode. Its clock calls; nothing here waits."""

    def __init__(self, domain: Domain, link: Link, renderer, settings: Settings, streams: Streams | None = None):
        self.domain, self.link, self.renderer, self.settings = domain, link, renderer, settings
        self.streams = streams  # None: pictures are topics
        self.horizon_steps = settings.horizon_steps or domain.horizon_steps
        self.gate = Gate(settings.robot, domain.limits)
        # In lock-step no run may depend on how long something took: there the lease does not lapse.
        self.leasing = Leasing(link, self.stamp_ns, None if settings.clock == "lockstep" else TTL_S)
        self.episode = Episode()
        self.mode = "hold"
        self.errors: list[str] = []
        self._disturbance = Disturbance(shifts.UNSHIFTED, domain)
        self._rest = np.zeros(len(domain.limits.joint_names))
        self._shaper = Shaper(domain.limits, domain.tick_s)
        self._gripper = 0.0
        self._ticks = 0
        self._tick_ns = round(domain.tick_s * 1e9)
        self._accepted: Identity | None = None
        self._applied: Identity | None = None
        self._last_reset: Identity | None = None
        link.clock = self.stamp_ns

    # --- what the arm does

    def move(self, command: Command | None) -> None:
        """One tick: towards the command's velocity, or to rest without one, within the limits."""
        wanted = self._rest
        command = self._disturbance.arriving(command, self._ticks)
        if command is not None:
            wanted, self._gripper, self._applied = command.velocity, command.gripper, command.identity
        self.domain.tick(self._shaper.next(wanted, self.domain.commanded_position()), self._gripper)
        self._ticks += 1

    def moving_on_command(self) -> bool:
        """Whether the shaped velocity is not yet at rest."""
        return bool(np.any(self._shaper.velocity != 0.0))

    def bring_to_rest(self) -> None:
        """Ticks until the arm is told to stand still."""
        while self.moving_on_command():
            self.move(None)

    def stamp_ns(self) -> int:
        """Simulated time since the bridge started."""
        return self._ticks * self._tick_ns

    # --- episodes

    def handle_reset(self, message: Message) -> bool:
        """Does what an episode/reset asks; whether an episode is now ready. A repeated delivery does nothing."""
        try:
            reset = message.read(contract.decode_reset)
        except DroppedError as err:
            log.info("episode/reset dropped: %s", err)
            return False
        if reset.identity == self._last_reset:
            return False
        self._last_reset = reset.identity
        task, jitter = reset.task or self.domain.task, reset.jitter or self.settings.default_jitter
        self.abandon("another episode was asked for")
        shift = reset.shift or shifts.NONE
        self.episode = Episode(reset.episode, "idle", 0, task, reset.seed, jitter, shift)
        return self._reset_domain()

    def _reset_domain(self) -> bool:
        try:
            self._disturbance.undo()
            shifts.check(self.episode.shift)
            self.domain.reset(self.episode.task, self.episode.seed, self.episode.jitter)
            self._disturbance = Disturbance(shifts.Draw(self.episode.shift, self.episode.seed), self.domain)
        except RefusedError as err:
            self.change("aborted", str(err))
            return False
        self._shaper, self._gripper, self.mode = Shaper(self.domain.limits, self.domain.tick_s), 0.0, "hold"
        self._accepted = self._applied = None
        self.gate.open()
        self.change("ready")
        return True

    def handle_start(self, message: Message) -> bool:
        """Does what an episode/start asks; whether the episode now runs."""
        try:
            start = message.read(contract.decode_start)
        except DroppedError as err:
            log.info("episode/start dropped: %s", err)
            return False
        if self.episode.state != "ready" or start.episode != self.episode.id:
            log.info("episode/start of %r ignored: %r is %s", start.episode, self.episode.id, self.episode.state)
            return False
        self.change("running")
        return True

    def accept(self, message: Message, fresh) -> Command | None:
        """The command of a message, or None if it is dropped, which is counted."""
        try:
            command = self.gate.accept(
                message.payload, message.retained, lambda epoch: self.leasing.holds(epoch, message.arrival), fresh
            )
        except DroppedError as err:
            if sum(self.gate.dropped.values()) in (1, 10, 100, 1000) or self.gate.dropped[err.reason] == 1:
                log.info("joint_command dropped: %s (so far %s)", err, self.dropped())
            return None
        self._accepted = command.identity
        self.leasing.renew(command.identity.epoch, message.arrival)
        return command

    def finish_step(self) -> bool:
        """Counts a control step and judges; whether the episode goes on."""
        self.episode.step += 1
        if self.domain.succeeded():
            self.end("success")
        elif self.episode.step >= self.horizon_steps:
            self.end("truncated")
        return self.episode.state == "running"

    def end(self, state: str, reason: str = "") -> None:
        """Ends the episode; no further command counts."""
        self.gate.close()
        self.mode = "hold"
        self.change(state, reason)

    def abandon(self, reason: str) -> None:
        """Ends an episode that is ready or running as aborted; does nothing otherwise."""
        if self.episode.state in ("ready", "running"):
            self.end("aborted", reason)

    def change(self, state: str, reason: str = "") -> None:
        """Changes the episode's state and says so."""
        self.episode.state = state
        fields = dataclasses.asdict(self.episode)
        fields["episode"] = fields.pop("id")
        self.link.publish("episode/state", self.stamp_ns(), fields | {"reason": reason}, qos=1)
        log.info("episode %s %s step=%d %s", self.episode.id, state, self.episode.step, reason)

    # --- what is said

    def factsheet(self) -> dict:
        """The factsheet, once the renderer runs."""
        s, domain = self.settings, self.domain
        control_rate = 1.0 / (domain.tick_s * domain.control_ticks)
        encoding = "png" if self.streams is None else "h264"
        camera = {"width": s.size, "height": s.size, "encoding": encoding, "colour": "rgb"}
        camera |= {"rate_hz": round(control_rate, 6)}
        return domain.factsheet() | {
            "robot": s.robot,
            "software": {"bridge": __version__, **domain.software(), "gl": self.renderer.backend},
            "clock": s.clock,
            "joint_names": list(domain.limits.joint_names),
            "modes": list(contract.MODES),
            "control_rate_hz": round(control_rate, 6),
            "state_rate_hz": round(1.0 / domain.tick_s if s.clock == "realtime" else control_rate, 6),
            "command_timeout_ms": round(COMMAND_TIMEOUT_S * 1000),
            "lease_ttl_ms": self.leasing.ttl_ms,
            "echo": True,
            "limits": domain.limits.message(),
            "cameras": [
                {"name": name} | camera | view | self._address(name) for name, view in self.renderer.views.items()
            ],
            "horizon_steps": self.horizon_steps,
            "default_jitter": s.default_jitter,
            "shifts": shifts.message(),
            "teacher": s.teacher,
        }

    def _address(self, name: str) -> dict:
        return {} if self.streams is None else {"address": self.streams.address(name)}

    def states(self) -> dict:
        """The fields of joint_states."""
        m = self.domain.measure()
        out = {
            "robot": self.settings.robot,
            "name": list(self.domain.limits.joint_names),
            "position": (m.position + self._disturbance.offset).tolist(),
            "velocity": m.velocity.tolist(),
            "effort": m.effort.tolist(),
            "gripper": m.gripper,
            "mode": self.mode,
            "moving": shaping.moving(m.velocity),
            "emergency_stop": False,
            "errors": list(self.errors),
            "episode": {"id": self.episode.id, "state": self.episode.state, "step": self.episode.step},
            "dropped": self.dropped(),
        }
        known = {"accepted": self._accepted, "applied": self._applied}
        return out | {name: which.message() for name, which in known.items() if which is not None}

    def dropped(self) -> dict:
        """Commands refused since start, by reason, where there were any."""
        return {reason: n for reason, n in self.gate.dropped.items() if n}

    def shot(self) -> Shot:
        """What the cameras are to show now."""
        step = self.episode.step
        return Shot(self.domain.snapshot(), self._disturbance.draw, step, self._disturbance.repeats(step))

    def frames(self, pictures: dict[str, bytes]) -> list[tuple[str, dict]]:
        """Topics camera/{name} with their fields, of the pictures of a shot."""
        common = {"width": self.settings.size, "height": self.settings.size, "encoding": "png"}
        encoded = {name: base64.b64encode(picture).decode() for name, picture in pictures.items()}
        return [(f"camera/{name}", {"name": name} | common | {"data": data}) for name, data in encoded.items()]

    def advice(self) -> dict:
        """The fields of expert."""
        a = self.domain.expert()
        names = list(self.domain.limits.joint_names)
        return {"name": names, "velocity": a.velocity.tolist(), "gripper": a.gripper, "done": a.done}
