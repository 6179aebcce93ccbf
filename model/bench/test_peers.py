"""The peers' protocol, and the one peer that needs no PyTorch."""

import io
import json
import pathlib
import subprocess
import sys

import numpy as np
import onnx
import peers
import pytest


def converse(*jobs):
    answers = io.StringIO()
    peers.serve([json.dumps(j) if isinstance(j, dict) else j for j in jobs], answers)
    return [json.loads(line) for line in answers.getvalue().splitlines()]


def test_runs_are_timed_one_by_one_and_the_last_is_kept():
    peer = peers.Peer()
    results = iter([np.array([[1.0]]), np.array([[2.0]]), np.array([[3.0, 4.5]])])
    peer.call = lambda: next(results)
    times = peer.handle({"do": "run", "times": 3})["ns"]
    assert len(times) == 3
    assert all(t > 0 for t in times)
    assert peer.handle({"do": "output"}) == {"values": [3.0, 4.5]}


def test_whatever_goes_wrong_is_one_line_and_the_next_job_is_answered():
    answers = converse("no json", {"do": "dance"}, {"do": "load", "kind": "abacus"}, {"do": "output"})
    assert [list(a) for a in answers] == [["error"]] * 4
    assert "dance" in answers[1]["error"]
    assert all("\n" not in a["error"] for a in answers)


@pytest.mark.parametrize(
    ("name", "shape", "low", "high"),
    [
        ("bn1.running_var", (1000,), 0.5, 1.5),  # a variance is above zero
        ("stages.0.0.skipinit_gain", (), 0.2, 1.8),  # a branch that is switched off hides its mistakes
        ("norm.weight", (1000,), 0.2, 1.8),
        ("fc.bias", (1000,), -0.8, 0.8),
        ("fc.weight", (10, 10000), -0.08, 0.08),  # by the root of the fan-in
    ],
)
def test_drawn_weights(name, shape, low, high):
    value = peers.draw(np.random.default_rng(1), name, shape)
    assert value.dtype == np.float32
    assert value.shape == shape
    assert np.all((low < value) & (value < high))
    assert np.any(value != 0)


@pytest.fixture
def doubling(tmp_path):
    """An ONNX model that doubles its input, and the input's file."""
    spec = [onnx.helper.make_tensor_value_info(n, onnx.TensorProto.FLOAT, [1, 3, 1, 1]) for n in ("x", "y")]
    graph = onnx.helper.make_graph([onnx.helper.make_node("Add", ["x", "x"], ["y"])], "doubling", spec[:1], spec[1:])
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 20)], ir_version=10)
    onnx.save(model, tmp_path / "doubling.onnx")
    np.array([3.0, -0.5, 7.0], "<f4").tofile(tmp_path / "image.f32")
    return {"onnx": str(tmp_path / "doubling.onnx"), "input": str(tmp_path / "image.f32"), "side": 1}


def test_onnxruntime_as_a_process(doubling):
    jobs = [
        {"do": "load", "kind": "onnxruntime", "threads": 1, **doubling},
        {"do": "run", "times": 2},
        {"do": "output"},
    ]
    script = pathlib.Path(peers.__file__)
    text = "".join(json.dumps(j) + "\n" for j in jobs)
    done = subprocess.run([sys.executable, script], input=text, capture_output=True, text=True, check=True)
    loaded, ran, output = (json.loads(line) for line in done.stdout.splitlines())
    assert loaded["says"].startswith("onnxruntime ")
    assert len(ran["ns"]) == 2
    assert output == {"values": [6.0, -1.0, 14.0]}
