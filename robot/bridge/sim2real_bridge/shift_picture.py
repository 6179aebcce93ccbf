"""Shifts of a picture: what a camera's lens and sensor do to it.

What belongs here: pixels to pixels, RGB, shape (height, width, 3), uint8. What does not: the scene (shift_scene.py).
Each kind gets two streams: one of the episode, the same for all its pictures, and one of this picture.
"""

import dataclasses
from typing import ClassVar

import numpy as np
from PIL import Image, ImageFilter

from .draws import either


@dataclasses.dataclass(frozen=True)
class Blur:
    """Out of focus: a Gaussian whose deviation is radius times the picture's height."""

    kind: ClassVar[str] = "blur"
    radius: float

    def alter(self, pixels: np.ndarray, episode: np.random.Generator, picture: np.random.Generator) -> np.ndarray:
        """The picture, blurred."""
        image = Image.fromarray(pixels)
        return np.asarray(image.filter(ImageFilter.GaussianBlur(self.radius * pixels.shape[0])))


@dataclasses.dataclass(frozen=True)
class Colour:
    """White balance and gamma: x to x^gamma, times one gain for each colour; x from 0 to 1."""

    kind: ClassVar[str] = "colour"
    gain: tuple[float, float]
    gamma: tuple[float, float]

    def alter(self, pixels: np.ndarray, episode: np.random.Generator, picture: np.random.Generator) -> np.ndarray:
        """The picture in other colours."""
        gains, gamma = either(episode, self.gain, 3), either(episode, self.gamma)
        level = np.linspace(0.0, 1.0, 256)[:, None] ** gamma * gains
        table = np.rint(255.0 * np.clip(level, 0.0, 1.0)).astype(np.uint8)
        return np.stack([table[pixels[..., c], c] for c in range(3)], axis=-1)


@dataclasses.dataclass(frozen=True)
class Noise:
    """A sensor's noise: Gaussian, anew in every pixel and colour, its deviation a part of full scale."""

    kind: ClassVar[str] = "noise"
    deviation: float

    def alter(self, pixels: np.ndarray, episode: np.random.Generator, picture: np.random.Generator) -> np.ndarray:
        """The picture with noise."""
        noise = picture.standard_normal(pixels.shape, np.float32) * np.float32(255.0 * self.deviation)
        return np.clip(np.rint(pixels + noise), 0, 255).astype(np.uint8)
