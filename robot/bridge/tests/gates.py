"""Bridges that take commands which they must not, mend them, or do not count what they drop; see spoilt.py."""

import json

import numpy as np

from sim2real_bridge.contract import DroppedError, Identity


def wrap(of, name, around):
    """Replaces a method of one object by around(method, *args)."""
    method = getattr(of, name)
    setattr(of, name, lambda *args, **kwargs: around(method, *args, **kwargs))


def mends(edit):
    """A bridge that makes a lawful command of an unlawful one: edit changes the message in place."""

    def spoil(double):
        gate, limits = double.arm.gate, double.arm.domain.limits

        def accept(method, payload, *rest):
            try:
                message = json.loads(payload)
            except (ValueError, RecursionError):
                return method(payload, *rest)
            if not isinstance(message, dict) or payload.endswith(b',"gripper":0}') or len(payload) > 64 * 1024:
                return method(payload, *rest)
            edit(message, gate, limits)
            return method(json.dumps(message).encode(), *rest)

        wrap(gate, "accept", accept)

    return spoil


def mends_bytes(edit):
    """The same for bytes."""

    def spoil(double):
        wrap(double.arm.gate, "accept", lambda method, payload, *rest: method(edit(payload), *rest))

    return spoil


def field(name, unlawful, lawful):
    """Makes a field lawful where it is not."""

    def edit(message, gate, limits):
        if name in message and unlawful(message[name]):
            message[name] = lawful

    return mends(edit)


def speeds(mend):
    def edit(message, gate, limits):
        if message.get("mode") == "velocity" and len(message["velocity"]) == 7:
            message["velocity"] = mend(np.array(message["velocity"]), limits).tolist()

    return mends(edit)


def names(mend):
    """Makes the names and velocities of a moving command lawful; mend returns pairs."""

    def edit(message, gate, limits):
        if message.get("mode") == "velocity":
            pairs = mend(list(zip(message["name"], message["velocity"], strict=True)), list(limits.joint_names))
            message["name"], message["velocity"] = [list(x) for x in zip(*pairs, strict=True)]

    return mends(edit)


def next_seq(unlawful):
    def edit(message, gate, limits):
        if unlawful(message["seq"]):
            message["seq"] = (gate._last.seq if gate._last else 0) + 1

    return mends(edit)


def another_epoch_is_ours(message, gate, limits):
    if message["epoch"] == "0" * 16 and gate._last is not None:
        message["epoch"] = gate._last.epoch


def drop_joints_of_hold(message, gate, limits):
    if message.get("mode") == "hold":
        message["name"], message["velocity"] = [], []


def missing_added(pairs, known):
    return [*pairs, (known[-1], 0.0)] if len(pairs) == 6 else pairs


def repeated_renamed(pairs, known):
    return [*pairs[:-1], (known[-1], pairs[-1][1])] if len(pairs) == 7 and pairs[-1][0] == pairs[0][0] else pairs


def twice_once(pairs, known):
    return pairs[:7] if len(pairs) == 8 and pairs[-1][0] == pairs[0][0] else pairs


def unknown_left_out(pairs, known):
    return [p for p in pairs if p[0] in known]


def by_place(pairs, known):
    if sorted(known) != sorted(n for n, _ in pairs):
        return pairs
    return [(name, value) for name, (_, value) in zip(known, pairs, strict=True)]


def takes(when):
    """A bridge that takes a seq that it must not: when compares it with the last."""

    def edit(message, gate, limits):
        if gate._last is not None and isinstance(message["seq"], int) and when(message["seq"], gate._last.seq):
            gate._last = Identity(gate._last.epoch, message["seq"] - 1)

    return mends(edit)


def fresh_whatever(own):
    """A bridge that takes an answer to any observation, of its own or of others."""

    def spoil(double):
        def accept(method, payload, retained, leased, fresh):
            return method(payload, retained, leased, lambda o: fresh(o) or (o.epoch == double.link.epoch) == own)

        wrap(double.arm.gate, "accept", accept)

    return spoil


def uncounted(when):
    """A bridge that drops some things, and does not say so."""

    def spoil(double):
        def accept(method, payload, *rest):
            if when(double.arm.gate, payload):
                raise DroppedError("not_running", "in silence")
            return method(payload, *rest)

        wrap(double.arm.gate, "accept", accept)

    return spoil


def uncounted_between_episodes(double):
    """The retained one at start is counted as ever."""

    def accept(method, payload, retained, *rest):
        if not retained and not double.arm.gate._open:
            raise DroppedError("not_running", "in silence")
        return method(payload, retained, *rest)

    wrap(double.arm.gate, "accept", accept)
