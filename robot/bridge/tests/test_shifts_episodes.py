"""Shifts through the contract: each acts for its own episode, and the same way every time."""

import numpy as np

from sim2real_bridge.disturbance import Disturbance
from sim2real_bridge.shifts import Draw

from .arm import drive
from .peer import PATIENCE_S


def ready(peer, shift, episode, seed=7):
    state = peer.reset(seed=seed, jitter="none", shift=shift, episode=episode)
    return state, peer.until("joint_states", lambda s: s["episode"]["id"] == episode)


def test_a_shift_is_said_and_acts_for_its_episode_alone(running, peer):
    running("lockstep")
    state, plain = ready(peer, "", "e1")
    assert (state["state"], state["shift"]) == ("ready", "none")
    frame = peer.until("camera/default", lambda f: f["seq"] == plain["seq"], PATIENCE_S)
    state, shifted = ready(peer, "joint_offset", "e2")
    assert state["shift"] == "joint_offset"
    offset = np.array(shifted["position"]) - plain["position"]
    assert 0.0 < np.abs(offset).max() <= np.radians(1) + 1e-4
    assert peer.until("camera/default", lambda f: f["seq"] == shifted["seq"])["data"] == frame["data"]
    _, lit = ready(peer, "light", "e3")
    assert lit["position"] == plain["position"]
    assert peer.until("camera/default", lambda f: f["seq"] == lit["seq"])["data"] != frame["data"]
    _, again = ready(peer, "none", "e4")
    assert again["position"] == plain["position"]
    assert peer.until("camera/default", lambda f: f["seq"] == again["seq"])["data"] == frame["data"]
    refused = peer.reset(shift="lihgt", episode="e5")
    assert refused["state"] == "aborted"
    assert "light" in refused["reason"]


def test_friction_lasts_for_its_episode_alone(running, peer, kitchen):
    running("lockstep")
    own = kitchen.model.geom_friction.copy()
    for episode in ("e1", "e2"):
        ready(peer, "friction", episode)
        if episode == "e1":
            shifted = kitchen.model.geom_friction.copy()
    assert not np.array_equal(shifted, own)
    assert np.array_equal(kitchen.model.geom_friction, shifted), "the second is laid upon the first"
    ready(peer, "none", "e3")
    assert np.array_equal(kitchen.model.geom_friction, own)


def test_a_lost_frame_is_the_one_before_under_the_new_number(running, peer, kitchen):
    running("lockstep")
    _, state = ready(peer, "dropped_frames_strong", "e1")
    peer.start()
    state = peer.until("joint_states", lambda s: s["episode"]["state"] == "running")
    frames = [peer.until("camera/default", lambda f, s=state["seq"]: f["seq"] == s)]
    for step in range(16):
        peer.answer(state, 0.5 * np.sin(step + np.arange(7)))
        state = peer.next("joint_states")
        frames.append(peer.next("camera/default"))
        assert frames[-1]["seq"] == state["seq"]
    kitchen.reset("slide", 7, "none")
    lost = Disturbance(Draw("dropped_frames_strong", 7), kitchen)
    same = [frames[i]["data"] == frames[i - 1]["data"] for i in range(1, 17)]
    assert same == [lost.repeats(step) for step in range(1, 17)]
    assert 0 < sum(same) < 16


def test_the_same_commands_under_a_shift_end_alike(kitchen):
    """Friction acts on the physics, and the same way every time."""
    ends = []
    for name in ("friction", "friction", "none"):
        kitchen.reset("slide", 3, "none")
        disturbance = Disturbance(Draw(name, 3), kitchen)
        for _ in drive(kitchen, lambda: np.array([0.3, 0.8, 0.0, 0.0, 0.0, 0.0, 0.0]), 12):
            pass
        ends.append(kitchen.data.qpos.copy())
        disturbance.undo()
    assert np.array_equal(ends[0], ends[1])
    assert not np.array_equal(ends[0], ends[2])
