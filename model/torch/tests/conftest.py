"""Fixtures: the small dataset that Go wrote, and what Go makes of it (model/train/torch_data_test.go)."""

import json
import pathlib

import numpy
import pytest
from sim2real_torch import demonstrations, tensorfile

DATA = pathlib.Path(__file__).resolve().parent / "data"


@pytest.fixture(scope="session")
def folder():
    """The dataset's folder."""
    return DATA / "dataset"


@pytest.fixture(scope="session")
def data(folder):
    """The dataset, read."""
    return demonstrations.load(folder)


@pytest.fixture(scope="session")
def expected():
    """What the daemon's own training makes of it."""
    return tensorfile.read(DATA / "expected.safetensors")


@pytest.fixture
def labels(tmp_path, data):
    """A file as the daemon writes it for a tool's motion: for each success two numbers a step."""
    rows = {
        str(e.seed): numpy.stack([numpy.full(len(e), 0.25), numpy.arange(len(e))], 1)
        for e in data.episodes
        if e.success
    }
    action = {
        "kind": "cartesian_velocity",
        "unit": "m/s, rad/s",
        "dimensions": ["vx", "gripper"],
        "cartesian": {"chain": "panda", "tool_m": [0.0, 0.0, 0.1], "posture": [0.0, 0.0]},
    }
    tensorfile.write(
        tmp_path / "labels.safetensors",
        rows,
        {demonstrations.LABELS: json.dumps(action), demonstrations.OF: data.digest},
    )
    return tmp_path / "labels.safetensors"
