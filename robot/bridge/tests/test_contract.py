"""Messages and the gate: every reason to drop, and the examples that the daemon's tests read too."""

import json
import pathlib
import random
import re

import numpy as np
import pytest

from sim2real_bridge import contract, domains, limits, metaworld_tasks, shifts
from sim2real_bridge.contract import DroppedError, Identity
from sim2real_bridge.gate import Gate

from .peer import EPOCH, NAMES, command, envelope

EXAMPLES = pathlib.Path(__file__).parents[1] / "examples"
PANDA = limits.load("panda")
OBSERVED = envelope(5, "aaaaaaaaaaaaaaaa")
SPEED = [0.1, -0.2, 0.3, -0.4, 0.5, -0.6, 0.7]


def wire(**changes):
    """A lawful joint_command with changes; a value of ... removes the key."""
    message = command("kitchen", OBSERVED, 1, SPEED) | changes
    return json.dumps({key: value for key, value in message.items() if value is not ...}).encode()


def fresh(observed):
    return observed == Identity("aaaaaaaaaaaaaaaa", 5)


def leased(epoch):
    return True


def gate():
    out = Gate("kitchen", PANDA)
    out.open()
    return out


DROPPED = [
    ("empty", b"", "malformed"),
    ("not JSON", b"{", "malformed"),
    ("not UTF-8", b'"\xff"', "malformed"),
    ("a list", b"[]", "malformed"),
    ("deeply nested", b"[" * 100_000, "malformed"),
    ("a key twice", wire()[:-1] + b',"gripper":0}', "malformed"),
    ("unknown key", wire(speed=1), "malformed"),
    ("missing key", wire(reason=...), "malformed"),
    ("no epoch", wire(epoch=...), "malformed"),
    ("epoch in capitals", wire(epoch="AABBCCDDEEFF0011"), "malformed"),
    ("short epoch", wire(epoch="00"), "malformed"),
    ("seq 0", wire(seq=0), "malformed"),
    ("seq true", wire(seq=True), "malformed"),
    ("seq 1.0", wire(seq=1.0), "malformed"),
    ("stamp with a sign", wire(stamp={"sec": -1, "nanosec": 0}), "malformed"),
    ("stamp beyond a second", wire(stamp={"sec": 1, "nanosec": 10**9}), "malformed"),
    ("stamp a number", wire(stamp=1), "malformed"),
    ("observed without stamp", wire(observed={"epoch": EPOCH, "seq": 1}), "malformed"),
    ("mode position", wire(mode="position"), "malformed"),
    ("mode a list", wire(mode=[]), "malformed"),
    ("valid for nothing", wire(valid_for_ms=0), "malformed"),
    ("valid for NaN", wire(valid_for_ms=float("nan")), "malformed"),
    ("valid for ever", wire(valid_for_ms=float("inf")), "malformed"),
    ("velocity a number", wire(velocity=1), "malformed"),
    ("velocity of strings", wire(velocity=["0"] * 7), "malformed"),
    ("velocity of booleans", wire(velocity=[True] * 7), "malformed"),
    ("bundle a number", wire(bundle=1), "malformed"),
    ("another robot", wire(robot="sawyer"), "robot"),
    ("missing joint", wire(name=NAMES[:6], velocity=SPEED[:6]), "joints"),
    ("extra joint", wire(name=[*NAMES, "panda_joint8"], velocity=[*SPEED, 0.0]), "joints"),
    ("repeated joint", wire(name=[*NAMES[:6], NAMES[0]]), "joints"),
    ("joint of another arm", wire(name=[*NAMES[:6], "right_j6"]), "joints"),
    ("joint a number", wire(name=[*NAMES[:6], 7]), "joints"),
    ("fewer values than names", wire(velocity=SPEED[:6]), "joints"),
    ("no joints", wire(name=[], velocity=[]), "joints"),
    ("hold with joints", wire(mode="hold"), "joints"),
    ("NaN", wire(velocity=[*SPEED[:6], float("nan")]), "not_finite"),
    ("infinite", wire(velocity=[*SPEED[:6], float("-inf")]), "not_finite"),
    ("overflow", wire().replace(b"0.7", b"1e999"), "not_finite"),
    ("integer overflow", wire().replace(b"0.7", b"1" + b"0" * 400), "not_finite"),
    ("gripper NaN", wire(gripper=float("nan")), "not_finite"),
    ("too fast", wire(velocity=[*SPEED[:6], 2.62]), "limit"),
    ("gripper beyond", wire(gripper=1.01), "limit"),
    ("gripper below", wire(gripper=-0.01), "limit"),
    ("answers an older one", wire(observed=envelope(4, "aaaaaaaaaaaaaaaa")), "stale"),
    ("answers another bridge", wire(observed=envelope(5, "bbbbbbbbbbbbbbbb")), "stale"),
]


@pytest.mark.parametrize(("payload", "reason"), [case[1:] for case in DROPPED], ids=[case[0] for case in DROPPED])
def test_dropped(payload, reason):
    g = gate()
    with pytest.raises(DroppedError) as err:
        g.accept(payload, False, leased, fresh)
    assert err.value.reason == reason
    assert "\n" not in str(err.value)
    assert g.dropped == dict.fromkeys(contract.REASONS, 0) | {reason: 1}
    assert g.accept(wire(), False, leased, fresh), "a dropped command must not count as the last one"


def test_dropped_by_what_came_before():
    g = Gate("kitchen", PANDA)
    cases = [
        (wire(), False, "not_running"),
        (wire(), True, "retained"),
        ("open", None, None),
        (wire(seq=3), False, None),
        (wire(seq=3), False, "sequence"),
        (wire(seq=2), False, "sequence"),
        (wire(seq=4, epoch="ffffffffffffffff"), False, "epoch"),
        (wire(seq=4), True, "retained"),
        (wire(seq=4), False, None),
        ("open", None, None),
        (wire(seq=1, epoch="ffffffffffffffff"), False, None),
        (wire(seq=9), False, "epoch"),
        ("close", None, None),
        (wire(seq=9, epoch="ffffffffffffffff"), False, "not_running"),
    ]
    seen = []
    for payload, retained, reason in cases:
        if retained is None:
            getattr(g, payload)()
        elif reason is None:
            g.accept(payload, retained, leased, fresh)
        else:
            with pytest.raises(DroppedError) as err:
                g.accept(payload, retained, leased, fresh)
            assert err.value.reason == reason
            seen.append(reason)
    assert g.dropped == {reason: seen.count(reason) for reason in contract.REASONS}


def test_joints_are_matched_by_name():
    order = [3, 1, 6, 0, 2, 5, 4]
    shuffled = wire(name=[NAMES[i] for i in order], velocity=[SPEED[i] for i in order])
    got = contract.decode_command(shuffled, "kitchen", PANDA)
    assert np.array_equal(got.velocity, SPEED)
    assert (got.mode, got.valid_for_s, got.gripper) == ("velocity", 0.2, 0.0)


def test_hold_is_rest():
    got = contract.decode_command(wire(mode="hold", reason="stale frame", name=[], velocity=[]), "kitchen", PANDA)
    assert np.array_equal(got.velocity, np.zeros(7))
    assert got.reason == "stale frame"


@pytest.mark.parametrize(
    "changes",
    [
        {"seed": -1},
        {"seed": 1.5},
        {"seed": 2**60},
        {"seed": True},
        {"episode": ""},
        {"task": None},
        {"shift": 1},
        {"x": 1},
    ],
)
def test_reset_refused(changes):
    fields = {"episode": "e", "task": "slide", "seed": 3, "jitter": "j05", "shift": "light"}
    got = contract.decode_reset(json.dumps(envelope() | fields).encode())
    assert (got.seed, got.shift) == (3, "light")
    with pytest.raises(DroppedError):
        contract.decode_reset(json.dumps(envelope() | fields | changes).encode())


def test_mutated_bytes_are_dropped_or_lawful():
    rng = random.Random(0)
    decoders = (
        lambda p: contract.decode_command(p, "kitchen", PANDA),
        contract.decode_reset,
        contract.decode_start,
    )
    dropped = 0
    for _ in range(4000):
        payload = bytearray(wire())
        for _ in range(rng.randint(1, 4)):
            payload[rng.randrange(len(payload))] = rng.choice(b'{}[]",:0129eE-.nN\xff\x00')
        for decode in decoders:
            try:
                got = decode(bytes(payload))
            except DroppedError as err:
                assert err.reason in contract.REASONS
                dropped += 1
            else:
                assert np.all(np.abs(got.velocity) <= PANDA.velocity_max + 1e-5)
    assert dropped > 8000


def test_encode_refuses_what_is_not_finite():
    with pytest.raises(ValueError, match="JSON"):
        contract.encode(EPOCH, 1, 0, {"x": float("nan")})


def test_encode_splits_the_stamp():
    message = json.loads(contract.encode(EPOCH, 2, 3_000_000_004, {}))
    assert message == {"epoch": EPOCH, "seq": 2, "stamp": {"sec": 3, "nanosec": 4}}


def example(name):
    return (EXAMPLES / name).read_bytes()


def test_examples_of_the_daemon_decode():
    moving = contract.decode_command(example("joint_command.json"), "kitchen", PANDA)
    holding = contract.decode_command(example("joint_command_hold.json"), "kitchen", PANDA)
    assert (moving.mode, holding.mode) == ("velocity", "hold")
    reset, start = (
        contract.decode_reset(example("episode_reset.json")),
        contract.decode_start(example("episode_start.json")),
    )
    assert reset.episode == start.episode
    assert reset.seed == 10000


def test_examples_of_the_bridge_are_what_it_says(kitchen, renderer):
    """The keys, all the way down, are those that a bridge writes today; regenerate with examples/generate.py."""
    from examples import generate

    for name, payload in generate.messages(kitchen, renderer).items():
        assert shape_of(json.loads(example(name))) == shape_of(json.loads(payload)), name


def test_the_contract_names_all_that_there_is():
    """What a factsheet and a reset can say of this repository's domains stands in CONTRACT.md."""
    text = (EXAMPLES.parent / "CONTRACT.md").read_text()
    names = [name for name in shifts.SHIFTS if not name.endswith(shifts.STRONG)]
    for domain in ("kitchen", "metaworld"):
        module = domains.load(domain)
        names += [domain, domains.DOMAINS[domain], *module.PRESETS, *module.CAMERAS]
        names += metaworld_tasks.PAPER_TASKS if domain == "metaworld" else module.TASKS
    names += json.loads(example("factsheet.json")).keys() | json.loads(example("episode_state.json")).keys()
    names += json.loads(example("episode_reset.json")).keys() | json.loads(example("joint_states.json")).keys()
    envelope_only = {"stamp", "seq", "epoch"}
    assert [name for name in names if name not in envelope_only and not re.search(rf'[`"]{name}[`"\[]', text)] == []


def shape_of(value):
    """A message's keys and kinds."""
    if isinstance(value, dict):
        return {key: shape_of(item) for key, item in value.items()}
    if isinstance(value, list):
        return [shape_of(item) for item in value]
    return "number" if isinstance(value, (int, float)) and not isinstance(value, bool) else type(value).__name__
