"""Run by: build/venv/bin/python -m pytest model/base/convert"""

import io
import pickle
import zipfile

import convert_resnet50
import numpy
import pytest
from conversion import ConversionError
from state_dict import read_state_dict

ORDERED_DICT = b"ccollections\nOrderedDict\n)R"
STORAGES = {"7": numpy.arange(12, dtype="<f4").tobytes(), "8": numpy.array([41], "<i8").tobytes()}


def op(value):
    """The instructions that leave a plain value."""
    return pickle.dumps(value, protocol=2)[2:-1]


def tensor(key="7", count=12, offset=0, shape=(3, 4), stride=(4, 1), storage=b"torch\nFloatStorage"):
    """The instructions that torch.save writes for a tensor."""
    reference = b"(" + op("storage") + b"c" + storage + b"\n" + op(key) + op("cuda:0") + op(count) + b"tQ"
    view = op(offset) + op(shape) + op(stride) + op(False) + ORDERED_DICT
    return b"ctorch._utils\n_rebuild_tensor_v2\n(" + reference + view + b"tR"


def program(*items):
    """A whole pickle: a state dict of these (name, instructions), with the attribute that PyTorch gives it."""
    pairs = b"".join(op(name) + instructions for name, instructions in items)
    return b"\x80\x02" + ORDERED_DICT + b"(" + pairs + b"u" + op({"_metadata": {"": {"version": 1}}}) + b"b."


def archive(*pickles, storages=STORAGES, compression=zipfile.ZIP_STORED):
    """The bytes of a .pth file."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as file:
        for i, data in enumerate(pickles):
            file.writestr(f"archive{i}/data.pkl", data)
        for key, data in storages.items():
            file.writestr(f"archive0/data/{key}", data)
    return out.getvalue()


def good():
    part = tensor(offset=4, shape=(2,), stride=(1,))
    count = tensor("8", 1, 0, (), (), b"torch\nLongStorage")
    return program(("module.pre.conv1.weight", tensor()), ("module.pre.fc.bias", part), ("module.pre.n", count))


def test_reads_what_torch_saves():
    got = read_state_dict(archive(good()))
    assert list(got) == ["module.pre.conv1.weight", "module.pre.fc.bias", "module.pre.n"]
    weight, part, count = got.values()
    assert weight.dtype == "float32" and weight.tolist() == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]]
    assert part.tolist() == [4, 5]
    assert count.dtype == "int64" and count.shape == () and count == 41


@pytest.mark.parametrize(
    ("named", "instructions"),
    [
        ("posix.system", b"cposix\nsystem\n"),
        ("posix.system", op("posix") + op("system") + b"\x93"),  # as protocol 4 names it
        ("posix.system", b"(" + op("touch here") + b"iposix\nsystem\n"),  # as protocol 0 calls it
        ("builtins.eval", b"cbuiltins\neval\n"),
        ("collections.OrderedDict.fromkeys", op("collections") + op("OrderedDict.fromkeys") + b"\x93"),
        ("torch._utils._rebuild_parameter", b"ctorch._utils\n_rebuild_parameter\n"),
        ("torch.HalfStorage", tensor(storage=b"torch\nHalfStorage")),
    ],
)
def test_refuses_other_names(named, instructions, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    evil = program(("x", instructions + b"(" + op("touch here") + b"tR"))
    with pytest.raises(ConversionError, match=f"names {named}, "):
        read_state_dict(archive(evil))
    assert not list(tmp_path.iterdir())


def test_refuses_what_is_cut_short():
    data = good()
    for n in range(len(data)):
        with pytest.raises(ConversionError):
            read_state_dict(archive(data[:n]))
    data = archive(data)
    for n in range(len(data)):
        with pytest.raises(ConversionError, match=r"not a zip archive|missing or damaged"):
            read_state_dict(data[:n])


@pytest.mark.parametrize(
    ("message", "data"),
    [
        ("expected 1", archive()),
        ("expected 1", archive(good(), good())),
        ("compressed", archive(good(), compression=zipfile.ZIP_DEFLATED)),
        ("7 in the archive is missing", archive(good(), storages={})),
        ("damaged", archive(good()).replace(STORAGES["7"], bytes(48))),
        ("whose entry has 44 bytes", archive(good(), storages={"7": bytes(44)})),
        ("12 numbers from 1 in a storage of 12", archive(program(("x", tensor(offset=1))))),
        ("not row-major", archive(program(("x", tensor(stride=(1, 3)))))),
        ("not row-major", archive(program(("x", tensor(shape=(1 << 40,), stride=(0,)))))),
        ("not row-major", archive(program(("x", tensor(offset=-1))))),
        ("no storage", archive(program(("x", tensor(key="../7"))))),
        ("expected a tensor", archive(program(("x", op("text"))))),
        ("expected a state dict", archive(b"\x80\x02" + tensor() + b".")),
        ("malformed", archive(program(("x", b"ctorch\nFloatStorage\n)R")))),
        ("malformed", archive(b"\x80\x02" + ORDERED_DICT + b"Q.")),
        ("malformed", archive(b"\x82\x01.")),
    ],
)
def test_refuses_what_is_no_state_dict(message, data):
    with pytest.raises(ConversionError, match=message):
        read_state_dict(data)


def test_resnet50_keeps_what_timm_names():
    got = convert_resnet50.convert(archive(program(*named("conv1.weight", "fc.weight", "bn1.num_batches_tracked"))))
    assert list(got) == ["conv1.weight"] and got["conv1.weight"].shape == (3, 4)


@pytest.mark.parametrize(
    ("message", "data"),
    [
        ("conv1.weight does not begin with module.pre.", program(("conv1.weight", tensor()))),
        ("is int64, expected float32", program(("module.pre.x", tensor("8", 1, 0, (), (), b"torch\nLongStorage")))),
    ],
)
def test_resnet50_refuses_another_state_dict(message, data):
    with pytest.raises(ConversionError, match=message):
        convert_resnet50.convert(archive(data))


def named(*names):
    return [("module.pre." + name, tensor()) for name in names]
