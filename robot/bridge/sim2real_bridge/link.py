"""The MQTT session of a bridge: connection with last will, subscriptions, one inbox, publishing.

What belongs here: everything that knows MQTT, and the answer to an echo, which is about the network alone. What
does not: what other messages mean. The inbox is filled by the network thread and emptied by the one thread that owns
the arm.
"""

import logging
import queue
import secrets
import socket
import ssl
import threading
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import paho.mqtt.client as mqtt

from . import BridgeError, __version__, contract
from .secure import Secure

log = logging.getLogger(__name__)

TOPICS_IN = (
    ("joint_command", 0),
    ("episode/reset", 1),
    ("episode/start", 1),
    ("lease", 0),
    ("daemon/connection", 1),
    ("echo", 0),
)
LOST = "lost"  # a Message of ours, not the broker's: the session ended, and what others then said was not heard
INBOX_MAX = 256  # messages; what a flood brings beyond is dropped
CONNECT_RETRY_S = 0.25
ONLINE_PATIENCE_S = 10.0
KEEPALIVE_S = 5


class ConnectError(BridgeError):
    """The broker could not be reached or refused; the text names it and the remedy."""


class Message(NamedTuple):
    """One message as it came; arrival is this process' monotonic clock, s."""

    topic: str  # below the prefix
    payload: bytes
    retained: bool
    arrival: float

    def read(self, decode: Callable[[bytes], Any]) -> Any:
        """What decode makes of it; a retained copy is refused. Raises DroppedError."""
        if self.retained:
            raise contract.DroppedError("retained", "a retained copy")
        return decode(self.payload)


class Link:
    """A session as one robot's bridge. publish may be called from several threads."""

    def __init__(self, host: str, port: int, robot: str, secure: Secure | None = None):
        self.epoch = secrets.token_hex(8)
        # SimpleQueue, because a signal handler puts into it while its owner may be waiting in it.
        self.inbox: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
        self.clock: Callable[[], int] = lambda: 0  # ns, for the stamps of connection and factsheet
        self._address = (host, port)
        self._prefix = f"{contract.PREFIX}/{robot}/"
        self._seq: dict[str, int] = {}
        self._lock = threading.Lock()
        self._greeting: dict = {}
        self._refusal: str | None = None
        self._overflowed = 0
        self._online = threading.Event()
        self._client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, clean_session=True)
        (secure or Secure()).apply(self._client)
        self._client.reconnect_delay_set(min_delay=1, max_delay=2)
        self._client.on_pre_connect = self._make_will
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_socket_open = send_at_once
        self._client.on_disconnect = self._on_disconnect
        self._client.on_message = self._on_message

    def connect(self, factsheet: dict, patience_s: float, stop: threading.Event) -> None:
        """Connects, subscribes and says who we are, waiting so long for the broker, or until stop is set.

        Raises ConnectError.
        """
        self._greeting = factsheet
        if not self._connect_socket(time.monotonic() + patience_s, stop):
            return
        self._client.loop_start()
        if not self._online.wait(ONLINE_PATIENCE_S):
            refusal = self._refusal or f"no answer in {ONLINE_PATIENCE_S:g} s"
            raise ConnectError(f"broker {self._name()}: {refusal}")

    def publish(self, topic: str, stamp_ns: int, fields: dict, seq: int | None = None, qos=0, retain=False):
        """Sends one message; seq is counted here unless it belongs to another message. Returns what was sent."""
        payload = contract.encode(self.epoch, seq or self.next_seq(topic), stamp_ns, fields)
        self.send(topic, payload, qos, retain)
        return payload

    def send(self, topic: str, payload: bytes, qos=0, retain=False):
        """Sends bytes that publish returned once more."""
        return self._client.publish(self._prefix + topic, payload, qos, retain)

    def next_seq(self, topic: str) -> int:
        """Draws the topic's next sequence number."""
        with self._lock:
            self._seq[topic] = self._seq.get(topic, 0) + 1
            return self._seq[topic]

    def close(self) -> None:
        """Says offline and ends the session."""
        sent = self.send("bridge/connection", self._connection("offline"), 1, True)
        if self._client.is_connected():
            sent.wait_for_publish(1.0)
        self._client.disconnect()
        self._client.loop_stop()

    def _connect_socket(self, deadline: float, stop: threading.Event) -> bool:
        waiting = False
        while True:
            try:
                self._client.connect(*self._address, keepalive=KEEPALIVE_S)
                return True
            except ssl.SSLError as err:
                raise ConnectError(
                    f"broker {self._name()}: {err}: check --tls-ca, and the broker's certificate"
                ) from err
            except OSError as err:
                if time.monotonic() >= deadline:
                    raise ConnectError(f"broker {self._name()}: {err}: start one there or pass --broker") from err
                if not waiting:
                    log.info("waiting for the broker at %s: %s", self._name(), err)
                waiting = True
                if stop.wait(CONNECT_RETRY_S):
                    return False

    def _make_will(self, client, userdata) -> None:
        """Each session leaves its own, with the seq before its online: one that comes late tells that it is old."""
        client.will_set(self._prefix + "bridge/connection", self._connection("offline"), 1, True)

    def _connection(self, state: str) -> bytes:
        fields = {"state": state, "version": __version__}
        return contract.encode(self.epoch, self.next_seq("bridge/connection"), self.clock(), fields)

    def _on_connect(self, client, userdata, flags, reason, properties) -> None:
        if reason.is_failure:
            self._refusal = f"refused: {reason}"
            return
        client.subscribe([(self._prefix + topic, qos) for topic, qos in TOPICS_IN])

    def _on_subscribe(self, client, userdata, mid, reasons, properties) -> None:
        """Only now would an episode/reset be heard, so only now are we online."""
        if any(reason.is_failure for reason in reasons):
            self._refusal = f"refused a subscription: {', '.join(map(str, reasons))}"
            return
        self.send("bridge/connection", self._connection("online"), 1, True)
        self.publish("factsheet", self.clock(), self._greeting, qos=1, retain=True)
        log.info("online at %s as %s, epoch %s", self._name(), self._prefix[:-1], self.epoch)
        self._online.set()

    def _on_disconnect(self, client, userdata, flags, reason, properties) -> None:
        log.info("offline from %s: %s", self._name(), reason)
        if not self._online.is_set() and self._refusal is None:
            self._refusal = f"the session ended before it began ({reason}): check the certificate and the user"
        self.inbox.put(Message(LOST, b"", False, time.monotonic()))

    def _on_message(self, client, userdata, message) -> None:
        arrival = time.monotonic_ns()
        topic = message.topic.removeprefix(self._prefix)
        if topic == "echo":
            self._answer_echo(message, arrival)
        elif self.inbox.qsize() < INBOX_MAX:
            self.inbox.put(Message(topic, message.payload, message.retain, arrival * 1e-9))
        else:
            self._overflow()

    def _answer_echo(self, message, arrival_ns: int) -> None:
        """At once, in the network thread: what is measured is the way here and back."""
        try:
            asked = contract.decode_echo(message.payload)
        except contract.DroppedError:
            return  # whoever asked so gets no answer, which is what an echo tells
        if message.retain:
            return
        times = {"received": arrival_ns, "answered": time.monotonic_ns(), "wall": time.time_ns()}
        fields = {"answers": asked.message()} | {name: contract.time_message(ns) for name, ns in times.items()}
        self.publish("echo/answer", self.clock(), fields)

    def _overflow(self) -> None:
        self._overflowed += 1
        if self._overflowed in (1, 1000, 1_000_000):
            log.info("flooded: %d messages dropped unread so far", self._overflowed)

    def _name(self) -> str:
        return f"{self._address[0]}:{self._address[1]}"


def send_at_once(client, userdata, sock) -> None:
    """Without this a joint_states waits for the acknowledgement of the frame before it: 40 ms."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
