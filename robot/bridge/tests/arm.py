"""What the tests of every domain need: an arm driven as a bridge drives it."""

import numpy as np

from sim2real_bridge import shaping


def drive(domain, wanted, steps, gripper=0.0):
    """Control steps through the shaping; wanted is called before each. Yields the shaped velocity after each."""
    shaper = shaping.Shaper(domain.limits, domain.tick_s)
    for _ in range(steps):
        wish = wanted()
        for _ in range(domain.control_ticks):
            domain.tick(shaper.next(wish, domain.commanded_position()), gripper)
        yield shaper.velocity


def run(domain, wish, steps, gripper=0.0):
    """The same of one constant wish, to the end."""
    for _ in drive(domain, lambda: np.asarray(wish), steps, gripper):
        pass


def start(domain, seed, jitter):
    """All that a start leaves behind, as one array."""
    domain.reset(domain.task, seed, jitter)
    snapshot = domain.snapshot()
    parts = snapshot if isinstance(snapshot, tuple) else (snapshot,)
    return np.concatenate([np.ravel(x) for x in (*parts, domain.data.qvel, domain.commanded_position())])


def up(view):
    """A camera's upward direction in the world, from a factsheet's pose."""
    w, x, y, z = view["orientation_wxyz"]
    return -np.array([2 * (x * y - w * z), 1 - 2 * (x * x + z * z), 2 * (y * z + w * x)])


def taught(peer, episode, seed):
    """An episode in lock-step that does what the expert says: the positions of every step, and how it ended."""
    assert peer.reset(seed=seed, jitter="", task="", episode=episode)["state"] == "ready"
    peer.start(episode)
    state, said = peer.until("joint_states", lambda s: s["episode"]["state"] == "running"), []
    while state is not None:
        seq = state["seq"]
        advice = peer.until("expert", lambda a, seq=seq: a["seq"] == seq)
        peer.answer(state, advice["velocity"], gripper=advice["gripper"], name=advice["name"])
        state, end = peer.next_of("joint_states", "episode/state")
        said.append({"state": end["state"], "step": end["step"]} if end else state["position"])
    return said
