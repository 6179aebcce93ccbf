"""The messages of CONTRACT.md: encoding, and strict decoding with the reason for every refusal.

What belongs here: what one message says, and whether it says it lawfully by itself. What does not: whether it
comes at the right time from the right sender (gate.py), topics and sessions (link.py).
"""

import dataclasses
import json
import math
import re

import numpy as np

from .limits import Limits

PREFIX = "sim2real/v1"
MODES = ("velocity", "hold")
REASONS = (
    "malformed",
    "robot",
    "retained",
    "epoch",
    "lease",
    "sequence",
    "stale",
    "joints",
    "not_finite",
    "limit",
    "not_running",
)

_EPOCH = re.compile(r"[0-9a-f]{16}")
_EXACT = 2**53  # JSON numbers are exact up to here in every reader
_MAX_BYTES = 64 * 1024  # of what a bridge reads; the longest lawful message has 1 KiB
_WHO = 200  # characters of a daemon's name that are kept
_SPEED_SLACK = 1e-6  # rad/s: a limit that was written as decimal text and read back


class DroppedError(Exception):
    """A message that is refused; reason is one of REASONS, the text says what was wrong."""

    def __init__(self, reason: str, detail: str):
        super().__init__(f"{reason}: {detail}")
        self.reason = reason


@dataclasses.dataclass(frozen=True)
class Identity:
    """Which message of which sender."""

    epoch: str
    seq: int

    def message(self) -> dict:
        """The identity as a JSON object."""
        return {"epoch": self.epoch, "seq": self.seq}


@dataclasses.dataclass(frozen=True)
class Command:
    """A joint_command: velocity in rad/s, base to tip, zero when holding; gripper 0 open to 1 closed."""

    identity: Identity
    observed: Identity
    valid_for_s: float
    mode: str
    reason: str
    velocity: np.ndarray
    gripper: float
    bundle: str


@dataclasses.dataclass(frozen=True)
class Reset:
    """An episode/reset; task and jitter are empty where the bridge's own are meant, shift where none is."""

    identity: Identity
    episode: str
    task: str
    seed: int
    jitter: str
    shift: str


@dataclasses.dataclass(frozen=True)
class Start:
    """An episode/start."""

    identity: Identity
    episode: str


@dataclasses.dataclass(frozen=True)
class Ask:
    """A lease message: want is "hold" or "release", who is what the daemon calls itself, for people to read."""

    identity: Identity
    want: str
    who: str


@dataclasses.dataclass(frozen=True)
class Presence:
    """A daemon/connection: state is "online" or "offline"."""

    identity: Identity
    state: str


def encode(epoch: str, seq: int, stamp_ns: int, fields: dict) -> bytes:
    """A message with its envelope. Raises ValueError on a number that is not finite."""
    envelope = {"epoch": epoch, "seq": seq, "stamp": time_message(stamp_ns)}
    return json.dumps(envelope | fields, allow_nan=False, separators=(",", ":")).encode()


def decode_command(payload: bytes, robot: str, limits: Limits) -> Command:
    """Reads a joint_command for a robot. Raises DroppedError."""
    fields = "robot observed valid_for_ms mode reason name velocity gripper bundle"
    message = _decode(payload, fields)
    if _text(message, "robot") != robot:
        raise DroppedError("robot", f"robot {message['robot']!r}, this bridge is {robot!r}")
    mode = _word(message, "mode", MODES)
    valid_for = _number(message["valid_for_ms"], "valid_for_ms")
    if not 0 < valid_for < math.inf:
        raise DroppedError("malformed", f"valid_for_ms {valid_for}: must be positive")
    return Command(
        identity=_identity(message),
        observed=_identity(_object(message["observed"], "observed", "epoch seq stamp")),
        valid_for_s=valid_for / 1000.0,
        mode=mode,
        reason=_text(message, "reason"),
        velocity=_velocity(message, limits),
        gripper=_gripper(message),
        bundle=_text(message, "bundle"),
    )


def decode_reset(payload: bytes) -> Reset:
    """Reads an episode/reset. Raises DroppedError."""
    message = _decode(payload, "episode task seed jitter shift")
    seed = message["seed"]
    if not _is_integer(seed) or not 0 <= seed <= _EXACT:
        raise DroppedError("malformed", f"seed {seed!r}: must be an integer from 0 to 2^53")
    task, jitter, shift = (_text(message, field) for field in ("task", "jitter", "shift"))
    return Reset(_identity(message), _episode(message), task, seed, jitter, shift)


def decode_start(payload: bytes) -> Start:
    """Reads an episode/start. Raises DroppedError."""
    message = _decode(payload, "episode")
    return Start(_identity(message), _episode(message))


def decode_ask(payload: bytes) -> Ask:
    """Reads a lease message. Raises DroppedError."""
    message = _decode(payload, "want who")
    return Ask(_identity(message), _word(message, "want", ("hold", "release")), _text(message, "who")[:_WHO])


def decode_presence(payload: bytes) -> Presence:
    """Reads a daemon/connection. Raises DroppedError."""
    message = _decode(payload, "state version")
    return Presence(_identity(message), _word(message, "state", ("online", "offline")))


def decode_echo(payload: bytes) -> Identity:
    """Reads an echo. Raises DroppedError."""
    return _identity(_decode(payload, ""))


def time_message(ns: int) -> dict:
    """A time as sec and nanosec."""
    sec, nanosec = divmod(ns, 1_000_000_000)
    return {"sec": sec, "nanosec": nanosec}


def _decode(payload: bytes, fields: str) -> dict:
    """The JSON object of a payload, holding exactly the envelope and fields."""
    if len(payload) > _MAX_BYTES:
        raise DroppedError("malformed", f"{len(payload)} bytes: at most {_MAX_BYTES} are read")
    try:
        message = json.loads(payload.decode(), object_pairs_hook=_unique)
    except (UnicodeDecodeError, ValueError, RecursionError) as err:
        raise DroppedError("malformed", f"decoding JSON: {err}") from err
    return _object(message, "message", "epoch seq stamp " + fields)


def _unique(pairs: list) -> dict:
    out = dict(pairs)
    if len(out) != len(pairs):
        raise ValueError("a key appears twice")
    return out


def _object(value, name: str, fields: str) -> dict:
    """value as an object with exactly these keys and, where it has them, a lawful epoch, seq and stamp."""
    if not isinstance(value, dict):
        raise DroppedError("malformed", f"{name} must be an object")
    if odd := set(value) ^ set(fields.split()):
        raise DroppedError("malformed", f"{name}: missing or unknown: {', '.join(sorted(odd))}")
    if "stamp" in value:
        _check_stamp(value["stamp"])
    return value


def _check_stamp(stamp) -> None:
    if not isinstance(stamp, dict) or set(stamp) != {"sec", "nanosec"}:
        raise DroppedError("malformed", "stamp must hold sec and nanosec")
    sec, nanosec = stamp["sec"], stamp["nanosec"]
    if not _is_integer(sec) or not _is_integer(nanosec) or sec < 0 or not 0 <= nanosec < 1_000_000_000:
        raise DroppedError("malformed", f"stamp {stamp}: not a time")


def _identity(message: dict) -> Identity:
    epoch, seq = message["epoch"], message["seq"]
    if not isinstance(epoch, str) or not _EPOCH.fullmatch(epoch):
        raise DroppedError("malformed", f"epoch {epoch!r}: must be 16 lower-case hex digits")
    if not _is_integer(seq) or not 1 <= seq <= _EXACT:
        raise DroppedError("malformed", "seq: must be an integer from 1 to 2^53")
    return Identity(epoch, seq)


def _episode(message: dict) -> str:
    if not _text(message, "episode"):
        raise DroppedError("malformed", "episode is empty")
    return message["episode"]


def _velocity(message: dict, limits: Limits) -> np.ndarray:
    """Velocity in the order of limits.joint_names: matched by name, whatever order it came in."""
    names, values = message["name"], message["velocity"]
    if not isinstance(names, list) or not isinstance(values, list):
        raise DroppedError("malformed", "name and velocity must be lists")
    wanted = limits.joint_names if message["mode"] == "velocity" else ()
    if len(names) != len(values) or sorted(map(str, names)) != sorted(wanted):
        raise DroppedError("joints", f"{message['mode']} needs exactly {list(wanted)}, got {names}")
    if not wanted:
        return np.zeros(len(limits.joint_names))
    by_name = {name: _number(value, "velocity") for name, value in zip(names, values, strict=True)}
    velocity = np.array([by_name[name] for name in wanted])
    _check_range(velocity, -limits.velocity_max - _SPEED_SLACK, limits.velocity_max + _SPEED_SLACK, "velocity")
    return velocity


def _gripper(message: dict) -> float:
    gripper = _number(message["gripper"], "gripper")
    _check_range(gripper, 0.0, 1.0, "gripper")
    return gripper


def _check_range(value, low, high, name: str) -> None:
    """Finite is asked first: NaN passes every comparison."""
    if not np.all(np.isfinite(value)):
        raise DroppedError("not_finite", f"{name} {value}")
    if np.any(value < low) or np.any(value > high):
        raise DroppedError("limit", f"{name} {value} beyond {low} to {high}")


def _number(value, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise DroppedError("malformed", f"{name} {value!r}: must be a number")
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _is_integer(value) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _word(message: dict, name: str, known: tuple[str, ...]) -> str:
    if message[name] not in known:
        raise DroppedError("malformed", f"{name} {message[name]!r}: use one of {', '.join(known)}")
    return message[name]


def _text(message: dict, name: str) -> str:
    if not isinstance(message[name], str):
        raise DroppedError("malformed", f"{name} {message[name]!r}: must be a string")
    return message[name]
