"""A daemon's side of the contract for checks: it keeps all that a bridge says, and says what a check wants.

What belongs here: sending, waiting, and the lease. What does not: what is right (check_*.py). The messages are written
here once more, so that a mistake in contract.py is not made twice.
"""

import itertools
import json
import secrets
import threading
import time
from typing import NamedTuple

import paho.mqtt.client as mqtt

from ..link import send_at_once

PATIENCE_S = 5.0
RENEW_S = 0.1
ZERO = {"sec": 0, "nanosec": 0}


class FailedError(Exception):
    """The bridge does not keep the rule; the text says what it did instead."""


class SkippedError(Exception):
    """The rule cannot be checked here; the text says why."""


class Heard(NamedTuple):
    """A message as it came: topic below the prefix, JSON object, retain bit, monotonic s, its place in the order."""

    topic: str
    body: dict
    retained: bool
    at: float
    number: int


def seconds(stamp: dict) -> float:
    """A stamp in s."""
    return stamp["sec"] + 1e-9 * stamp["nanosec"]


class Probe:
    """One daemon's start. Close ends it."""

    def __init__(self, connect, robot: str, who: str = "conformance kit"):
        """connect is called with the client, and connects it."""
        self.epoch, self.robot, self.who = secrets.token_hex(8), robot, who
        self.factsheet: dict = {}
        self._prefix = f"sim2real/v1/{robot}/"
        self._said: list[Heard] = []
        self._changed = threading.Condition()
        self._seqs: dict[str, itertools.count] = {}
        self._asking = threading.Lock()  # so that nothing is asked once drop has returned
        self._holding = threading.Event()
        self._closed = threading.Event()
        self._client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
        self._client.on_message = self._on_message
        subscribed = threading.Event()
        self._client.on_subscribe = lambda *_: subscribed.set()
        self._client.on_socket_open = send_at_once
        connect(self._client)
        self._client.loop_start()
        self._client.subscribe(self._prefix + "#", 1)
        if not subscribed.wait(PATIENCE_S):
            raise FailedError("the broker does not answer")
        threading.Thread(target=self._renew, daemon=True).start()

    def close(self) -> None:
        """Gives the lease back and ends the session."""
        self.release()
        self._closed.set()
        self._client.disconnect()
        self._client.loop_stop()

    # --- hearing

    def _on_message(self, client, userdata, message) -> None:
        at, topic = time.monotonic(), message.topic.removeprefix(self._prefix)
        if topic in ("joint_command", "lease", "echo", "episode/reset", "episode/start", "daemon/connection"):
            return  # what daemons say
        try:
            body = json.loads(message.payload)
        except ValueError:
            body = {"not JSON": repr(message.payload[:80])}
        with self._changed:
            self._said.append(Heard(topic, body, message.retain, at, len(self._said)))
            self._changed.notify_all()

    def mark(self) -> int:
        """A place in the order of what was heard: all that comes later has a number from here on."""
        with self._changed:
            return len(self._said)

    def heard(self, topic: str, since: int = 0) -> list[Heard]:
        """All that has come on a topic; an empty one is every topic."""
        with self._changed:
            return [h for h in self._said[since:] if topic in ("", h.topic)]

    def wait(self, topic: str, what: str, wanted=lambda body: True, since: int = 0, patience_s: float = PATIENCE_S):
        """The first message on a topic that is wanted. Raises FailedError that names what did not come."""
        deadline = time.monotonic() + patience_s
        with self._changed:
            while True:
                for h in self._said[since:]:
                    if h.topic == topic and wanted(h.body):
                        return h
                since = max(since, len(self._said))
                left = deadline - time.monotonic()
                if left <= 0:
                    raise FailedError(f"{what}: nothing on {topic} within {patience_s:g} s")
                self._changed.wait(left)

    def pause(self, for_s: float) -> None:
        """Lets time pass while listening."""
        with self._changed:
            self._changed.wait_for(lambda: False, for_s)

    # --- saying

    def envelope(self, topic: str) -> dict:
        """The next envelope of this daemon on a topic."""
        return {"epoch": self.epoch, "seq": next(self._seqs.setdefault(topic, itertools.count(1))), "stamp": ZERO}

    def send(self, topic: str, message, retain: bool = False) -> None:
        """Publishes an object, or bytes as they are."""
        payload = message if isinstance(message, bytes) else json.dumps(message).encode()
        sent = self._client.publish(self._prefix + topic, payload, 1 if topic.startswith("episode") else 0, retain)
        sent.wait_for_publish(PATIENCE_S)

    def command(self, observed: dict, velocity: list | None = None, **changes) -> dict:
        """A lawful joint_command that answers a joint_states: velocity base to tip in rad/s, or None to hold."""
        return (
            self.envelope("joint_command")
            | {
                "robot": self.robot,
                "observed": {key: observed[key] for key in ("epoch", "seq", "stamp")},
                "valid_for_ms": self.factsheet["command_timeout_ms"],
                "mode": "hold" if velocity is None else "velocity",
                "reason": "conformance" if velocity is None else "",
                "name": [] if velocity is None else list(self.factsheet["joint_names"]),
                "velocity": [] if velocity is None else list(velocity),
                "gripper": observed["gripper"],
                "bundle": "",
            }
            | changes
        )

    # --- the lease

    def ask(self, want: str = "hold") -> dict:
        """Asks for the lease once; the message."""
        message = self.envelope("lease") | {"want": want, "who": self.who}
        self.send("lease", message)
        return message

    def leased(self, want: str = "hold") -> dict:
        """Asks, and waits for the answer; its body."""
        mark, asked = self.mark(), self.ask(want)
        mine = {"epoch": self.epoch, "seq": asked["seq"]}
        return self.wait("lease/state", "an answer to lease", lambda b: b.get("answers") == mine, mark).body

    def hold(self) -> None:
        """Takes the lease and keeps it until release; a bridge that grants none needs none."""
        if "lease_ttl_ms" in self.factsheet and not self._holding.is_set():
            if (state := self.leased())["holder"] != self.epoch:
                raise FailedError(
                    f"the lease is held by {state['who']}, epoch {state['holder']}: stop that daemon first"
                )
            self._holding.set()

    def release(self) -> None:
        """Gives it back."""
        if self._holding.is_set():
            self.drop()
            self.ask("release")

    def drop(self) -> None:
        """Asks no more, and says nothing."""
        with self._asking:
            self._holding.clear()

    def _renew(self) -> None:
        while not self._closed.wait(RENEW_S):
            with self._asking:
                if self._holding.is_set():
                    self.ask()
