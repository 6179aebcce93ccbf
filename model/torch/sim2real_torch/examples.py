"""Demonstrations as rows of observations and labels.

What belongs here: which frames one observation sees, and what it should answer. What does not: the folder and its
statistics (demonstrations), pixels (eyes).
"""

from dataclasses import dataclass

import numpy
import torch

from . import demonstrations


@dataclass
class Examples:
    """Rows of observations and labels on one device; rows of frames, the newest last, are shared by the cameras."""

    frames: torch.Tensor  # (n, history)
    proprio: torch.Tensor  # (n, joints), standardised, or (n, 0)
    targets: torch.Tensor  # (n, chunk * actions)
    weights: torch.Tensor  # the same; 0 past an episode's end

    def __len__(self) -> int:
        return len(self.frames)


def collect(data: demonstrations.Dataset, episodes: list, first: list[int], shape: dict, stats: dict) -> Examples:
    """Every step of the episodes as one example.

    first is each episode's first row of frames. shape is history and chunk, in steps, and whether there is proprio.
    """
    parts = [_rows(data, episode, at, shape, stats) for episode, at in zip(episodes, first, strict=True)]
    width = shape["chunk"] * (data.joints + 1)
    seen = data.joints if shape["proprio"] else 0
    none = (numpy.zeros((0, shape["history"]), "i8"), *(numpy.zeros((0, w), "f4") for w in (seen, width, width)))
    return Examples(*(torch.from_numpy(numpy.concatenate(column)) for column in zip(none, *parts, strict=True)))


def _rows(data: demonstrations.Dataset, episode, first: int, shape: dict, stats: dict) -> tuple:
    steps = len(episode)
    past = numpy.arange(1 - shape["history"], 1)
    frames = first + numpy.maximum(numpy.arange(steps)[:, None] + past, 0)  # before the start there is the first
    mean, std = stats["proprio"]
    positions = (episode.q.astype("f4") - mean) / std if shape["proprio"] else numpy.zeros((steps, 0), "f4")
    return frames, positions, *demonstrations.chunks(data.labels(episode), *stats["action"], shape["chunk"])
