"""Arguments. Needs no torch."""

import pathlib
import subprocess
import sys

import pytest
from sim2real_torch import TrainingError
from sim2real_torch.__main__ import parse

PACKAGE = pathlib.Path(__file__).resolve().parents[1]
TRAIN = ["train", "--data", "d", "--base", "b.safetensors", "--out", "o"]


@pytest.mark.parametrize(
    ("extra", "says"),
    [
        (["--size", "0"], "--size 0"),
        (["--history", "9"], "--history 9"),
        (["--chunk", "2", "--steps", "3"], "at most --chunk 2"),
        (["--proprioception", "all"], "none or joint_positions"),
        (["--held-out", "1"], "--held-out"),
        (["--std", "1", "0", "1"], "std above 0"),
        (["--mean", "nan", "0", "1"], "finite"),
        (["--epochs", "x"], "--epochs"),
        (["--unknown"], "--unknown"),
        (["--head", "256,x"], "--head"),
        (["--noise", "1"], "--noise"),
        (["--views", "65"], "--views 65"),
        (["--keep", "-1"], "--keep -1"),
        (["--head-epochs", "-1"], "--head-epochs -1"),
    ],
)
def test_refuses_in_one_line(extra, says):
    with pytest.raises(TrainingError) as error:
        parse([*TRAIN, *extra])
    assert says in str(error.value) and "\n" not in str(error.value)


def test_defaults():
    options = parse([*TRAIN, "--head", "linear"])
    assert options.head == [] and options.adapters is None and options.batch is None
    assert parse(["step", "--model", "resnet18"]).batch == 8


def test_an_error_is_one_line_and_status_1():
    command = [sys.executable, "-m", "sim2real_torch", "train"]
    done = subprocess.run(command, cwd=PACKAGE, capture_output=True, text=True)
    assert done.returncode == 1 and done.stdout == "" and done.stderr.count("\n") == 1
    assert done.stderr.startswith("sim2real_torch: ") and "--data" in done.stderr
