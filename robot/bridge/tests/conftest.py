"""Fixtures: a real broker, the real kitchen, and a client that plays the daemon."""

import os
import shutil
import socket
import subprocess

import pytest

# Read when mujoco is imported, below.
os.environ.setdefault("MUJOCO_GL", "egl")

from sim2real_bridge import kitchen as kitchen_module
from sim2real_bridge import render

from .peer import Peer, Running, connectable

SIZE = 48  # pixels: what is tested here does not depend on it, the time does


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
    return kitchen_module.Kitchen("slide")


@pytest.fixture(scope="session")
def renderer(kitchen):
    """Small pictures of it."""
    cameras = {"default": kitchen_module.CAMERAS["default"]}
    out = render.Renderer(kitchen, kitchen_module.place, cameras, SIZE)
    yield out
    out.close()


@pytest.fixture
def peer(broker, request):
    """A daemon's side of the contract, for a robot named after the test."""
    out = Peer(broker, request.node.name.replace("[", "-").replace("]", ""))
    yield out
    out.close()


@pytest.fixture
def running(broker, kitchen, renderer, peer):
    """Starts bridges in this process; each is stopped at the end."""
    started = []

    def start(clock, **options):
        started.append(Running(broker, kitchen, renderer, peer, clock, options, SIZE))
        return started[-1]

    yield start
    for bridge in started:
        bridge.stop()
