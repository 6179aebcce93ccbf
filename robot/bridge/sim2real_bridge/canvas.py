"""Where a scene becomes pixels: an OpenGL context, a scene, cameras.

What belongs here: everything that must run in the thread that owns the context. What does not: that thread
(render.py), PNG (png.py), and what a shift draws (shift_scene.py, shift_picture.py).
"""

import copy
import math
import os

import mujoco
import numpy as np

from . import frustum, shift_scene
from .render import Camera, FixedCamera, RenderError
from .shift_picture import Blur, Colour, Noise
from .shifts import UNSHIFTED, Draw

MAX_GEOMS = 10_000
HIDDEN = 5  # a group of geoms that MuJoCo does not show
OFFSCREEN = mujoco.mjtFramebuffer.mjFB_OFFSCREEN


class Canvas:
    """Draws one scene from several cameras. Belongs to one thread, in which it must be made."""

    def __init__(self, domain, place, cameras: dict[str, Camera | FixedCamera], size: int, cull: bool = True):
        """Takes a copy of a domain's model; size is in pixels. Raises RenderError.

        With cull, what is outside of a camera's view is left out, which changes no pixel.
        """
        model = copy.copy(domain.model)
        # Shadows and multisampling were 95 % of the cost, and must be small before the context is made.
        model.vis.quality.offsamples = 0
        model.vis.quality.shadowsize = 64
        model.vis.global_.offwidth = model.vis.global_.offheight = size
        self._model, self._data, self._place = model, mujoco.MjData(model), place
        self._cameras = {name: (camera, view(model, camera)) for name, camera in cameras.items()}
        self._pixels = np.empty((size, size, 3), np.uint8)
        self._rectangle = mujoco.MjrRect(0, 0, size, size)
        self._gl = mujoco.GLContext(size, size)
        self._gl.make_current()
        self._context = mujoco.MjrContext(model, mujoco.mjtFontScale.mjFONTSCALE_150)
        mujoco.mjr_setBuffer(OFFSCREEN, self._context)
        self._scene = mujoco.MjvScene(model, MAX_GEOMS)
        self._options = mujoco.MjvOption()
        self._cull, self._groups = cull, model.geom_group.copy()
        spared = np.flatnonzero(np.isin(model.geom_bodyid, list(domain.coloured_bodies)))
        self._draw, self._wardrobe = UNSHIFTED, shift_scene.Wardrobe(model, spared)
        for flag in (mujoco.mjtRndFlag.mjRND_SHADOW, mujoco.mjtRndFlag.mjRND_REFLECTION):
            self._scene.flags[flag] = False

    def close(self) -> None:
        """Frees the context."""
        self._context.free()
        self._gl.free()

    def dress(self, draw: Draw) -> None:
        """Makes the scene look as a draw of a shift says, from the next picture on, and the pictures too."""
        if draw == self._draw:
            return
        self._draw = draw
        kinds = draw.kinds(shift_scene.Light, shift_scene.Texture)
        for texture in self._wardrobe.wear([(kind, draw.stream(kind.kind)) for kind in kinds]):
            mujoco.mjr_uploadTexture(self._model, self._context, texture)
        mujoco.mj_camlight(self._model, self._data)  # where its lights stand, which put alone would do too late

    def put(self, snapshot) -> None:
        """Puts the scene as a snapshot says."""
        self._place(self._model, self._data, snapshot)

    def picture(self, name: str, step: int) -> np.ndarray:
        """What a camera sees at a control step: RGB, shape (size, size, 3), uint8, the caller's own."""
        self._aim(name)
        mujoco.mjr_render(self._rectangle, self._scene, self._context)
        mujoco.mjr_readPixels(self._pixels, None, self._rectangle, self._context)
        pixels = self._pixels[::-1].copy()
        for kind in self._draw.kinds(Blur, Colour, Noise):
            episode, picture = self._draw.stream(kind.kind, name), self._draw.stream(kind.kind, name, step)
            pixels = kind.alter(pixels, episode, picture)
        return pixels

    def describe(self, name: str) -> dict:
        """Where a camera stands now, and its vertical angle of view."""
        camera, _ = self._cameras[name]
        self.picture(name, 0)
        fixed = isinstance(camera, FixedCamera)
        fovy = self._model.camera(camera.name).fovy[0] if fixed else camera.fovy
        return pose(self._scene.camera) | {"fovy_rad": round(math.radians(float(fovy)), 6)}

    def _aim(self, name: str) -> None:
        """Fills the scene as a camera sees it."""
        camera, eye = self._cameras[name]
        if isinstance(camera, Camera):
            self._model.vis.global_.fovy = camera.fovy
        if self._cull:
            mujoco.mjv_updateCamera(self._model, self._data, eye, self._scene)
            self._turn_eyes(name)
            unseen = frustum.outside(self._scene.camera, self._data.geom_xpos, self._model.geom_rbound)
            self._model.geom_group[:] = np.where(unseen, HIDDEN, self._groups)
        everything = mujoco.mjtCatBit.mjCAT_ALL
        mujoco.mjv_updateScene(self._model, self._data, self._options, None, eye, everything, self._scene)
        self._turn_eyes(name)

    def _turn_eyes(self, name: str) -> None:
        """Changes MuJoCo's idea of where the scene's camera is to ours."""
        camera, _ = self._cameras[name]
        if isinstance(camera, FixedCamera) and camera.upside_down:
            for eye in self._scene.camera:
                eye.up[:] = -eye.up
        for kind in self._draw.kinds(shift_scene.CameraPose):
            kind.move(self._scene.camera, self._draw.stream(kind.kind, name))


def view(model, camera: Camera | FixedCamera) -> mujoco.MjvCamera:
    """MuJoCo's own description of a camera. Raises RenderError for a name that the model lacks."""
    out = mujoco.MjvCamera()
    if isinstance(camera, Camera):
        out.lookat[:] = camera.lookat
        out.distance, out.azimuth, out.elevation = camera.distance, camera.azimuth, camera.elevation
        return out
    out.type = mujoco.mjtCamera.mjCAMERA_FIXED
    out.fixedcamid = mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_CAMERA, camera.name)
    if out.fixedcamid < 0:
        known = ", ".join(model.camera(i).name for i in range(model.ncam))
        raise RenderError(f"camera {camera.name!r} is not in the model: use one of {known}")
    return out


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
