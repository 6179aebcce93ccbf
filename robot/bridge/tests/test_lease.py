"""Who may command: the lease alone, with time as an argument, and through a broker."""

import json
import random
import socket
import time

import pytest

from sim2real_bridge.contract import Ask, DroppedError, Identity, Presence
from sim2real_bridge.lease import Lease

from .peer import EPOCH, command, envelope
from .test_contract import PANDA, SPEED
from .test_realtime import WAVE, running_episode

A, B = "a" * 16, "b" * 16


def ask(epoch, seq, want="hold"):
    return Ask(Identity(epoch, seq), want, f"daemon {epoch[0]}")


def presence(epoch, seq, state):
    return Presence(Identity(epoch, seq), state)


def test_the_first_to_ask_holds_it_until_it_lapses():
    lease = Lease(0.3)
    assert lease.ask(ask(A, 1), 10.0)
    assert lease.holds(A, 10.29)
    assert not lease.holds(A, 10.3)
    assert lease.ask(ask(B, 1), 10.2)
    assert not lease.holds(B, 10.2)
    assert lease.holder(10.2).who == "daemon a"
    lease.renew(A, 10.25)
    lease.renew(B, 10.5)
    assert not lease.holds(A, 10.55)
    assert lease.ask(ask(B, 2), 10.55)
    assert lease.holds(B, 10.55)
    assert lease.ask(ask(A, 2), 10.6)
    assert not lease.holds(A, 10.6)


def test_without_a_ttl_only_its_end_ends_it():
    lease = Lease(None)
    lease.ask(ask(A, 1), 0.0)
    lease.ask(ask(B, 1), 1e9)
    assert lease.holds(A, 2e9)
    lease.ask(ask(B, 2, "release"), 2e9)
    assert lease.holds(A, 2e9), "somebody else gave it back"
    lease.ask(ask(A, 2, "release"), 2e9)
    assert lease.holder(2e9) is None
    lease.ask(ask(B, 3), 2e9)
    lease.forget()
    assert lease.holder(2e9) is None


def test_what_was_said_before_counts_for_nothing():
    lease = Lease(None)
    assert lease.ask(ask(A, 5), 0.0)
    lease.ask(ask(A, 6, "release"), 0.0)
    for seq in (4, 5, 6):
        assert not lease.ask(ask(A, seq), 0.0)
    assert lease.holder(0.0) is None
    for i in range(1000):
        lease.ask(ask(f"{i:016x}", 1), 0.0)
    assert len(lease._asked) <= 64, "memory grows with strangers"


@pytest.mark.parametrize(
    ("said", "ends"),
    [
        ([(A, 1, "offline")], True),
        ([(A, 2, "online"), (A, 1, "offline")], True),
        ([(A, 2, "online"), (A, 3, "offline")], True),
        ([(A, 2, "online"), (A, 4, "online"), (A, 1, "offline")], False),
        ([(A, 2, "online"), (A, 4, "online"), (A, 3, "offline")], True),
        ([(A, 4, "online"), (A, 2, "online"), (A, 1, "offline")], False),
        ([(B, 2, "online"), (B, 3, "offline")], False),
    ],
)
def test_a_last_will_counts_for_its_own_session_alone(said, ends):
    lease = Lease(None)
    lease.ask(ask(A, 1), 0.0)
    last = [lease.heard(presence(*words)) for words in said][-1]
    assert last == ends
    assert (lease.holder(0.0) is None) == ends


def test_any_order_of_messages_moves_nobody_elses_arm():
    """A gate over 20000 random deliveries: doubled, late, retained, of two senders, with the lease changing hands."""
    from sim2real_bridge.gate import Gate

    rng = random.Random(1)
    observed = envelope(5, "cccccccccccccccc")
    wire = {
        (epoch, seq): json.dumps(command("kitchen", observed, seq, SPEED, epoch=epoch)).encode()
        for epoch in (A, B)
        for seq in (1, 2, 3, 4, 2**53)
    }
    accepted = 0
    for _ in range(2500):
        gate, holder = Gate("kitchen", PANDA), rng.choice((A, B))
        gate.open()
        newest, owner = 0, None
        for _ in range(8):
            (epoch, seq), retained = rng.choice(list(wire)), rng.random() < 0.1
            if rng.random() < 0.1:
                holder = rng.choice((A, B, ""))
            lawful = not retained and epoch == holder and owner in (None, epoch) and seq > newest
            try:
                gate.accept(wire[epoch, seq], retained, lambda who, held=holder: who == held, lambda _: True)
            except DroppedError:
                assert not lawful
            else:
                assert lawful
                newest, owner, accepted = seq, epoch, accepted + 1
        assert sum(gate.dropped.values()) <= 8
    assert accepted > 1000


@pytest.mark.parametrize("seq", [0, -1, 2**53 + 1, 2**63, 2**64 - 1, 2**64, 10**300, 1.5, "1", None])
def test_a_seq_is_an_exact_positive_integer(seq):
    from sim2real_bridge import contract

    payload = json.dumps(command("kitchen", envelope(), 1, SPEED) | {"seq": seq}).encode()
    with pytest.raises(DroppedError, match="seq"):
        contract.decode_command(payload, "kitchen", PANDA)


@pytest.mark.parametrize(
    "payload", [b"[" * 10_000, b'{"a":' * 10_000, b'"' + b"x" * (64 << 20) + b'"', b"\xff" * 9, b"0"]
)
def test_nonsense_is_refused_at_once(payload):
    from sim2real_bridge import contract

    for decode in (lambda p: contract.decode_command(p, "kitchen", PANDA), contract.decode_ask, contract.decode_echo):
        began = time.perf_counter()
        with pytest.raises(DroppedError, match="malformed"):
            decode(payload)
        assert time.perf_counter() - began < 0.1, "20 times what it takes"


def test_a_second_daemon_moves_nothing_and_is_told_who_does(running, peer):
    running("realtime")
    state = running_episode(peer)
    peer.answer(state, WAVE)
    peer.lease(B, who="the other")
    said = peer.until("lease/state", lambda s: s.get("answers", {}).get("epoch") == B)
    assert (said["holder"], said["who"], said["ttl_ms"]) == (EPOCH, "test", 300)
    assert peer.until("joint_states", lambda s: "accepted" in s)
    assert peer.reset(episode="e2")["state"] == "ready"
    ready = peer.until("joint_states", lambda s: s["episode"]["id"] == "e2")
    peer.lease()
    peer.send("joint_command", command(peer.robot, ready, 1, WAVE, epoch=B))
    after = peer.until("joint_states", lambda s: "lease" in s["dropped"])
    assert "accepted" not in after


@pytest.mark.parametrize("how", ["offline", "release"])
def test_the_arm_stops_when_its_holder_is_gone(running, peer, how):
    """At once, and not only when its last command has run out."""
    running("realtime")
    state = running_episode(peer)
    for _ in range(20):
        peer.answer(state, WAVE, valid_for_ms=60_000)
        state = peer.next("joint_states")
    peer.until("joint_states", lambda s: s["mode"] == "velocity")
    if how == "release":
        peer.lease(want="release")
    else:
        peer.send("daemon/connection", envelope(3) | {"state": "offline", "version": ""})
    ended = peer.until("lease/state", lambda s: s["holder"] == "")
    stopped = peer.until("joint_states", lambda s: s["mode"] == "stopped")
    assert (stopped["stamp"]["sec"] - ended["stamp"]["sec"]) + 1e-9 * (
        stopped["stamp"]["nanosec"] - ended["stamp"]["nanosec"]
    ) <= 0.03


def test_lock_step_keeps_the_lease_of_the_silent(running, peer):
    running("lockstep", repeat_s=0.2)
    assert peer.reset()["state"] == "ready"
    peer.lease()
    assert peer.until("lease/state", lambda s: s["holder"] == EPOCH)["ttl_ms"] == 0
    peer.start()
    state = peer.until("joint_states", lambda s: s["episode"]["state"] == "running")
    assert peer.silent("lease/state", 0.5)
    peer.lease(B)
    assert peer.until("lease/state", lambda s: s["answers"]["epoch"] == B)["holder"] == EPOCH
    peer.send("joint_command", command(peer.robot, state, 9, WAVE))
    assert peer.until("joint_states", lambda s: s["seq"] > state["seq"])["episode"]["step"] == 1


def test_an_echo_is_answered_with_three_times(running, peer):
    running("lockstep")
    before = time.monotonic_ns(), time.time_ns()
    peer.send("echo", envelope(7))
    said = peer.next("echo/answer")
    after = time.monotonic_ns(), time.time_ns()
    received, answered, wall = (
        1_000_000_000 * said[k]["sec"] + said[k]["nanosec"] for k in ("received", "answered", "wall")
    )
    assert said["answers"] == {"epoch": EPOCH, "seq": 7}
    assert before[0] <= received <= answered <= after[0], "peer and bridge share one clock here"
    assert before[1] - 1e9 <= wall <= after[1] + 1e9
    peer.send("echo", b"{}")
    peer.send("echo", envelope(8))
    assert peer.next("echo/answer")["answers"]["seq"] == 8


def test_a_late_will_of_the_session_before_is_known_by_its_seq(running, peer):
    """The bridge's own: each session's will has the seq before its online."""
    bridge = running("lockstep")
    first = peer.next("bridge/connection")
    bridge.link._client.socket().shutdown(socket.SHUT_RDWR)  # the network goes; the client connects again by itself
    # A peer that subscribes while the first is published hears it twice, live and retained.
    again = peer.until("bridge/connection", lambda c: c["state"] == "online" and c["seq"] > first["seq"])
    will = json.loads(bridge.link._client._will_payload)
    assert (will["state"], will["seq"]) == ("offline", again["seq"] - 1)
    assert again["seq"] > first["seq"] + 1
