"""Writes one valid message per topic into this folder: python -m examples.generate, in robot/bridge.

The bridge's are what a Bridge says; the daemon's are written out here. The tests of both sides read them.
"""

import json
import os
import pathlib

os.environ.setdefault("MUJOCO_GL", "egl")

BRIDGE_EPOCH = "b1d6e0000000cafe"
DAEMON_EPOCH = "dae3070000001234"
NAMES = [f"panda_joint{i}" for i in range(1, 8)]


class Recorder:
    """Stands where a link would: keeps what is published."""

    epoch = BRIDGE_EPOCH

    def __init__(self):
        self.said = {}
        self.seq = 0

    def next_seq(self, topic):
        """Counts over all topics."""
        self.seq += 1
        return self.seq

    def publish(self, topic, stamp_ns, fields, seq=None, qos=0, retain=False):
        """Keeps the newest of each topic."""
        from sim2real_bridge import contract

        self.said[topic] = contract.encode(self.epoch, seq or self.next_seq(topic), stamp_ns, fields)


def messages(kitchen, renderer) -> dict[str, bytes]:
    """What a bridge says one step into an episode, by file name."""
    from sim2real_bridge import __version__, bridge, contract

    recorder = Recorder()
    arm = bridge.Bridge(kitchen, recorder, renderer, bridge.Settings("kitchen", "lockstep", 48, True, "j05"))
    arm.leasing.handle(_came("lease", "lease.json"))
    arm.handle_reset(_came("episode/reset", "episode_reset.json"))
    arm.handle_start(_came("episode/start", "episode_start.json"))
    command = arm.accept(_came("joint_command", "joint_command.json"), lambda _: True)
    arm.mode = command.mode
    for _ in range(kitchen.control_ticks):
        arm.move(command)
    arm.finish_step()
    stamp, seq = arm.stamp_ns(), 2
    recorder.publish("factsheet", 0, arm.factsheet(), 1)
    answer = {"answers": {"epoch": DAEMON_EPOCH, "seq": 1}}
    times = {"received": 5_000_000_000, "answered": 5_000_040_000, "wall": 1_700_000_000_000_000_000}
    recorder.publish("echo/answer", stamp, answer | {k: contract.time_message(ns) for k, ns in times.items()}, 1)
    recorder.publish("bridge/connection", 0, {"state": "online", "version": __version__}, 1)
    for topic, fields in arm.frames(renderer.render(arm.shot())):
        recorder.publish(topic, stamp, fields, seq)
    recorder.publish("expert", stamp, arm.advice(), seq)
    recorder.publish("joint_states", stamp, arm.states(), seq)
    return {topic.replace("/", "_") + ".json": payload for topic, payload in recorder.said.items()}


def _came(topic, name):
    from sim2real_bridge import link

    return link.Message(topic, json.dumps(DAEMON[name]).encode(), False, 0.0)


def _envelope(seq, **fields):
    return {"epoch": DAEMON_EPOCH, "seq": seq, "stamp": {"sec": 0, "nanosec": 0}} | fields


def _command(seq, mode, reason, names, velocity):
    observed = {"epoch": BRIDGE_EPOCH, "seq": 1, "stamp": {"sec": 0, "nanosec": 0}}
    return _envelope(
        seq,
        robot="kitchen",
        observed=observed,
        valid_for_ms=200,
        mode=mode,
        reason=reason,
        name=names,
        velocity=velocity,
        gripper=1.0,
        bundle="sha256:5feceb66ffc86f38d952786c6d696c79c2dbc239dd4e91b46729d73a27fb57e9",
    )


DAEMON = {
    "daemon_connection.json": _envelope(1, state="online", version="0.1.0"),
    "episode_reset.json": _envelope(1, episode="eval-10000", task="slide", seed=10000, jitter="j05", shift=""),
    "episode_start.json": _envelope(1, episode="eval-10000"),
    "echo.json": _envelope(1),
    "lease.json": _envelope(1, want="hold", who="sim2reald 0.3.0 on workstation, process 4711"),
    "joint_command.json": _command(1, "velocity", "", NAMES, [0.1, -0.2, 0.3, -0.4, 0.5, -0.6, 0.7]),
    "joint_command_hold.json": _command(2, "hold", "frame is 250 ms old", [], []),
}


def main() -> None:
    """Writes every example."""
    from sim2real_bridge import kitchen, render

    domain = kitchen.build("slide")
    renderer = render.Renderer(domain, kitchen.place, {"default": kitchen.CAMERAS["default"]}, 48)
    said = {name: json.dumps(message).encode() for name, message in DAEMON.items()}
    for name, payload in (said | messages(domain, renderer)).items():
        text = json.dumps(json.loads(payload), indent=2) + "\n"
        (pathlib.Path(__file__).parent / name).write_text(text)
    renderer.close()


if __name__ == "__main__":
    main()
