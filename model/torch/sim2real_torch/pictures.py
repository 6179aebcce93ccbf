"""Pixels as the robot prepares them: decoded, resized by area in 8 bit, then normalised.

What belongs here: what must agree with Go's model/preprocess, which resizes with OpenCV's INTER_AREA. What does
not: augmentation, which only training does (training).
"""

import io

import numpy
from PIL import Image

from . import TrainingError


def decode(png: bytes, width: int, height: int) -> numpy.ndarray:
    """(height, width, 3) RGB bytes. Raises TrainingError for a picture that is another or none."""
    try:
        with Image.open(io.BytesIO(png), formats=["PNG"]) as picture:
            if picture.size != (width, height) or picture.mode != "RGB":
                raise TrainingError(
                    f"picture is {picture.size} {picture.mode}, want {(width, height)} RGB; collect again"
                )
            return numpy.array(picture)
    except (OSError, SyntaxError, ValueError) as error:
        raise TrainingError(f"picture cannot be decoded ({error}); collect its episode again") from error


def area_weights(source: int, target: int) -> numpy.ndarray:
    """(target, source): how much of each source pixel one target pixel is the mean of. Rows sum to 1."""
    if not 1 <= target <= source:
        raise TrainingError(f"--size {target}: pictures of {source} px are not enlarged; use at most {source}")
    edges = numpy.arange(target + 1) * (source / target)
    pixel = numpy.arange(source)
    overlap = numpy.minimum(edges[1:, None], pixel + 1) - numpy.maximum(edges[:-1, None], pixel)
    overlap = numpy.where(overlap > 1e-3, overlap, 0)  # OpenCV leaves slivers out
    return (overlap / overlap.sum(1, keepdims=True)).astype("f4")


def halves_up(source: tuple[int, int], target: tuple[int, int]) -> bool:
    """Whether OpenCV rounds a half up: it does for exact halving in whole numbers, and to even otherwise."""
    return all(s == 2 * t for s, t in zip(source, target, strict=True))


def resize(picture: numpy.ndarray, height: int, width: int) -> numpy.ndarray:
    """(height, width, 3) bytes of (H, W, 3) bytes, by area."""
    source = picture.shape[:2]
    if source == (height, width):
        return picture
    down, across = area_weights(source[0], height), area_weights(source[1], width)
    mean = numpy.einsum("yh,xw,hwc->yxc", down, across, picture.astype("f4"), optimize=True)
    rounded = numpy.floor(mean + 0.5) if halves_up(source, (height, width)) else numpy.rint(mean)
    return numpy.clip(rounded, 0, 255).astype("u1")


def normal_table(mean: list[float], std: list[float]) -> numpy.ndarray:
    """(3, 256) float32: what a byte becomes, per channel."""
    value = numpy.arange(256) / 255
    return numpy.stack([(value - m) / s for m, s in zip(mean, std, strict=True)]).astype("f4")


def normalise(picture: numpy.ndarray, mean: list[float], std: list[float]) -> numpy.ndarray:
    """(3, H, W) float32 of (H, W, 3) bytes."""
    table = normal_table(mean, std)
    return numpy.stack([table[c][picture[:, :, c]] for c in range(3)])
