"""Pictures: the same state gives the same pixels, and another state others."""

import hashlib
import io

import numpy as np
from PIL import Image

from sim2real_bridge import kitchen as kitchen_module
from sim2real_bridge.render import Shot

from .conftest import SIZE


def picture(kitchen, renderer):
    return renderer.render(Shot(kitchen.snapshot()))["default"]


def digest(kitchen, renderer, seed):
    kitchen.reset("slide", seed, "j05")
    return hashlib.sha256(picture(kitchen, renderer)).hexdigest()


def test_a_picture_depends_on_the_state_only(kitchen, renderer):
    first = digest(kitchen, renderer, 1)
    assert digest(kitchen, renderer, 2) != first
    assert digest(kitchen, renderer, 1) == first


def test_a_picture_is_rgb_and_shows_something(kitchen, renderer):
    kitchen.reset("slide", 1, "none")
    image = Image.open(io.BytesIO(picture(kitchen, renderer)))
    assert (image.format, image.mode, image.size) == ("PNG", "RGB", (SIZE, SIZE))
    assert np.asarray(image).std() > 20


def test_a_busy_renderer_takes_no_second_picture(kitchen, renderer):
    first = renderer.submit(Shot(kitchen.snapshot()))
    taken = renderer.submit(Shot(kitchen.snapshot()))
    assert taken is None or first.done()
    assert first.result()
    assert renderer.submit(Shot(kitchen.snapshot())).result() == first.result()


def test_the_camera_stands_where_the_factsheet_says(renderer):
    w, x, y, z = renderer.views["default"]["orientation_wxyz"]
    forward = np.array([2 * (x * z + w * y), 2 * (y * z - w * x), 1 - 2 * (x * x + y * y)])
    towards = np.array(kitchen_module.CAMERAS["default"].lookat) - renderer.views["default"]["position_m"]
    assert np.allclose(towards / np.linalg.norm(towards), forward, atol=1e-3)
    assert renderer.views["default"]["fovy_rad"] == 0.785398
    assert "egl" in renderer.backend or "osmesa" in renderer.backend
