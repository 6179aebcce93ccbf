"""Pictures of a MuJoCo scene, made in one thread that owns the OpenGL context.

What belongs here: cameras, the context, pixels to PNG. What does not: physics; the thread has its own copy of the
model and gets snapshots, so that nothing is shared with the thread that steps.
"""

import copy
import dataclasses
import io
import math
import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import mujoco
import numpy as np
from PIL import Image

from . import BridgeError


class RenderError(BridgeError):
    """No pictures can be made; the text names the backend and the remedy."""


@dataclasses.dataclass(frozen=True)
class Camera:
    """A fixed view as MuJoCo's free camera has it: m, degrees; fovy is vertical, degrees."""

    lookat: tuple[float, float, float]
    distance: float
    azimuth: float
    elevation: float
    fovy: float = 45.0


CAMERAS = {
    # From the right and above: the hand in profile, the slide door's handle before it, nothing between, and the whole
    # arm, all within the picture wherever a preset puts the kitchen.
    "default": Camera(lookat=(-0.26, 0.36, 2.34), distance=1.35, azimuth=140.0, elevation=-16.0),
    # The environment's own view.
    "environment": Camera(lookat=(-0.2, 0.5, 2.0), distance=2.2, azimuth=70.0, elevation=-35.0),
}


class Renderer:
    """Makes one picture at a time. place(model, data, snapshot) puts the scene as a snapshot says.

    All drawing, from the making of the context on, happens in the one thread of an executor: contexts are bound
    to threads.
    """

    def __init__(self, model, place: Callable, camera: Camera, size: int):
        """Starts the thread and waits for its context; size is in pixels. Raises RenderError."""
        self._model, self._place, self._camera, self._size = copy.copy(model), place, camera, size
        self._data = mujoco.MjData(self._model)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="render")
        self._busy: Future | None = None
        try:
            self._renderer, self._free_camera = self._thread.submit(self._context).result()
        except Exception as err:
            backend = os.environ.get("MUJOCO_GL", "")
            remedy = "install libegl1 and libgl1-mesa-dri, or libosmesa6 and set MUJOCO_GL=osmesa"
            raise RenderError(f"MUJOCO_GL={backend}: {err}: {remedy}") from err
        self.backend, self.view = self._thread.submit(self._describe).result()

    def submit(self, snapshot) -> Future | None:
        """Asks for the PNG of a snapshot; None, and nothing asked, while the last is being made."""
        if self._busy is not None and not self._busy.done():
            return None
        self._busy = self._thread.submit(self._draw, snapshot)
        return self._busy

    def render(self, snapshot) -> bytes:
        """The PNG of a snapshot; waits for it. Raises what drawing raised."""
        return self._thread.submit(self._draw, snapshot).result()

    def close(self) -> None:
        """Ends the thread after the picture at hand."""
        self._thread.submit(self._renderer.close)
        self._thread.shutdown()

    def _draw(self, snapshot) -> bytes:
        self._place(self._model, self._data, snapshot)
        self._renderer.update_scene(self._data, self._free_camera)
        return png(self._renderer.render())

    def _describe(self) -> tuple[str, dict]:
        """What really draws, and where the camera stands. The first picture compiles shaders, so draw it here."""
        self._renderer.update_scene(self._data, self._free_camera)
        self._renderer.render()
        view = pose(self._renderer.scene.camera) | {"fovy_rad": round(math.radians(self._camera.fovy), 6)}
        return backend(), view

    def _context(self):
        """The renderer, made in the thread that will use it, and its view."""
        model, camera = self._model, self._camera
        # Shadows and multisampling were 95 % of the cost, and must be small before the context is made.
        model.vis.quality.offsamples = 0
        model.vis.quality.shadowsize = 64
        model.vis.global_.offwidth = model.vis.global_.offheight = self._size
        model.vis.global_.fovy = camera.fovy
        renderer = mujoco.Renderer(model, self._size, self._size)
        for flag in (mujoco.mjtRndFlag.mjRND_SHADOW, mujoco.mjtRndFlag.mjRND_REFLECTION):
            renderer.scene.flags[flag] = False
        view = mujoco.MjvCamera()
        view.lookat[:] = camera.lookat
        view.distance, view.azimuth, view.elevation = camera.distance, camera.azimuth, camera.elevation
        return renderer, view


def backend() -> str:
    """What draws in the current context, as OpenGL itself says."""
    from OpenGL import GL

    driver = GL.glGetString(GL.GL_RENDERER)
    return f"{os.environ.get('MUJOCO_GL', 'default')}: {driver.decode() if driver else 'unknown'}"


def pose(eyes) -> dict:
    """Where a scene's camera, between its two eyes, stands in the world: m, and a unit quaternion w first.

    Its optical coordinate frame has x to the right, y down and z forward: p_world = R * p_camera + position.
    """
    forward, up = np.array(eyes[0].forward, float), np.array(eyes[0].up, float)
    position = np.mean([eye.pos for eye in eyes], axis=0)
    rotation = np.stack([np.cross(forward, up), -up, forward], axis=1)
    quaternion = np.zeros(4)
    mujoco.mju_mat2Quat(quaternion, rotation.flatten())
    return {
        "position_m": [round(float(x), 6) for x in position],
        "orientation_wxyz": [round(float(x), 6) for x in quaternion],
    }


def png(pixels: np.ndarray) -> bytes:
    """A lossless PNG of RGB pixels, shape (height, width, 3), uint8; level 1, because time matters more than size."""
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "png", compress_level=1)
    return out.getvalue()
