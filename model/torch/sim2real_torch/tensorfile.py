"""Safetensors files without torch: read, written, and digested as the daemon digests them.

What belongs here: the format. What does not: what a tensor means.
"""

import hashlib
import json
import math
import os
import pathlib
import struct
import tempfile
from dataclasses import dataclass

import numpy

from . import TrainingError

MAX_HEADER = 1 << 20  # bytes, as the daemon's reader
SIZES = {
    "BOOL": 1, "U8": 1, "I8": 1, "U16": 2, "I16": 2, "F16": 2, "BF16": 2,
    "U32": 4, "I32": 4, "F32": 4, "U64": 8, "I64": 8, "F64": 8,
}  # fmt: skip
NUMPY = {
    "BOOL": "?", "U8": "u1", "I8": "i1", "U16": "<u2", "I16": "<i2", "F16": "<f2",
    "U32": "<u4", "I32": "<i4", "F32": "<f4", "U64": "<u8", "I64": "<i8", "F64": "<f8",
}  # fmt: skip


@dataclass(frozen=True)
class Tensor:
    """One tensor: dtype as the file spells it, shape, and its bytes, little-endian and row-major."""

    dtype: str
    shape: tuple[int, ...]
    data: memoryview

    def array(self) -> numpy.ndarray:
        """The values; BF16, which numpy lacks, as float32."""
        if self.dtype == "BF16":
            wide = numpy.frombuffer(self.data, "<u2").astype("<u4") << 16
            return wide.view("<f4").reshape(self.shape)
        return numpy.frombuffer(self.data, NUMPY[self.dtype]).reshape(self.shape)


@dataclass(frozen=True)
class TensorFile:
    """What a file holds."""

    metadata: dict[str, str]
    tensors: dict[str, Tensor]


def read(path: pathlib.Path) -> TensorFile:
    """Reads a file whole. Raises TrainingError for one that is not safetensors, OSError for one that is not there."""
    data = memoryview(pathlib.Path(path).read_bytes())
    length = struct.unpack("<Q", data[:8])[0] if len(data) >= 8 else MAX_HEADER + 1
    if length > min(MAX_HEADER, len(data) - 8):
        raise TrainingError(f"{path}: not a safetensors file; give one")
    try:
        header = json.loads(bytes(data[8 : 8 + length]))
        metadata = header.pop("__metadata__", {})
        body = data[8 + length :]
        return TensorFile(metadata, {name: _tensor(entry, body) for name, entry in header.items()})
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise TrainingError(f"{path}: damaged safetensors header ({error}); fetch the file again") from error


def _tensor(entry: dict, body: memoryview) -> Tensor:
    dtype, shape = entry["dtype"], tuple(entry["shape"])
    begin, end = entry["data_offsets"]
    if not 0 <= begin <= end <= len(body) or math.prod(shape) * SIZES[dtype] != end - begin:
        raise ValueError(f"{dtype} {list(shape)} at bytes {begin} to {end} of {len(body)}")
    return Tensor(dtype, shape, body[begin:end])


def digest(tensors: dict[str, Tensor]) -> str:
    """The identity of the tensors, by the same rule as Go's safetensors.File.Digest."""
    sha = hashlib.sha256(b"sim2real tensors 1\n")
    for name in sorted(tensors, key=str.encode):
        tensor = tensors[name]
        for text in (name.encode(), tensor.dtype.encode()):
            sha.update(struct.pack("<Q", len(text)) + text)
        rank = len(tensor.shape)
        sha.update(struct.pack(f"<{rank + 2}Q", rank, *tensor.shape, len(tensor.data)))
        sha.update(tensor.data)
    return "sha256:" + sha.hexdigest()


def write(path: pathlib.Path, arrays: dict[str, numpy.ndarray], metadata: dict[str, str]):
    """Writes float32 tensors so that path holds its old bytes or all of the new ones."""
    header, blocks, at = {"__metadata__": metadata}, [], 0
    for name in sorted(arrays):
        block = numpy.ascontiguousarray(arrays[name], "<f4").tobytes()
        header[name] = {"dtype": "F32", "shape": list(arrays[name].shape), "data_offsets": [at, at + len(block)]}
        at += len(block)
        blocks.append(block)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    _replace(pathlib.Path(path), [struct.pack("<Q", len(text)), text, *blocks])


def _replace(path: pathlib.Path, parts: list[bytes]):
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.writelines(parts)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise
