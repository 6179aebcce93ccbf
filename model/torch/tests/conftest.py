"""Fixtures: the small dataset that Go wrote, and what Go makes of it (model/train/torch_data_test.go)."""

import pathlib

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
