"""The command line: errors in one line, a clean end."""

import os
import signal
import subprocess
import sys

import pytest

from sim2real_bridge import domains
from sim2real_bridge.__main__ import UsageError, choose, parse

from .peer import PATIENCE_S

BAD = [
    (["--broker", "nowhere"], "HOST:PORT"),
    (["--broker", "127.0.0.1:99999"], "HOST:PORT"),
    (["--robot", "a/b"], "letters"),
    (["--robot", "#"], "letters"),
    (["--domain", "kitchn"], "--domain 'kitchn': use one of calibration, kitchen, metaworld, rgb_stacking"),
    (["--horizon", "-1"], "1 to 1000000"),
    (["--horizon", "1000001"], "1 to 1000000"),
    (["--horizon", "2.5"], "invalid int value"),
    (["--clock", "wall"], "lockstep, realtime"),
    (["--size", "0"], "16 to 1024"),
    (["--size", "big"], "invalid int value"),
    (["--abort-s", "nan"], "positive"),
    (["--abort-s", "0"], "positive"),
    (["--tsk", "slide"], "--help"),
]


@pytest.mark.parametrize(("argv", "remedy"), BAD)
def test_a_bad_argument_is_named_with_its_remedy(argv, remedy):
    with pytest.raises(UsageError) as err:
        parse(argv)
    assert remedy in str(err.value)
    assert "\n" not in str(err.value)


SERVING = [
    (["--task", "sldie"], 2, "--task 'sldie': use one of slide, "),
    (["--camera", "front"], 2, "--camera 'front': use one of default"),
    (["--camera", "default", "--camera", "default"], 2, "--camera 'default': stands twice"),
    (["--jitter", "j5"], 2, "--jitter 'j5': use one of none, j05, r3m"),
    (["--domain", "metaworld", "--task", "hamer"], 2, "--task 'hamer': use one of assembly, "),
    (["--domain", "metaworld", "--camera", "left"], 2, "--camera 'left': use one of default, top_cap2, "),
    (["--domain", "metaworld", "--jitter", "j05"], 2, "--jitter 'j05': use one of none, random"),
    (["--domain", "rgb_stacking"], 1, "use build/venv-rgb_stacking/bin/python"),
    (["--teacher", "--task", "kettle"], 2, "no scripted expert"),
    (["--size", "32", "--broker", "127.0.0.1:1", "--broker-wait", "0.1"], 1, "127.0.0.1:1"),
]


def test_what_is_not_given_is_the_domains_own():
    for name, task, jitter, view in (
        ("kitchen", "slide", "j05", "default"),
        ("metaworld", "hammer", "random", "left_cap2"),
    ):
        module, args = domains.load(name), parse(["--domain", name])
        cameras = choose(args, module)
        assert (args.robot, args.task, args.jitter, args.horizon) == (name, task, jitter, 0)
        assert cameras == {"default": module.CAMERAS[view]}


def test_cameras_come_in_the_order_asked_for():
    module = domains.load("kitchen")
    args = parse(["--camera", "right_cap2", "--camera", "default"])
    assert list(choose(args, module)) == ["right_cap2", "default"]


def test_every_domain_offers_what_is_asked_of_it():
    for name in ("calibration", "kitchen", "metaworld"):
        module = domains.load(name)
        assert module.DEFAULT_TASK in module.TASKS
        assert module.DEFAULT_PRESET in module.PRESETS
        assert "none" in module.PRESETS
        assert set(module.EXPERTS) <= set(module.TASKS)
        assert domains.DEFAULT_VIEW in domains.cameras(module)


def program(*argv):
    return [sys.executable, "-m", "sim2real_bridge", *argv]


@pytest.mark.parametrize(("argv", "status", "text"), SERVING)
def test_an_error_ends_the_program_with_one_line(argv, status, text):
    done = subprocess.run(program(*argv), capture_output=True, text=True, timeout=60)
    errors = [line for line in done.stderr.splitlines() if "waiting for the broker" not in line]
    assert done.returncode == status
    assert len(errors) == 1
    assert errors[0].startswith("error: ")
    assert text in errors[0]


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("clock", ["lockstep", "realtime"])
def test_a_signal_ends_it_cleanly(broker, peer, clock, sign):
    process = subprocess.Popen(
        program("--broker", f"127.0.0.1:{broker}", "--robot", peer.robot, "--clock", clock, "--size", "32"),
        stderr=subprocess.PIPE,
        text=True,
    )
    assert peer.next("bridge/connection")["state"] == "online"
    sheet = peer.next("factsheet")
    assert sheet["clock"] == clock
    assert "egl" in sheet["software"]["gl"] or "osmesa" in sheet["software"]["gl"]
    assert peer.reset()["state"] == "ready"
    process.send_signal(sign)
    _, errors = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, errors
    assert "arm at rest" in errors
    assert peer.until("episode/state", lambda s: s["state"] == "aborted")["reason"] == "the bridge is stopping"
    assert peer.next("bridge/connection")["state"] == "offline"


def test_it_ends_with_its_parent(broker, peer):
    bridge = program("--broker", f"127.0.0.1:{broker}", "--robot", peer.robot, "--size", "32", "--exit-with-parent")
    parent = f"import subprocess, time; p = subprocess.Popen({bridge!r}); print(p.pid, flush=True); time.sleep(600)"
    process = subprocess.Popen([sys.executable, "-c", parent], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    child = int(process.stdout.readline())
    assert peer.next("bridge/connection")["state"] == "online"
    assert os.kill(child, 0) is None
    process.kill()
    process.wait(PATIENCE_S)
    assert peer.next("bridge/connection")["state"] == "offline"


def test_a_killed_bridge_leaves_its_will(broker, peer):
    process = subprocess.Popen(
        program("--broker", f"127.0.0.1:{broker}", "--robot", peer.robot, "--size", "32"), stderr=subprocess.DEVNULL
    )
    assert peer.next("bridge/connection")["state"] == "online"
    process.kill()
    process.wait(PATIENCE_S)
    assert peer.next("bridge/connection")["state"] == "offline"
