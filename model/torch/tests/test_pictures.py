"""Pixels as the robot prepares them. Needs no torch."""

import io

import numpy
import pytest
from PIL import Image
from sim2real_torch import TrainingError, pictures

MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]


def test_resize_and_normalise_are_opencv_s(data, expected):
    """One camera is halved, where OpenCV rounds halves up, the other shrunk by a fraction."""
    for number, camera in enumerate(data.meta["cameras"]):
        png = data.episodes[0].pictures[camera["name"]][0]
        small = pictures.resize(pictures.decode(png, camera["width"], camera["height"]), 8, 8)
        want = expected.tensors[f"picture.{number}"].array().reshape(3, 8, 8)
        numpy.testing.assert_array_equal(pictures.normalise(small, MEAN, STD), want, camera["name"])


@pytest.mark.parametrize(("source", "target"), [(16, 8), (19, 8), (224, 112), (7, 7), (5, 1), (640, 224)])
def test_area_weights_share_every_pixel_out(source, target):
    weights = pictures.area_weights(source, target)
    assert weights.shape == (target, source)
    numpy.testing.assert_allclose(weights.sum(1), 1, rtol=1e-6)
    numpy.testing.assert_allclose(weights.sum(0), target / source, rtol=0.02)


def test_pictures_are_not_enlarged():
    with pytest.raises(TrainingError, match="at most 16"):
        pictures.area_weights(16, 17)


@pytest.mark.parametrize(("mode", "size"), [("RGBA", (4, 3)), ("RGB", (3, 4)), (None, None)])
def test_refuses_other_pictures(mode, size):
    data = io.BytesIO(b"no picture")
    if mode:
        Image.new(mode, size).save(data, "PNG")
    with pytest.raises(TrainingError, match="collect"):
        pictures.decode(data.getvalue(), 4, 3)
