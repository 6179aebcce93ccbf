"""Real time through a real broker. What is measured is simulator time, so a slow machine does not fail it."""

import time
import types

import numpy as np

from sim2real_bridge import link, realtime

WAVE = [0.3, -0.2, 0.1, 0.4, -0.1, 0.2, 0.5]


def running_episode(peer):
    """An episode that runs; its first joint_states."""
    assert peer.reset()["state"] == "ready"
    peer.start()
    return peer.until("joint_states", lambda s: s["episode"]["state"] == "running")


def seconds(message):
    return message["stamp"]["sec"] + 1e-9 * message["stamp"]["nanosec"]


def test_states_come_every_10_ms_and_frames_every_80(running, peer):
    running("realtime")
    states = [peer.next("joint_states") for _ in range(60)]
    assert np.allclose(np.diff([seconds(s) for s in states]), 0.01)
    assert [s["seq"] for s in states] == list(range(states[0]["seq"], states[0]["seq"] + 60))
    frames = [peer.next("camera/default") for _ in range(4)]
    gaps = np.diff([seconds(f) for f in frames]) / 0.08
    assert np.all(gaps > 0.5)
    assert np.allclose(gaps, np.round(gaps))
    assert states[0]["episode"] == {"id": "", "state": "idle", "step": 0}


def test_a_command_moves_the_arm_and_silence_stops_it(running, peer):
    running("realtime")
    state = running_episode(peer)
    for _ in range(30):
        peer.answer(state, WAVE)
        state = peer.next("joint_states")
    moving = peer.until("joint_states", lambda s: s["mode"] == "velocity" and s["moving"])
    last = moving["accepted"]["seq"]
    stopped = peer.until("joint_states", lambda s: s["mode"] == "stopped")
    assert stopped["accepted"]["seq"] >= last
    rest = peer.until("joint_states", lambda s: not s["moving"])
    assert rest["mode"] == "stopped"
    # Half a second at most from the stop to rest: the slowest joint needs 0.06 s to brake.
    assert seconds(rest) - seconds(stopped) < 0.5
    later = [peer.next("joint_states") for _ in range(30)][-1]
    # The servo takes back a few milliradians of overshoot.
    assert np.allclose(later["position"], rest["position"], atol=1e-2)
    assert not later["moving"]
    peer.answer(later, WAVE)
    assert peer.until("joint_states", lambda s: s["mode"] == "velocity")


def test_nothing_moves_before_the_start(running, peer):
    running("realtime")
    assert peer.reset()["state"] == "ready"
    ready = peer.until("joint_states", lambda s: s["episode"]["state"] == "ready")
    peer.answer(ready, WAVE)
    after = peer.until("joint_states", lambda s: "accepted" in s)
    assert after["mode"] == "hold"
    assert np.allclose(after["position"], ready["position"], atol=1e-3)


def test_an_answer_to_an_old_state_is_stale(running, peer):
    running("realtime", timeout_s=0.1)
    old = running_episode(peer)
    peer.until("joint_states", lambda s: seconds(s) > seconds(old) + 0.5)
    peer.answer(old, WAVE)
    assert peer.until("joint_states", lambda s: s["dropped"])["dropped"] == {"stale": 1}


def test_hold_and_silence_end_truncated(running, peer, kitchen, monkeypatch):
    monkeypatch.setattr(type(kitchen), "horizon_steps", 6)
    running("realtime")
    running_episode(peer)
    end = peer.until("episode/state", lambda s: s["state"] != "running")
    assert (end["state"], end["step"]) == ("truncated", 6)


def test_falling_far_behind_is_said_and_not_caught_up():
    bridge = types.SimpleNamespace(errors=[])
    clock = realtime.RealTime(bridge)
    now = time.monotonic()
    assert clock._keep_time(now - 0.3) == now - 0.3, "a little late is caught up"
    assert bridge.errors == []
    assert clock._keep_time(now - 2.0) >= now
    assert "behind real time by 2" in bridge.errors[0]
    clock._keep_time(time.monotonic() + 0.001)
    assert bridge.errors == []


def test_a_flood_does_not_stop_the_clock():
    """Of what has come, one tick reads so much; the rest waits, and what finds no room is dropped."""
    session = link.Link("127.0.0.1", 1, "arm")
    message = types.SimpleNamespace(topic="sim2real/v1/arm/joint_command", payload=b"{", retain=False)
    for _ in range(link.INBOX_MAX + 10):
        session._on_message(None, None, message)
    assert session.inbox.qsize() == link.INBOX_MAX
    assert session._overflowed == 10
    read = []
    bridge = types.SimpleNamespace(link=session, leasing=types.SimpleNamespace(handle=lambda m: read.append(m) or True))
    clock = realtime.RealTime(bridge)
    clock._handle_some()
    assert len(read) == realtime.MESSAGES_PER_TICK
    assert session.inbox.qsize() == link.INBOX_MAX - realtime.MESSAGES_PER_TICK
