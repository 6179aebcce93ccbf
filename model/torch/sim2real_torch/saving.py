"""The one file that `sim2reald bundle import` takes: float32 tensors, and a manifest in the metadata.

What belongs here: the metadata's keys. They are those of a bundle's manifest (Go's model/bundle), less what the
daemon knows better: the schema's version, the base's architecture, its own version, and any result. What does
not: how the tensors came to be.
"""

import json
import pathlib

import numpy

from . import __version__, tensorfile

KEY = "sim2real_torch"
SCHEMA, VERSION = "sim2reald.torch", 1


def manifest(
    *, name: str, base: dict, adapters: dict, meta: dict, image: dict, action: dict, training: dict, kind: str = ""
) -> dict:
    """What the tensors are for.

    kind is adapter or full; empty is adapter. base is name and digest; meta is dataset.json; image is size, mean, std,
    proprioception and history; action is the manifest's, less the rate; training's daemon and software are those that
    the demonstrations were collected with.
    """
    return {
        "schema": SCHEMA,
        "version": VERSION,
        **({"kind": kind} if kind else {}),
        "name": name,
        "task": meta["task"],
        "base": base,
        "adapters": adapters,
        "robot": meta["robot"],
        "limits": meta["limits"],
        "cameras": [_camera(camera, image) for camera in meta["cameras"]],
        "proprioception": image["proprioception"],
        "history": image["history"],
        "action": {**action, "rate_hz": meta["control_rate_hz"]},
        "training": training | {"daemon": meta["daemon"], "software": meta["software"]},
    }


def _camera(camera: dict, image: dict) -> dict:
    return {
        "name": camera["name"],
        "source_width_px": camera["width"],
        "source_height_px": camera["height"],
        "width_px": image["size"],
        "height_px": image["size"],
        "colour": camera["colour"],
        "interpolation": "area",
        "mean": image["mean"],
        "std": image["std"],
    }


def trainer(torch: str, timm: str, device: str) -> str:
    """What computed the gradients, and on what."""
    return f"sim2real_torch {__version__}, torch {torch}, timm {timm}, on {device}"


def snapshot_path(path: pathlib.Path, epoch: int, epochs: int) -> pathlib.Path:
    """Of an epoch, by the daemon's rule: OUT.epochNN.safetensors."""
    return path.with_name(f"{path.stem}.epoch{epoch:0{max(2, len(str(epochs)))}d}.safetensors")


def save_report(path: pathlib.Path, about: dict):
    """Writes what a run did, so that the file is there whole or not at all."""
    part = path.with_name(f".{path.name}.part")
    part.write_text(json.dumps(about, indent=1, allow_nan=False) + "\n")
    part.replace(path)


def save(path: pathlib.Path, arrays: dict[str, numpy.ndarray], about: dict):
    """Writes the file. NaN has no spelling in JSON: ValueError."""
    text = json.dumps(about, separators=(",", ":"), allow_nan=False)
    tensorfile.write(path, arrays, {KEY: text})
