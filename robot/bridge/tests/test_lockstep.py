"""Lock-step through a real broker."""

import numpy as np

from sim2real_bridge import kitchen as kitchen_module
from sim2real_bridge import render

from .conftest import SIZE
from .peer import EPOCH, command

WAVE = [0.3, -0.2, 0.1, 0.4, -0.1, 0.2, 0.5]


def observation_zero(peer, seed=1, episode="e1"):
    """Resets and starts; the observation of step 0 while running."""
    assert peer.reset(seed=seed, episode=episode)["state"] == "ready"
    peer.start(episode)
    return peer.until("joint_states", lambda s: s["episode"]["state"] == "running")


def test_ready_takes_an_answer_and_does_not_move(running, peer):
    running("lockstep")
    assert peer.reset()["state"] == "ready"
    ready = peer.next("joint_states")
    assert ready["episode"] == {"id": "e1", "state": "ready", "step": 0}
    assert "accepted" not in ready
    peer.answer(ready, WAVE)
    peer.start()
    first = peer.next("joint_states")
    assert first["position"] == ready["position"]
    assert first["stamp"] == ready["stamp"]
    assert first["seq"] == ready["seq"] + 1
    assert first["accepted"] == {"epoch": EPOCH, "seq": peer.seq - 1}


def test_hold_only_reaches_truncated(running, peer, kitchen):
    running("lockstep")
    state = observation_zero(peer)
    start = np.array(state["position"])
    for step in range(1, kitchen.horizon_steps):
        peer.answer(state)
        state = peer.next("joint_states")
        assert state["episode"]["step"] == step
    peer.answer(state)
    end = peer.until("episode/state", lambda s: s["state"] != "running")
    assert (end["state"], end["step"]) == ("truncated", kitchen.horizon_steps)
    assert np.abs(np.array(state["position"]) - start).max() < 2e-3, "a held arm drifted"
    assert peer.silent("joint_states", 0.3)


def test_an_episode_is_as_long_as_was_asked_for(running, peer):
    """In place of the domain's own horizon, and the factsheet says so."""
    running("lockstep", horizon=3)
    assert peer.next("factsheet")["horizon_steps"] == 3
    state = observation_zero(peer)
    for _ in range(2):
        peer.answer(state)
        state = peer.next("joint_states")
    peer.answer(state)
    end = peer.until("episode/state", lambda s: s["state"] != "running")
    assert (end["state"], end["step"]) == ("truncated", 3)


def test_several_cameras_show_one_moment(served, peer, kitchen):
    """Each under its own name, all with the seq and stamp of their joint_states, in the factsheet's order."""
    names = ["right_cap2", "default", "left_cap2"]
    views = {name: kitchen_module.CAMERAS[name] for name in names}
    renderer = render.Renderer(kitchen, kitchen_module.place, views, SIZE)
    served(kitchen, renderer, "lockstep")
    assert [camera["name"] for camera in peer.next("factsheet")["cameras"]] == names
    state = observation_zero(peer)
    peer.answer(state, WAVE)
    state = peer.next("joint_states")
    frames = [peer.until(f"camera/{n}", lambda f: f["seq"] == state["seq"]) for n in names]
    assert [frame["name"] for frame in frames] == names
    assert all(frame["stamp"] == state["stamp"] for frame in frames)
    assert len({frame["data"] for frame in frames}) == 3
    renderer.close()


def test_an_observation_is_frames_then_expert_then_states(running, peer):
    running("lockstep", teacher=True)
    state = observation_zero(peer)
    frames = [peer.next("camera/default") for _ in range(2)]
    advice = [peer.next("expert") for _ in range(2)]
    assert frames[1]["seq"] == advice[1]["seq"] == state["seq"]
    assert frames[1]["stamp"] == advice[1]["stamp"] == state["stamp"]


def test_an_unanswered_observation_is_repeated_then_given_up(running, peer):
    running("lockstep", repeat_s=0.1, abort_s=0.45)
    state = observation_zero(peer)
    for _ in range(3):
        assert peer.next("joint_states") == state
    end = peer.until("episode/state", lambda s: s["state"] != "running")
    assert end["state"] == "aborted"
    assert "no answer" in end["reason"]


def test_a_dropped_answer_does_not_stall(running, peer):
    running("lockstep", repeat_s=0.1)
    state = observation_zero(peer)
    peer.send("joint_command", b"{not json")
    repeated = peer.next("joint_states")
    assert repeated == state
    peer.answer(repeated, WAVE)
    after = peer.until("joint_states", lambda s: s["seq"] > state["seq"])
    assert after["episode"]["step"] == 1
    assert after["dropped"] == {"malformed": 1}


def test_an_answer_that_comes_twice_is_applied_once(running, peer):
    running("lockstep")
    state = observation_zero(peer)
    peer.answer(state, WAVE)
    peer.seq -= 1
    peer.answer(state, WAVE)
    after = peer.next("joint_states")
    peer.answer(after, WAVE)
    last = peer.next("joint_states")
    assert [s["episode"]["step"] for s in (after, last)] == [1, 2]
    assert last["dropped"] == {"sequence": 1}
    assert last["applied"] == {"epoch": EPOCH, "seq": peer.seq}


def test_an_answer_to_an_older_observation_is_stale(running, peer):
    running("lockstep")
    first = observation_zero(peer)
    peer.answer(first, WAVE)
    second = peer.next("joint_states")
    peer.answer(first, WAVE)
    peer.answer(second, WAVE)
    assert peer.next("joint_states")["dropped"] == {"stale": 1}


def test_two_runs_of_the_same_commands_are_equal(running, peer):
    runs = []
    for episode in ("e1", "e2"):
        bridge = running("lockstep")
        state = observation_zero(peer, 7, episode)
        said = []
        for step in range(12):
            peer.answer(state, np.array(WAVE) * np.sin(step))
            state = peer.next("joint_states")
            said.append({k: v for k, v in state.items() if k not in ("epoch", "episode", "accepted", "applied")})
        frames = [peer.next("camera/default")["data"] for _ in range(14)]
        runs.append((said, frames))
        bridge.stop()
    assert runs[0][0] == runs[1][0]
    assert runs[0][1] == runs[1][1]
    assert len(set(runs[0][1])) > 10, "the pictures do not change"


def test_a_reset_that_cannot_be_done_is_aborted_with_a_reason(running, peer):
    running("lockstep")
    assert "--task hinge" in peer.reset(task="hinge")["reason"]
    assert "none, j05, r3m" in peer.reset(jitter="j99", episode="e2")["reason"]
    assert peer.reset(episode="e3")["state"] == "ready"


def test_an_episode_reset_accepts_a_new_epoch(running, peer):
    running("lockstep")
    state = observation_zero(peer)
    peer.answer(state, WAVE)
    state = peer.next("joint_states")
    peer.answer(state, WAVE, epoch="ffffffffffffffff")
    peer.answer(state, WAVE)
    assert peer.next("joint_states")["dropped"] == {"epoch": 1}
    peer.reset(episode="e2")
    ready = peer.until("joint_states", lambda s: s["episode"]["id"] == "e2")
    peer.lease(want="release")
    peer.lease(epoch="ffffffffffffffff")
    peer.send("joint_command", command(peer.robot, ready, 1, epoch="ffffffffffffffff"))
    peer.start("e2")
    first = peer.until("joint_states", lambda s: s["episode"]["state"] == "running")
    assert first["accepted"]["epoch"] == "ffffffffffffffff"


def test_the_expert_succeeds_through_the_contract(running, peer, kitchen):
    running("lockstep", teacher=True)
    state = observation_zero(peer, seed=20001)
    advice = peer.until("expert", lambda a: a["seq"] == state["seq"])
    bound = 0.5 * kitchen.limits.velocity_max
    while state is not None:
        wish = np.array(advice["velocity"])
        assert np.all(np.abs(wish) <= bound + 1e-9)
        peer.answer(state, wish, gripper=advice["gripper"])
        state, end = peer.next_of("joint_states", "episode/state")
        advice = None if end else peer.next("expert")
    assert end["state"] == "success"
    assert end["step"] < 100
