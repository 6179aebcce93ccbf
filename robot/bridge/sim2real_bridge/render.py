"""Pictures of a MuJoCo scene, made in one thread that owns the OpenGL context.

What belongs here: cameras, what to show, the thread. What does not: OpenGL (canvas.py) and physics; the
thread has its own copy of the model and gets snapshots, so that nothing is shared with the thread that steps.
"""

import dataclasses
import os
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from . import BridgeError, png
from .shifts import UNSHIFTED, Draw


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


@dataclasses.dataclass(frozen=True)
class FixedCamera:
    """A camera of the MuJoCo model, by its name there; upside_down turns its picture by half a turn."""

    name: str
    upside_down: bool = False


@dataclasses.dataclass(frozen=True)
class Shot:
    """What to show: a domain's snapshot at a control step, under an episode's shift.

    With repeat the pictures of the shot before are given once more, if that was under the same draw.
    """

    snapshot: Any
    draw: Draw = UNSHIFTED
    step: int = 0
    repeat: bool = False


class Renderer:
    """Makes one shot at a time: a picture from each camera. place(model, data, snapshot) puts the scene.

    All drawing, from the making of the context on, happens in the one thread of an executor: contexts are bound
    to threads.
    """

    def __init__(
        self, domain, place: Callable, cameras: Mapping[str, Camera | FixedCamera], size: int, encode=png.encode
    ):
        """Starts the thread and waits for its context; size is in pixels, encode makes bytes of an array of pixels.

        Raises RenderError.
        """
        self._cameras, self._encode = dict(cameras), encode
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="render")
        self._busy: Future | None = None
        self._last: tuple[Draw, dict[str, bytes]] | None = None
        try:
            self.backend, self.views = self._thread.submit(self._open, domain, place, size).result()
        except RenderError:
            raise
        except Exception as err:
            backend = os.environ.get("MUJOCO_GL", "")
            remedy = "install libegl1 and libgl1-mesa-dri, or libosmesa6 and set MUJOCO_GL=osmesa"
            raise RenderError(f"MUJOCO_GL={backend}: {err}: {remedy}") from err

    def submit(self, shot: Shot) -> Future | None:
        """Asks for the pictures of a shot; None, and nothing asked, while the last is being made."""
        if self._busy is not None and not self._busy.done():
            return None
        self._busy = self._thread.submit(self._draw, shot)
        return self._busy

    def render(self, shot: Shot) -> dict[str, bytes]:
        """The pictures of a shot by camera, encoded; waits for them. Raises what drawing raised."""
        return self._thread.submit(self._draw, shot).result()

    def close(self) -> None:
        """Ends the thread after the pictures at hand."""
        self._thread.submit(self._canvas.close)
        self._thread.shutdown()

    def _open(self, domain, place: Callable, size: int) -> tuple[str, dict[str, dict]]:
        """What really draws, and where the cameras stand. First pictures compile shaders, so they are drawn here."""
        from . import canvas

        self._canvas = canvas.Canvas(domain, place, self._cameras, size)
        self._canvas.put(domain.snapshot())
        return canvas.backend(), {name: self._canvas.describe(name) for name in self._cameras}

    def _draw(self, shot: Shot) -> dict[str, bytes]:
        if shot.repeat and self._last is not None and self._last[0] == shot.draw:
            return self._last[1]
        self._canvas.dress(shot.draw.at(shot.step))
        self._canvas.put(shot.snapshot)
        pictures = {name: self._encode(self._canvas.picture(name, shot.step)) for name in self._cameras}
        self._last = shot.draw, pictures
        return pictures
