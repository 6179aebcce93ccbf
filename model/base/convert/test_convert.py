"""Run by: build/venv/bin/python -m pytest model/base/convert"""

import json
import pathlib
import re
import subprocess
import sys

import conversion
import convert
import convert_resnet50
import numpy
import pytest

HERE = pathlib.Path(__file__).resolve().parent


def test_canonical_digest_is_go_s():
    """The example that Go's TestDigest pins, less its bytes: one float tensor."""
    tensors = {"b": numpy.array([[1, 2]], dtype="float32")}
    go = (HERE.parents[1] / "safetensors" / "values_test.go").read_text()
    assert conversion.canonical_digest(tensors) in re.findall(r'"(sha256:[0-9a-f]{64})"', go)


def test_bytes_do_not_depend_on_order_or_layout():
    a = {"a": numpy.ones((2, 3), "float32"), "b": numpy.arange(6, dtype="float32").reshape(2, 3).T}
    b = {"b": numpy.ascontiguousarray(a["b"]), "a": a["a"]}
    assert conversion.safetensors_bytes(a) == conversion.safetensors_bytes(b)
    assert conversion.canonical_digest(a) == conversion.canonical_digest(b)


@pytest.mark.parametrize(
    ("script", "make"), [("convert.py", "make setup"), ("convert_resnet50.py", "make base-resnet50")]
)
@pytest.mark.parametrize("content", [None, b"not the wheel"])
def test_refuses_another_wheel(tmp_path, content, script, make):
    wheel = tmp_path / "x.whl"
    if content is not None:
        wheel.write_bytes(content)
    done = subprocess.run(
        [sys.executable, HERE / script, "--wheel", wheel, "--out", tmp_path / "out"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1 and done.stderr.startswith(f"{script}: wheel") and f"`{make}`" in done.stderr
    assert not (tmp_path / "out").exists()


def test_is_done_wants_both_files_whole(tmp_path):
    target, record = tmp_path / "x.safetensors", b"{}\n"
    expected = {"file_digest": conversion.digest(b"data")}
    assert not conversion.is_done(target, record, expected)
    target.write_bytes(b"data")
    assert not conversion.is_done(target, record, expected)
    target.with_suffix(".json").write_bytes(record)
    assert conversion.is_done(target, record, expected)
    target.write_bytes(b"dota")
    assert not conversion.is_done(target, record, expected)


@pytest.mark.parametrize(
    ("converter", "expected", "lock"),
    [
        (convert, "expected.json", "source.lock"),
        (convert_resnet50, "expected_resnet50.json", "source_resnet50.lock"),
    ],
)
def test_record_is_complete(converter, expected, lock):
    expected = json.loads((HERE / expected).read_text())
    record = converter.make_record(expected)
    assert record["canonical_digest"].startswith("sha256:") and record["licence"]["weights"] == "unknown"
    assert record["possibly_fine_tuned"] is True
    assert f"--hash={record['source']['digest']}\n" in (HERE / lock).read_text()
