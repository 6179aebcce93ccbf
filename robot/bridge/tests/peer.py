"""The daemon's side of the contract, as far as tests need it, and a bridge that runs in a thread."""

import contextlib
import json
import queue
import socket
import threading
import time

import paho.mqtt.client as mqtt

from sim2real_bridge import bridge, link, lockstep, realtime

EPOCH = "00112233445566aa"
NAMES = [f"panda_joint{i}" for i in range(1, 8)]
PATIENCE_S = 20.0


def connectable(port, patience_s):
    """Waits until something listens on a port of 127.0.0.1."""
    deadline = time.monotonic() + patience_s
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1.0).close()
            return
        except OSError:
            assert time.monotonic() < deadline, f"nothing listens on port {port}"
            threading.Event().wait(0.02)


def envelope(seq=1, epoch=EPOCH):
    """An envelope as the daemon writes it."""
    return {"epoch": epoch, "seq": seq, "stamp": {"sec": 1, "nanosec": 0}}


def command(robot, observed, seq=1, velocity=None, gripper=0.0, **changes):
    """A joint_command that answers joint_states `observed`: velocity in rad/s base to tip, or None to hold."""
    out = envelope(seq) | {
        "robot": robot,
        "observed": {key: observed[key] for key in ("epoch", "seq", "stamp")},
        "valid_for_ms": 200,
        "mode": "hold" if velocity is None else "velocity",
        "reason": "test" if velocity is None else "",
        "name": [] if velocity is None else NAMES,
        "velocity": [] if velocity is None else list(velocity),
        "gripper": gripper,
        "bundle": "",
    }
    return out | changes


class Peer:
    """A client that keeps what a bridge says, by topic."""

    def __init__(self, port, robot):
        self.robot, self.seq, self.asked = robot, 0, 0
        self._prefix = f"sim2real/v1/{robot}/"
        self._said = {}
        self._lock = threading.Lock()
        self._subscribed = threading.Event()
        self._client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
        self._client.on_message = self._on_message
        self._client.on_subscribe = lambda *_: self._subscribed.set()
        self._client.on_socket_open = link.send_at_once
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        self._client.subscribe(self._prefix + "#", 1)
        assert self._subscribed.wait(PATIENCE_S)

    def close(self):
        """Ends the session."""
        self._client.disconnect()
        self._client.loop_stop()

    def _on_message(self, client, userdata, message):
        self._queue(message.topic.removeprefix(self._prefix)).put(message.payload)

    def _queue(self, topic):
        with self._lock:
            return self._said.setdefault(topic, queue.SimpleQueue())

    def next(self, topic, patience_s=PATIENCE_S):
        """The next message on a topic, decoded. Raises queue.Empty."""
        return json.loads(self._queue(topic).get(timeout=patience_s))

    def until(self, topic, wanted, patience_s=PATIENCE_S):
        """The first message on a topic for which wanted is true."""
        deadline = time.monotonic() + patience_s
        while not wanted(out := self.next(topic, max(0.0, deadline - time.monotonic()))):
            pass
        return out

    def next_of(self, first, second, patience_s=PATIENCE_S):
        """The next message on one of two topics, with None for the other."""
        deadline = time.monotonic() + patience_s
        while time.monotonic() < deadline:
            for topic in (first, second):
                with contextlib.suppress(queue.Empty):
                    message = self.next(topic, 0.005)
                    return (message, None) if topic == first else (None, message)
        raise queue.Empty

    def silent(self, topic, for_s):
        """Whether nothing comes on a topic for so long."""
        try:
            self._queue(topic).get(timeout=for_s)
        except queue.Empty:
            return True
        return False

    def send(self, topic, message, retain=False):
        """Publishes a dictionary, or bytes as they are."""
        payload = message if isinstance(message, bytes) else json.dumps(message)
        self._client.publish(self._prefix + topic, payload, 1 if topic.startswith("episode") else 0, retain)

    def lease(self, epoch=EPOCH, want="hold", who="test", **changes):
        """Asks for the lease, renews it, or gives it back."""
        self.asked += 1
        self.send("lease", envelope(self.asked, epoch) | {"want": want, "who": who} | changes)

    def reset(self, seed=1, jitter="j05", episode="e1", task="slide", shift="", epoch=EPOCH):
        """Asks for an episode and waits for what becomes of it."""
        self.seq += 1
        fields = {"episode": episode, "task": task, "seed": seed, "jitter": jitter, "shift": shift}
        self.send("episode/reset", envelope(self.seq, epoch) | fields)
        return self.until("episode/state", lambda s: s["episode"] == episode and s["state"] in ("ready", "aborted"))

    def start(self, episode="e1"):
        """Starts the episode that is ready."""
        self.seq += 1
        self.send("episode/start", envelope(self.seq) | {"episode": episode})
        return self.until("episode/state", lambda s: s["state"] == "running")

    def answer(self, observed, velocity=None, **changes):
        """Answers a joint_states, and keeps the lease as a daemon does."""
        self.lease()
        self.seq += 1
        self.send("joint_command", command(self.robot, observed, self.seq, velocity, **changes))


class Running:
    """A bridge in a thread of this process, until stop."""

    def __init__(self, port, domain, renderer, peer, clock, options, size):
        teacher, jitter = options.pop("teacher", False), options.pop("jitter", "j05")
        settings = bridge.Settings(peer.robot, clock, size, teacher, jitter, options.pop("horizon", 0))
        self.link = link.Link("127.0.0.1", port, peer.robot)
        self.bridge = bridge.Bridge(domain, self.link, renderer, settings)
        self.clock = {"lockstep": lockstep.LockStep, "realtime": realtime.RealTime}[clock](self.bridge, **options)
        self._stop = threading.Event()
        self.link.connect(self.bridge.factsheet(), 10.0, self._stop)
        self._thread = threading.Thread(target=self.clock.run, args=(self._stop,))
        self._thread.start()

    def stop(self):
        """Stops and waits."""
        self._stop.set()
        self.link.inbox.put(None)
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive()
        self.link.close()
