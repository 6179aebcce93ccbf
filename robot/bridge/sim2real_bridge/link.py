"""The MQTT session of a bridge: connection with last will, subscriptions, one inbox, publishing.

What belongs here: everything that knows MQTT. What does not: what a message means. The inbox is filled by
the network thread and emptied by the one thread that owns the arm.
"""

import logging
import queue
import secrets
import socket
import threading
import time
from collections.abc import Callable
from typing import NamedTuple

import paho.mqtt.client as mqtt

from . import BridgeError, __version__, contract

log = logging.getLogger(__name__)

TOPICS_IN = (("joint_command", 0), ("episode/reset", 1), ("episode/start", 1))
CONNECT_RETRY_S = 0.25
KEEPALIVE_S = 5


class ConnectError(BridgeError):
    """The broker could not be reached or refused; the text names it and the remedy."""


class Message(NamedTuple):
    """One message as it came; arrival is this process' monotonic clock, s."""

    topic: str  # below the prefix
    payload: bytes
    retained: bool
    arrival: float


class Link:
    """A session as one robot's bridge. publish may be called from several threads."""

    def __init__(self, host: str, port: int, robot: str):
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
        self._online = threading.Event()
        self._client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, clean_session=True)
        self._client.reconnect_delay_set(min_delay=1, max_delay=2)
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
        self._client.will_set(self._prefix + "bridge/connection", self._connection("offline"), 1, True)
        if not self._connect_socket(time.monotonic() + patience_s, stop):
            return
        self._client.loop_start()
        if not self._online.wait(10.0):
            raise ConnectError(f"broker {self._name()}: {self._refusal or 'no answer in 10 s'}")

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
            except OSError as err:
                if time.monotonic() >= deadline:
                    raise ConnectError(f"broker {self._name()}: {err}: start one there or pass --broker") from err
                if not waiting:
                    log.info("waiting for the broker at %s: %s", self._name(), err)
                waiting = True
                if stop.wait(CONNECT_RETRY_S):
                    return False

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

    def _on_message(self, client, userdata, message) -> None:
        topic = message.topic.removeprefix(self._prefix)
        self.inbox.put(Message(topic, message.payload, message.retain, time.monotonic()))

    def _name(self) -> str:
        return f"{self._address[0]}:{self._address[1]}"


def send_at_once(client, userdata, sock) -> None:
    """Without this a joint_states waits for the acknowledgement of the frame before it: 40 ms."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
