"""Safetensors files and what is written in them. Needs no torch."""

import json
import pathlib
import re
import struct

import numpy
import pytest
from sim2real_torch import TrainingError, saving, tensorfile

MODEL = pathlib.Path(__file__).resolve().parents[2]


def file_of(header, body=b""):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + body


def entry(dtype="F32", shape=(1,), offsets=(0, 4)):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets)}


def test_digest_is_go_s():
    """The example that Go's TestDigest pins."""
    floats = tensorfile.Tensor("F32", (1, 2), memoryview(numpy.array([1, 2], "<f4").tobytes()))
    whole = tensorfile.Tensor("U8", (3,), memoryview(b"\1\2\3"))
    pinned = re.findall(r'"(sha256:[0-9a-f]{64})"', (MODEL / "safetensors" / "values_test.go").read_text())
    assert [tensorfile.digest({"b": floats, "a": whole}), tensorfile.digest({"b": floats})] == pinned[:2]


def test_what_is_written_reads_again(tmp_path):
    path = tmp_path / "x.safetensors"
    arrays = {"b": numpy.arange(6.0).reshape(2, 3).T, "a": numpy.float32(1.5)}
    tensorfile.write(path, arrays, {"k": "v"})
    file = tensorfile.read(path)
    assert file.metadata == {"k": "v"} and list(file.tensors) == ["a", "b"]
    numpy.testing.assert_array_equal(file.tensors["b"].array(), arrays["b"])
    assert [p.name for p in tmp_path.iterdir()] == ["x.safetensors"]


def test_every_dtype_is_read():
    """The file that the safetensors library wrote for Go's reader."""
    file = tensorfile.read(MODEL / "safetensors" / "testdata" / "python.safetensors")
    for name in ("f16", "bf16", "f32", "f64"):
        assert file.tensors[name].array().tolist() == [[1.5, -2.0, 0.0], [0.25, 3.0, -0.5]], name


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"1234567",
        struct.pack("<Q", 1 << 62),
        struct.pack("<Q", 2) + b"{",
        file_of(b"[]"),
        file_of(b"{"),
        file_of({"a": 1}),
        file_of({"a": {"dtype": "F32"}}),
        file_of({"a": entry()}),
        file_of({"a": entry(offsets=(2, 0))}, bytes(4)),
        file_of({"a": entry(shape=(2,))}, bytes(4)),
        file_of({"a": entry(dtype="F8")}, bytes(4)),
    ],
)
def test_refuses_damage(tmp_path, data):
    path = tmp_path / "x.safetensors"
    path.write_bytes(data)
    with pytest.raises(TrainingError) as error:
        tensorfile.read(path)
    assert "\n" not in str(error.value)


def test_the_saved_file_is_what_go_imports(tmp_path):
    """The keys of the manifest, in the file that Go's TestImportFromPyTorch imports."""
    said = json.loads(tensorfile.read(MODEL / "bundle" / "testdata" / "torch.safetensors").metadata[saving.KEY])
    meta = {
        "task": said["task"],
        "robot": said["robot"],
        "limits": said["limits"],
        "cameras": [{"name": n, "width": 64, "height": 48, "colour": "rgb"} for n in ("front", "wrist")],
        "control_rate_hz": said["action"]["rate_hz"],
        "software": said["training"]["software"],
        "daemon": said["training"]["daemon"],
    }
    image = {"size": 32, "mean": [0.5] * 3, "std": [0.25] * 3, "proprioception": "joint_positions", "history": 2}
    again = saving.manifest(
        name=said["name"],
        base=said["base"],
        adapters=said["adapters"],
        meta=meta,
        image=image,
        action={k: v for k, v in said["action"].items() if k != "rate_hz"},
        training={k: v for k, v in said["training"].items() if k not in ("software", "daemon")},
    )
    assert again == said
    with pytest.raises(ValueError, match="Out of range float"):
        saving.save(tmp_path / "x", {}, {"loss": float("nan")})
