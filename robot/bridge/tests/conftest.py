"""Fixtures: a real broker, the real kitchen, and a client that plays the daemon.

Domains whose packages exclude each other have an environment each (sim2real_bridge/domains.py). A run collects the
tests of the environment that it is in, and says which it leaves to another; `make test` runs both.
"""

import importlib.util
import os
import pathlib
import shutil
import socket
import subprocess

import pytest

# Read when mujoco is imported, in fixtures and tests.
os.environ.setdefault("MUJOCO_GL", "egl")

from .peer import Peer, Running, connectable

SIZE = 48  # pixels: what is tested here does not depend on it, the time does

STACKING = importlib.util.find_spec("dm_robotics") is not None  # this is build/venv-rgb_stacking
OF_STACKING = ("test_rgb_stacking.py",)
ELSEWHERE = [
    path.name
    for path in sorted(pathlib.Path(__file__).parent.glob("test_*.py"))
    if (path.name in OF_STACKING) is not STACKING
]
collect_ignore = ELSEWHERE


def pytest_terminal_summary(terminalreporter):
    """Nothing is left out in silence."""
    other = "build/venv" if STACKING else "build/venv-rgb_stacking"
    terminalreporter.write_line(f"left to {other}, which has their packages: {', '.join(ELSEWHERE)}")


@pytest.fixture(scope="session")
def broker(tmp_path_factory):
    """The port of a mosquitto on 127.0.0.1."""
    program = shutil.which("mosquitto", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
    assert program, "mosquitto is missing: apt-get install mosquitto"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = tmp_path_factory.mktemp("broker") / "mosquitto.conf"
    config.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\n")
    process = subprocess.Popen([program, "-c", config], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    connectable(port, 10.0)
    yield port
    process.terminate()
    process.wait(10)


@pytest.fixture(scope="session")
def kitchen():
    """One kitchen with the sliding door; every user resets it."""
    from sim2real_bridge import kitchen as module

    return module.Kitchen("slide")


@pytest.fixture(scope="session")
def renderer(kitchen):
    """Small pictures of it."""
    from sim2real_bridge import kitchen as module
    from sim2real_bridge import render

    out = render.Renderer(kitchen, module.place, {"default": module.CAMERAS["default"]}, SIZE)
    yield out
    out.close()


@pytest.fixture
def peer(broker, request):
    """A daemon's side of the contract, for a robot named after the test."""
    out = Peer(broker, request.node.name.replace("[", "-").replace("]", ""))
    yield out
    out.close()


@pytest.fixture
def served(broker, peer):
    """Starts bridges of any domain in this process; each is stopped at the end."""
    started = []

    def start(domain, renderer, clock, **options):
        started.append(Running(broker, domain, renderer, peer, clock, options, SIZE))
        return started[-1]

    yield start
    for bridge in started:
        bridge.stop()


@pytest.fixture
def running(served, kitchen, renderer):
    """Starts bridges of the kitchen."""
    return lambda clock, **options: served(kitchen, renderer, clock, **options)
