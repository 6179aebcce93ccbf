"""Reads the state dict in a .pth file without PyTorch, and without running anything that the file names.

A pickle is a program: it names functions and calls them. Four names are known here, those that a state dict of
float and integer tensors needs, and each stands for something of this file's own. Every other name is refused, and
none is ever imported. What the pickle can make are tuples of numbers, Tensor among them; arrays come afterwards.

Here belongs the format of torch.save since PyTorch 1.6, a zip archive with one pickle (NAME/data.pkl) and the bytes of
each storage (NAME/data/KEY). The format before is refused.
"""

import io
import math
import pickle
import re
import zipfile
from collections import OrderedDict
from typing import NamedTuple

import numpy
from conversion import ConversionError

# What unpickling raises beside its own error, on bytes that are no pickle or misuse what is known.
MALFORMED = (
    pickle.UnpicklingError,
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    RuntimeError,
    TypeError,
    ValueError,
)


class Storage(NamedTuple):
    """The numbers behind one tensor or several, by the name of their entry in the archive."""

    dtype: str  # numpy's, little-endian
    key: str
    count: int


class Tensor(NamedTuple):
    """A view of a storage; offset and stride count numbers, not bytes."""

    storage: Storage
    offset: int
    shape: tuple
    stride: tuple


def rebuild_tensor(storage, offset, shape, stride, requires_grad, hooks, metadata=None):
    """torch._utils._rebuild_tensor_v2, of whose arguments the last three are of no use here."""
    return Tensor(storage, offset, shape, stride)


KNOWN = {
    "collections.OrderedDict": OrderedDict,
    "torch._utils._rebuild_tensor_v2": rebuild_tensor,
    "torch.FloatStorage": "<f4",
    "torch.LongStorage": "<i8",
}


class Restricted(pickle.Unpickler):
    """An unpickler that knows the names in KNOWN and no others."""

    def find_class(self, module, name):
        if f"{module}.{name}" not in KNOWN:
            raise ConversionError(f"the pickle names {module}.{name}, which no state dict needs; do not load this file")
        return KNOWN[f"{module}.{name}"]

    def persistent_load(self, pid):
        kind, dtype, key, _device, count = pid
        if (
            kind != "storage"
            or dtype not in ("<f4", "<i8")
            or not re.fullmatch("[0-9]+", key)
            or type(count) is not int
        ):
            raise ConversionError(f"the pickle refers to {pid!r:.100}, which is no storage")
        return Storage(dtype, key, count)


def read_state_dict(data):
    """The arrays in the bytes of a .pth file, by name."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except zipfile.BadZipFile as error:
        raise ConversionError(f"not a zip archive as torch.save writes it, or cut short: {error}") from error
    with archive:
        names = [n for n in archive.namelist() if re.fullmatch("[^/]+/data.pkl", n)]
        if len(names) != 1:
            raise ConversionError(f"the archive has {len(names)} entries NAME/data.pkl, expected 1")
        folder = names[0].removesuffix(".pkl")
        state = unpickle(read_entry(archive, names[0]))
        return {name: array_of(archive, folder, name, value) for name, value in state.items()}


def unpickle(data):
    """The state dict whose tensors are not read yet."""
    try:
        state = Restricted(io.BytesIO(data)).load()
    except MALFORMED as error:
        raise ConversionError(f"the pickle is cut short or malformed: {type(error).__name__}: {error}") from error
    if not isinstance(state, dict):
        raise ConversionError(f"the pickle holds a {type(state).__name__}, expected a state dict")
    return state


def read_entry(archive, name):
    """An entry, which torch.save does not compress: none is larger than the archive."""
    try:
        if archive.getinfo(name).compress_type != zipfile.ZIP_STORED:
            raise ConversionError(f"{name} is compressed, which torch.save never does")
        return archive.read(name)
    except (KeyError, zipfile.BadZipFile, EOFError, ValueError) as error:
        raise ConversionError(f"{name} in the archive is missing or damaged: {error}") from error


def array_of(archive, folder, name, value):
    """The array of one entry of a state dict: a row-major part of its storage, which is wholly there."""
    if not isinstance(name, str) or not isinstance(value, Tensor) or not isinstance(value.storage, Storage):
        raise ConversionError(f"{name!r:.100} is a {type(value).__name__}, expected a tensor by name")
    storage, offset, shape, stride = value
    if not (whole_numbers((offset, storage.count)) and whole_numbers(shape) and stride == row_major(shape)):
        raise ConversionError(f"{name}: offset {offset!r}, shape {shape!r}, stride {stride!r}: not row-major")
    data = read_entry(archive, f"{folder}/{storage.key}")
    numbers, size = math.prod(shape), numpy.dtype(storage.dtype).itemsize
    if len(data) != storage.count * size or offset + numbers > storage.count:
        where = f"a storage of {storage.count}, whose entry has {len(data)} bytes"
        raise ConversionError(f"{name}: {numbers} numbers from {offset} in {where}")
    return numpy.frombuffer(data, storage.dtype, numbers, offset * size).reshape(shape)


def whole_numbers(values):
    """Whether this is a tuple of sizes."""
    return isinstance(values, tuple) and all(type(v) is int and v >= 0 for v in values)


def row_major(shape):
    return tuple(math.prod(shape[i + 1 :]) for i in range(len(shape)))
