"""Bridges that each break one rule of the contract, for the conformance kit to find.

Each entry is called with a Double before its bridge connects, and spoils that one bridge.
"""

import dataclasses
import threading

import numpy as np

from sim2real_bridge.contract import Command
from sim2real_bridge.domain import Measurement

from .gates import (
    another_epoch_is_ours,
    by_place,
    drop_joints_of_hold,
    field,
    fresh_whatever,
    mends,
    mends_bytes,
    missing_added,
    names,
    next_seq,
    repeated_renamed,
    speeds,
    takes,
    twice_once,
    uncounted,
    uncounted_between_episodes,
    unknown_left_out,
    wrap,
)


def says(topic, edit):
    """A bridge whose messages on a topic are edited: edit takes the fields and returns them."""

    def spoil(double):
        def publish(method, name, stamp, fields, *rest, **more):
            return method(name, stamp, edit(dict(fields)) if name == topic else fields, *rest, **more)

        wrap(double.link, "publish", publish)

    return spoil


def without(key):
    return lambda fields: {k: v for k, v in fields.items() if k != key}


def never_retained(topic):
    def spoil(double):
        def send(method, name, payload, qos=0, retain=False):
            return method(name, payload, qos, retain and name != topic)

        wrap(double.link, "send", send)

    return spoil


def says_its_factsheet_over_and_over(double):
    """And never lets the broker keep it."""
    never_retained("factsheet")(double)

    def again():
        while not double.stopping.wait(0.3):
            if double.link._client.is_connected():
                double.link.publish("factsheet", 0, double.facts)

    threading.Thread(target=again, daemon=True).start()


def skips_a_seq(double):
    def drawn(method, topic):
        if topic == "joint_states":
            method(topic)
        return method(topic)

    wrap(double.link, "next_seq", drawn)


def deaf_to_echoes(double):
    double.link._answer_echo = lambda message, arrival: None


def obeys_anyone(double):
    wrap(
        double.arm.gate,
        "accept",
        lambda m, payload, retained, leased, fresh: m(payload, retained, lambda _: True, fresh),
    )


def keeps_what_is_given_back(double):
    def ask(method, ask, now):
        return True if ask.want == "release" and ask.who == "conformance kit" else method(ask, now)

    wrap(double.arm.leasing._lease, "ask", ask)


def lapses_in_lockstep(double):
    double.arm.leasing._lease.ttl_s = 0.25


def never_lapses(double):
    double.arm.leasing._lease.ttl_s = None


def deaf_to_wills(double):
    double.arm.leasing._lease.heard = lambda presence: False


def obeys_every_will(double):
    lease = double.arm.leasing._lease
    lease.heard = lambda said: said.state == "offline" and lease._end(said.identity.epoch)


def resets_again(double):
    def handle(method, message):
        double.arm._last_reset = None
        return method(message)

    wrap(double.arm, "handle_reset", handle)


def starts_anywhere(double):
    rng = np.random.default_rng()
    wrap(double.arm.domain, "reset", lambda m, task, seed, jitter: m(task, int(rng.integers(1 << 40)), jitter))


def moves_in_ready(double):
    def answered(method, command):
        if double.arm.episode.state == "ready":
            for _ in range(20):
                double.arm.move(command)
        method(command)

    wrap(double.runner, "_answered", answered)


def turns_joint_1_round(double):
    wrap(
        double.arm.domain, "tick", lambda m, velocity, gripper: m(velocity * np.array([-1, 1, 1, 1, 1, 1, 1]), gripper)
    )


def coasts(double):
    """A hold goes on as the last moving command of the episode did."""
    last = {}

    def move(method, command: Command | None):
        episode = double.arm.episode.id
        if command is not None and command.mode == "velocity":
            last[episode] = command.velocity
        elif command is not None and episode in last:
            command = dataclasses.replace(command, velocity=last[episode])
        method(command)

    wrap(double.arm, "move", move)


def races(double):
    def measure(method):
        m = method()
        fast = np.abs(m.velocity) > 0.5 * double.arm.domain.limits.velocity_max
        return Measurement(m.position, np.where(fast, 3.0, 1.0) * m.velocity, m.effort, m.gripper)

    wrap(double.arm.domain, "measure", measure)


def two_steps_at_once(double):
    def finish(method):
        double.arm.episode.step += 1
        return method()

    wrap(double.arm, "finish_step", finish)


def never_repeats(double):
    double.runner.repeat_s = 1000.0


def will_of_another_seq(double):
    def make(client, userdata):
        double.link._connection("offline")
        client.will_set(double.link._prefix + "bridge/connection", double.link._connection("offline"), 1, True)
        double.link._connection("offline")

    double.link._client.on_pre_connect = make


def takes_the_kept(double):
    def heard(method, client, userdata, message):
        message.retain = False
        method(client, userdata, message)

    double.link._client.on_message = lambda *args: heard(double.link._on_message, *args)


def expires(later):
    """A bridge in real time whose commands hold for longer: later says by how much, of a command."""

    def spoil(double):
        def handle(method, message):
            before = double.runner._command
            method(message)
            if double.runner._command is not None and double.runner._command is not before:
                double.runner._expires += later(double.runner._command)

        wrap(double.runner, "_handle", handle)

    return spoil


IN_LOCKSTEP = {
    "factsheet_retained": says_its_factsheet_over_and_over,
    "factsheet_complete": lambda double: double.facts.pop("success_rule"),
    "online_retained": never_retained("bridge/connection"),
    "states_complete": says("joint_states", without("effort")),
    "pictures": says("camera/default", lambda fields: fields | {"width": 17}),
    "envelopes": skips_a_seq,
    "echo": deaf_to_echoes,
    "lease_granted": says("lease/state", lambda fields: fields | {"ttl_ms": 5}),
    "lease_one": says("lease/state", lambda fields: fields | {"who": ""}),
    "lease_needed": obeys_anyone,
    "lease_release": keeps_what_is_given_back,
    "lease_lapses": lapses_in_lockstep,
    "lease_will": deaf_to_wills,
    "lease_late_will": obeys_every_will,
    "reset_refused": says("episode/state", lambda fields: fields | {"reason": ""}),
    "reset_once": resets_again,
    "same_start": starts_anywhere,
    "epoch": mends(another_epoch_is_ours),
    "sequence": takes(lambda seq, last: 0 < seq < last),
    "replay": takes(lambda seq, last: seq == last),
    "stale": fresh_whatever(own=True),
    "not_running": uncounted_between_episodes,
    "another_bridge": fresh_whatever(own=False),
    "another_robot": lambda double: field("robot", lambda name: name == "another-robot", double.robot)(double),
    "nan": speeds(lambda v, limits: np.where(np.isnan(v), 0.1, v)),
    "infinite": speeds(lambda v, limits: np.where(np.isinf(v), 0.1, v)),
    "gripper_nan": field("gripper", lambda g: g != g, 0.0),
    "too_fast": speeds(
        lambda v, limits: np.where(np.isfinite(v), np.clip(v, -limits.velocity_max, limits.velocity_max), v)
    ),
    "gripper_range": field("gripper", lambda g: g > 1, 1.0),
    "joint_missing": names(missing_added),
    "joint_extra": names(unknown_left_out),
    "joint_repeated": names(repeated_renamed),
    "joint_twice": names(twice_once),
    "hold_with_joints": mends(drop_joints_of_hold),
    "unknown_mode": field("mode", lambda mode: mode == "fly", "velocity"),
    "unknown_key": mends(lambda message, gate, limits: message.pop("speed", None)),
    "missing_key": mends(lambda message, gate, limits: message.setdefault("reason", "")),
    "no_validity": field("valid_for_ms", lambda ms: ms == 0, 200),
    "seq_zero": next_seq(lambda seq: seq == 0),
    "seq_beyond": next_seq(lambda seq: seq > 2**53),
    "key_twice": mends_bytes(
        lambda payload: payload.removesuffix(b',"gripper":0}') + b"}" if payload.endswith(b',"gripper":0}') else payload
    ),
    "not_json": mends_bytes(
        lambda payload: payload + b"}" if payload[:1] == b"{" and payload[-1:] != b"}" else payload
    ),
    "not_utf8": mends_bytes(lambda payload: payload.replace(b"\xff", b"")),
    "deep": uncounted(lambda gate, payload: payload.startswith(b"[[")),
    "too_large": mends_bytes(bytes.strip),
    "ready_stands": moves_in_ready,
    "moves": turns_joint_1_round,
    "shuffled": names(by_place),
    "hold_rests": coasts,
    "speed_kept": races,
    "one_step": two_steps_at_once,
    "repeats": never_repeats,
    "last_will": will_of_another_seq,
    "retained": takes_the_kept,
}

IN_REALTIME = {
    "lease_lapses": never_lapses,
    "silence_stops": expires(lambda command: 0.4 if command.valid_for_s >= 0.2 else 0.0),
    "validity_ends": expires(lambda command: 0.2 - min(0.2, command.valid_for_s)),
    "holder_gone": lambda double: setattr(double.runner, "_leased", lambda now: True),
}
