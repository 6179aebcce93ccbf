"""Writes presets.json: by timm's names, what each preset's base holds, as timm builds it.

    pip install torch timm==1.0.31 && python generate_presets.py NAME...

The names are those that the package's presets have; without any, those of presets.json are done again. For each: the
number of tensors and of their elements, without a classifier and without what only training uses, and the
SHA-256 of the lines "NAME SHAPE\n" in ascending order, SHAPE as 1x2x3 and empty for a scalar.
"""

import hashlib
import json
import pathlib
import sys

import timm
import torch

PATH = pathlib.Path(__file__).resolve().parent / "presets.json"


def describe(name):
    with torch.device("meta"):
        model = timm.create_model(name, num_classes=0)
    state = {k: v for k, v in model.state_dict().items() if not k.endswith("num_batches_tracked")}
    lines = sorted(f"{k} {'x'.join(map(str, v.shape))}\n" for k, v in state.items())
    return {
        "tensors": len(state),
        "elements": sum(v.numel() for v in state.values()),
        "sha256": hashlib.sha256("".join(lines).encode()).hexdigest(),
    }


names = sys.argv[1:] or sorted(json.loads(PATH.read_text()))
rows = [f'  "{name}": {json.dumps(describe(name))}' for name in names]
PATH.write_text("{\n" + ",\n".join(rows) + "\n}\n")
