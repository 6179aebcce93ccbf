"""Checks of what a bridge says: factsheet, connection, joint_states, pictures, echo.

What belongs here: a message by itself. What does not: what a bridge does about commands (check_commands.py), the lease
and the session (check_session.py), clocks (check_motion.py).
"""

import base64
import math
import re
import socket

from .probe import FailedError, SkippedError, seconds
from .trial import Trial

# What tells of the rig, of its tasks, and of a measurement.
RIG = "robot model serial software clock joint_names modes control_rate_hz state_rate_hz command_timeout_ms limits"
TASKS = "gripper cameras task tasks horizon_steps success_rule jitter_presets default_jitter shifts base_pose teacher"
STATES = "robot name position velocity effort gripper mode moving emergency_stop errors episode dropped"
LIMITS = ("position_min", "position_max", "velocity_max", "acceleration_max")


def need(holds: bool, otherwise: str) -> None:
    """Raises FailedError unless it holds."""
    if not holds:
        raise FailedError(otherwise)


def factsheet_retained(t: Trial) -> None:
    """A daemon that comes later hears the factsheet."""
    late = t.another("late")
    try:
        need(late.wait("factsheet", "a factsheet for who comes late").retained, "the factsheet is not retained")
    finally:
        late.close()


def factsheet_complete(t: Trial) -> None:
    """The factsheet has every field, and numbers that can be."""
    f = t.factsheet
    missing = [name for name in f"{RIG} {TASKS}".split() if name not in f]
    need(not missing, f"missing: {', '.join(missing)}")
    need(f["robot"] == t.robot, f"robot is {f['robot']!r}, the topics are {t.robot!r}'s")
    need(f["clock"] in ("lockstep", "realtime"), f"clock {f['clock']!r}")
    need({"velocity", "hold"} <= set(f["modes"]), f"modes {f['modes']}")
    n = len(f["joint_names"])
    need(n > 0 and len(set(f["joint_names"])) == n, f"joint_names {f['joint_names']}")
    for name in LIMITS:
        bounds = f["limits"].get(name)
        need(isinstance(bounds, list) and len(bounds) == n, f"limits.{name} does not have {n} numbers")
        need(all(map(finite, bounds)), f"limits.{name} {bounds}: not all finite")
    need(
        all(lo < hi for lo, hi in zip(f["limits"]["position_min"], f["limits"]["position_max"], strict=True)),
        "limits: a range is empty",
    )
    for name in ("control_rate_hz", "state_rate_hz", "command_timeout_ms"):
        need(finite(f[name]) and f[name] > 0, f"{name} {f[name]}: must be positive")
    need("none" in f["jitter_presets"] and "none" in f["shifts"], "jitter_presets and shifts must have none")


def finite(value) -> bool:
    """Whether it is a finite number."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def online_retained(t: Trial) -> None:
    """A daemon that comes later hears that the bridge is online, in the factsheet's epoch."""
    late = t.another("late")
    try:
        said = late.wait("bridge/connection", "a connection for who comes late")
    finally:
        late.close()
    need(said.retained, "bridge/connection is not retained")
    need(said.body.get("state") == "online", f"state is {said.body.get('state')!r}")
    need(said.body.get("epoch") == t.factsheet["epoch"], "its epoch is not the factsheet's")


def envelopes(t: Trial) -> None:
    """Every message has the factsheet's epoch, a seq from 1 that rises by one, and a stamp that does not go back."""
    t.drive(t.gently(state := t.running()), 0.3, state)
    last: dict[str, tuple[int, float]] = {}
    for h in t.probe.heard(""):
        stamp, seq = h.body.get("stamp", {}), h.body.get("seq")
        need(
            re.fullmatch("[0-9a-f]{16}", str(h.body.get("epoch"))) is not None,
            f"{h.topic}: epoch {h.body.get('epoch')!r}",
        )
        need(h.body["epoch"] == t.factsheet["epoch"], f"{h.topic}: an epoch that is not the factsheet's")
        need(isinstance(seq, int) and 1 <= seq <= 2**53, f"{h.topic}: seq {seq!r}")
        need(set(stamp) == {"sec", "nanosec"} and 0 <= stamp["nanosec"] < 1_000_000_000, f"{h.topic}: stamp {stamp}")
        if h.topic != "joint_states":
            continue
        before = last.get(h.topic)
        again = before is not None and seq == before[0] and t.lockstep
        need(before is None or seq == before[0] + 1 or again, f"{h.topic}: seq {seq} after {before}")
        need(before is None or seconds(stamp) >= before[1], f"{h.topic}: a stamp that goes back")
        last[h.topic] = seq, seconds(stamp)


def states_complete(t: Trial) -> None:
    """joint_states has every field, one finite number per joint, and the robot's name."""
    state = t.running()
    missing = [name for name in STATES.split() if name not in state]
    need(not missing, f"missing: {', '.join(missing)}")
    need(state["robot"] == t.robot, f"robot {state['robot']!r}")
    need(sorted(state["name"]) == sorted(t.factsheet["joint_names"]), f"names {state['name']}")
    for name in ("position", "velocity", "effort"):
        need(len(state[name]) == len(state["name"]), f"{name} has {len(state[name])} numbers")
        need(all(map(finite, state[name])), f"{name} {state[name]}: not all finite")
    need(finite(state["gripper"]) and -0.1 <= state["gripper"] <= 1.1, f"gripper {state['gripper']}")


def pictures(t: Trial) -> None:
    """Each camera publishes PNGs of its size, with the seq of a joint_states, or answers at its address."""
    if not t.factsheet["cameras"]:
        raise SkippedError("the factsheet names no camera")
    mark = t.probe.mark()
    t.drive(t.gently(state := t.running()), 2.0 / t.factsheet["control_rate_hz"], state)
    for camera in t.factsheet["cameras"]:
        if "address" in camera:
            streamed(camera)
            continue
        topic = f"camera/{camera['name']}"
        frame = t.probe.wait(topic, "a picture", since=mark).body
        need(frame["name"] == camera["name"], f"{topic}: name {frame['name']!r}")
        png = base64.b64decode(frame["data"])
        size = int.from_bytes(png[16:20], "big"), int.from_bytes(png[20:24], "big")
        need(png[:8] == b"\x89PNG\r\n\x1a\n", f"{topic}: no PNG")
        want = camera["width"], camera["height"]
        need(size == want == (frame["width"], frame["height"]), f"{topic}: {size} pixels, the factsheet has {want}")
        seqs = {h.body["seq"]: h.body["stamp"] for h in t.probe.heard("joint_states")}
        need(seqs.get(frame["seq"]) == frame["stamp"], f"{topic}: no joint_states has its seq and stamp")


def streamed(camera: dict) -> None:
    """A camera that has an address sends H264 there, of which the daemon makes pictures; here it is asked alone."""
    address = camera["address"]
    where = re.fullmatch(r"rtsp://([^/@:]+|\[[^/@\]]+\]):(\d+)/.+", address)
    need(where is not None, f"address {address!r}: not rtsp://host:port/path")
    need(camera["encoding"] == "h264", f"encoding {camera['encoding']!r} of {address}")
    try:
        with socket.create_connection((where[1].strip("[]"), int(where[2])), 5.0) as peer:
            peer.sendall(f"DESCRIBE {address} RTSP/1.0\r\nCSeq: 1\r\nAccept: application/sdp\r\n\r\n".encode())
            answer = peer.recv(4096)
    except OSError as err:
        raise FailedError(f"{address}: {err}") from err
    need(answer.startswith(b"RTSP/1.0 200 "), f"{address}: answered {answer[:60]!r}")


def echo(t: Trial) -> None:
    """An echo is answered at once, with times in order."""
    asked, mark = t.probe.envelope("echo"), t.probe.mark()
    t.probe.send("echo", asked)
    mine = {"epoch": t.probe.epoch, "seq": asked["seq"]}
    body = t.probe.wait("echo/answer", "an answer to an echo", lambda b: b.get("answers") == mine, mark, 1.0).body
    received, answered, wall = (seconds(body[name]) for name in ("received", "answered", "wall"))
    need(received <= answered < received + 1.0, f"received at {received}, answered at {answered}")
    need(wall > 1.6e9, f"wall {wall} s is not UTC")
