"""Shifts of the scene: where a camera stands, how it is lit, what things are covered with.

What belongs here: what is drawn, and how it changes a model that is only looked at: these run in the renderer's thread
on the renderer's copy, so the physics never sees them. What does not: pixels (shift_picture.py).
"""

import dataclasses
from collections.abc import Callable
from typing import ClassVar

import numpy as np

from .draws import direction, either, rotation

TILE = 16  # px of a pattern before it is stretched over a texture


@dataclasses.dataclass(frozen=True)
class CameraPose:
    """A camera moved by so many m and turned by so many rad, each any way, from the two bounds of a uniform draw."""

    kind: ClassVar[str] = "camera_pose"
    offset_m: tuple[float, float]
    turn_rad: tuple[float, float]

    def move(self, eyes, rng: np.random.Generator) -> None:
        """Moves the eyes of a scene's camera."""
        offset = rng.uniform(*self.offset_m) * direction(rng)
        turn = rotation(direction(rng), rng.uniform(*self.turn_rad))
        for eye in eyes:
            eye.pos[:] += offset
            eye.forward[:], eye.up[:] = turn @ eye.forward, turn @ eye.up


@dataclasses.dataclass(frozen=True)
class Light:
    """Every light stronger or weaker by a factor, each colour of it by up to 1 ± tint, and turned about the scene.

    The camera's own light is drawn by itself, without a turn. Bounds are of uniform draws.
    """

    kind: ClassVar[str] = "light"
    gain: tuple[float, float]
    tint: tuple[float, float]
    turn_rad: tuple[float, float]

    def edit(self, model, spared: np.ndarray, rng: np.random.Generator) -> list[int]:
        """Changes a model's lights, and no texture: none is to be uploaded."""
        centre = model.stat.center
        for i in range(model.nlight):
            colour = self._colour(rng)
            for part in (model.light_ambient, model.light_diffuse, model.light_specular):
                part[i] = np.clip(part[i] * colour, 0.0, 1.0)
            turn = rotation(direction(rng), rng.uniform(*self.turn_rad))
            model.light_dir[i] = turn @ model.light_dir[i]
            if model.light_bodyid[i] == 0:
                model.light_pos[i] = centre + turn @ (model.light_pos[i] - centre)
        head, colour = model.vis.headlight, self._colour(rng)
        for part in (head.ambient, head.diffuse, head.specular):
            part[:] = np.clip(part * colour, 0.0, 1.0)
        return []

    def _colour(self, rng: np.random.Generator) -> np.ndarray:
        tint = rng.uniform(*self.tint) * rng.uniform(-1.0, 1.0, 3)
        return either(rng, self.gain) * (1.0 + tint)


@dataclasses.dataclass(frozen=True)
class Texture:
    """A share of every colour replaced by another colour, and of every texture by a pattern of two colours."""

    kind: ClassVar[str] = "texture"
    share: tuple[float, float]
    patterns: tuple[str, ...]

    def edit(self, model, spared: np.ndarray, rng: np.random.Generator) -> list[int]:
        """Changes a model's colours and textures, but those of the spared geoms; the textures to be uploaded."""
        materials = model.geom_matid[spared]
        self._tint(model.geom_rgba, set(spared), rng)
        self._tint(model.mat_rgba, set(materials), rng)
        textures = worn(model, set(range(model.nmat)) - set(materials))
        for i in textures:
            self._paint(model, i, rng)
        return textures

    def _tint(self, colours: np.ndarray, spared: set[int], rng: np.random.Generator) -> None:
        """Mixes another colour into each row of RGBA; the spared ones draw theirs too, so that the rest stays alike."""
        shares, others = rng.uniform(*self.share, (len(colours), 1)), rng.random((len(colours), 3))
        rows = [i for i in range(len(colours)) if i not in spared]
        colours[rows, :3] += (shares * (others - colours[:, :3]))[rows]

    def _paint(self, model, i: int, rng: np.random.Generator) -> None:
        """Mixes a pattern into a texture."""
        height, width, channels = model.tex_height[i], model.tex_width[i], model.tex_nchannel[i]
        tile = PATTERNS[self.patterns[rng.integers(len(self.patterns))]](rng)
        colours = rng.uniform(0.0, 255.0, (2, min(3, channels)))
        pattern = colours[0] + tile[..., None] * (colours[1] - colours[0])
        rows, columns = np.arange(height) * TILE // width % TILE, np.arange(width) * TILE // width
        share = rng.uniform(*self.share)
        start = model.tex_adr[i]
        pixels = model.tex_data[start : start + height * width * channels].reshape(height, width, channels)
        part = pixels[..., :3]
        part[:] = (part * np.float32(1 - share) + (share * pattern).astype(np.float32)[rows][:, columns]).astype(
            np.uint8
        )


class Wardrobe:
    """A model's own lights, colours and textures, kept while it wears others. Those of the spared geoms stay."""

    def __init__(self, model, spared: np.ndarray):
        self._model, self._spared = model, spared
        self._own: list[np.ndarray] = []
        self._painted: set[int] = set()

    def wear(self, kinds: list[tuple[Light | Texture, np.random.Generator]]) -> set[int]:
        """Puts these on in place of what was worn before; the textures that have to be uploaded."""
        changed = self._painted
        if self._own:
            for table, own in zip(appearance(self._model), self._own, strict=True):
                table[:] = own
        elif kinds:
            self._own = [table.copy() for table in appearance(self._model)]
        self._painted = {texture for kind, rng in kinds for texture in kind.edit(self._model, self._spared, rng)}
        return changed | self._painted


def appearance(model) -> tuple[np.ndarray, ...]:
    """The model's own arrays of what the kinds above change."""
    m, head = model, model.vis.headlight
    lights = (m.light_pos, m.light_dir, m.light_ambient, m.light_diffuse, m.light_specular)
    return (*lights, head.ambient, head.diffuse, head.specular, m.mat_rgba, m.geom_rgba, m.tex_data)


def worn(model, materials: set[int]) -> list[int]:
    """The textures that these materials wear: never the sky."""
    return sorted({int(texture) for m in materials for texture in model.mat_texid[m] if texture >= 0})


# Each is a picture of TILE by TILE numbers from 0 to 1. A texture's sides are multiples of its width, so that one fits.
def flat(rng: np.random.Generator) -> np.ndarray:
    """Nothing but one colour."""
    return np.zeros((TILE, TILE))


def gradient(rng: np.random.Generator) -> np.ndarray:
    """From one colour to the other and back, along one side."""
    ramp = 1.0 - np.abs(np.linspace(-1.0, 1.0, TILE))
    return np.tile(ramp, (TILE, 1)) if rng.random() < 0.5 else np.tile(ramp, (TILE, 1)).T


def spots(rng: np.random.Generator) -> np.ndarray:
    """Every pixel for itself."""
    return rng.random((TILE, TILE))


def checker(rng: np.random.Generator) -> np.ndarray:
    """Squares of one of three sizes."""
    i = np.arange(TILE) // rng.choice([1, 2, 4])
    return (i[:, None] + i) % 2.0


def stripes(rng: np.random.Generator) -> np.ndarray:
    """Bands of one of three widths, along one side or across."""
    i = np.arange(TILE) // rng.choice([1, 2, 4])
    bands = np.tile(i % 2.0, (TILE, 1))
    return bands if rng.random() < 0.5 else bands.T


PATTERNS: dict[str, Callable[[np.random.Generator], np.ndarray]] = {
    "flat": flat,
    "gradient": gradient,
    "spots": spots,
    "checker": checker,
    "stripes": stripes,
}
