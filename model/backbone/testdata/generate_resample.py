"""Writes resample.safetensors: grids of vectors and what Pillow's BICUBIC makes of them at another size.

    pip install pillow==13.0.0 numpy==2.4.6 safetensors==0.8.0 && python generate_resample.py

Pillow is an independent implementation of the filter that torch's interpolate uses with mode bicubic and
antialias, and timm with it. Tensors: NAME.in (rows, cols, width) and NAME.out (rows, cols, width).
"""

import pathlib

import numpy
from PIL import Image
from safetensors.numpy import save_file

CASES = {"shrink": ((37, 37), (8, 8)), "grow": ((4, 4), (7, 5)), "mixed": ((16, 16), (12, 20)), "odd": ((5, 5), (1, 3))}
WIDTH = 3


def resize(grid, size):
    rows, cols = size
    planes = [Image.fromarray(grid[:, :, i], mode="F") for i in range(grid.shape[2])]
    return numpy.stack([numpy.asarray(p.resize((cols, rows), Image.Resampling.BICUBIC)) for p in planes], axis=2)


generator = numpy.random.default_rng(0)
tensors = {}
for name, (source, target) in CASES.items():
    grid = generator.standard_normal((*source, WIDTH)).astype("float32")
    tensors[f"{name}.in"] = grid
    tensors[f"{name}.out"] = numpy.ascontiguousarray(resize(grid, target))
save_file(tensors, pathlib.Path(__file__).resolve().parent / "resample.safetensors")
