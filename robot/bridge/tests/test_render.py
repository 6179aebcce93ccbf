"""Pictures: the same state gives the same pixels, and another state others."""

import hashlib
import io

import numpy as np
import pytest
from PIL import Image

from sim2real_bridge import canvas, domains, png
from sim2real_bridge import kitchen as kitchen_module
from sim2real_bridge.render import FixedCamera, Renderer, RenderError, Shot
from sim2real_bridge.shifts import Draw

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


@pytest.fixture(scope="module")
def every(kitchen):
    """A renderer of all the kitchen's cameras."""
    out = Renderer(kitchen, kitchen_module.place, domains.cameras(kitchen_module), SIZE)
    yield out
    out.close()


def test_each_camera_sees_what_it_sees_alone(kitchen, renderer, every):
    """Whichever others there are, and none sees what another does."""
    kitchen.reset("slide", 3, "r3m")
    pictures = every.render(Shot(kitchen.snapshot()))
    assert set(pictures) == set(kitchen_module.CAMERAS)
    assert pictures["default"] == picture(kitchen, renderer)
    assert len(set(pictures.values())) == len(pictures)


def test_the_literatures_cameras_stand_where_it_has_them(every):
    for name, position in {"left_cap2": (-1.4, -1.0, 1.8), "right_cap2": (1.3, -0.7, 3.4)}.items():
        assert np.allclose(every.views[name]["position_m"], position, atol=2e-3), name


def test_a_repeated_shot_gives_the_pictures_before_under_its_own_draw_only(kitchen, renderer):
    kitchen.reset("slide", 1, "r3m")
    first = renderer.render(Shot(kitchen.snapshot()))
    kitchen.reset("slide", 2, "r3m")
    assert renderer.render(Shot(kitchen.snapshot(), repeat=True)) == first
    other = renderer.render(Shot(kitchen.snapshot(), Draw("dropped_frames", 1), 0, repeat=True))
    assert other != first, "another episode's picture was given"
    assert renderer.render(Shot(kitchen.snapshot())) == other


def test_leaving_out_what_is_out_of_sight_changes_no_pixel(kitchen):
    cameras = dict(kitchen_module.CAMERAS)
    seen = []
    for cull in (True, False):
        drawn = canvas.Canvas(kitchen, kitchen_module.place, cameras, 96, cull)
        for seed in range(2):
            kitchen.reset("slide", seed, "r3m")
            drawn.put(kitchen.snapshot())
            seen.append([drawn.picture(name, 0) for name in cameras])
        drawn.close()
    assert np.array_equal(seen[0], seen[2])
    assert np.array_equal(seen[1], seen[3])


def test_a_camera_that_the_model_lacks_is_named_with_the_known(kitchen):
    with pytest.raises(RenderError, match="'front' is not in the model: use one of "):
        Renderer(kitchen, kitchen_module.place, {"front": FixedCamera("front")}, SIZE)


def test_a_camera_upside_down_is_turned_by_half(kitchen):
    name = next(kitchen.model.camera(i).name for i in range(kitchen.model.ncam))
    cameras = {"as_is": FixedCamera(name), "turned": FixedCamera(name, upside_down=True)}
    drawn = canvas.Canvas(kitchen, kitchen_module.place, cameras, SIZE)
    drawn.put(kitchen.snapshot())
    as_is, turned = (drawn.picture(n, 0).astype(int) for n in cameras)
    drawn.close()
    # Edges fall half a pixel elsewhere; all else is the same.
    assert np.mean(np.abs(turned[::-1, ::-1] - as_is)) < 0.2 * np.mean(np.abs(turned - as_is))


@pytest.mark.parametrize("shape", [(1, 1), (3, 5), (48, 48)])
def test_png_is_lossless(shape):
    pixels = np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8)
    image = Image.open(io.BytesIO(png.encode(pixels)))
    assert (image.format, image.mode) == ("PNG", "RGB")
    assert np.array_equal(np.asarray(image), pixels)


def test_each_step_has_a_look_of_its_own_where_the_name_says_so(renderer, kitchen):
    """It depends on name, seed and step alone; `randomised` keeps one look, and neither leaves traces."""
    snapshot = kitchen.snapshot()

    def look(name, step):
        return renderer.render(Shot(snapshot, Draw(name, 3), step))["default"]

    plain = look("none", 0)
    looks = [look("randomised_each_step", step) for step in range(4)]
    assert len({*looks, plain, look("randomised", 0)}) == 6
    assert look("randomised", 0) == look("randomised", 3)
    assert look("randomised_each_step", 2) == looks[2]
    assert look("none", 1) == plain
