"""Demonstrations as rows of observations and labels.

What belongs here: which frames one observation sees, how they are varied, and what it should answer. What does not:
the folder and its statistics (demonstrations), pixels (eyes).
"""

from dataclasses import dataclass

import numpy
import torch

from . import demonstrations
from .eyes import Augment, Eyes, plain


@dataclass
class Examples:
    """Rows of observations and labels on one device; rows of frames, the newest last, are shared by the cameras."""

    frames: torch.Tensor  # (n, history)
    proprio: torch.Tensor  # (n, joints), standardised, or (n, 0)
    targets: torch.Tensor  # (n, chunk * actions)
    weights: torch.Tensor  # the same; 0 past an episode's end

    def __len__(self) -> int:
        return len(self.frames)

    def to(self, device: torch.device) -> "Examples":
        """The same there."""
        return Examples(*(t.to(device) for t in (self.frames, self.proprio, self.targets, self.weights)))


def collect(data: demonstrations.Dataset, episodes: list, first: list[int], shape: dict, stats: dict) -> Examples:
    """Every step of the episodes as one example.

    first is each episode's first row of frames. shape is history and chunk, in steps, and whether there is proprio.
    """
    parts = [_rows(data, episode, at, shape, stats) for episode, at in zip(episodes, first, strict=True)]
    width = shape["chunk"] * len(data.action["dimensions"])
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


@dataclass(frozen=True)
class Batch:
    """What a network sees, as its forward takes it, and what it should answer."""

    seen: tuple[torch.Tensor, ...]
    targets: torch.Tensor
    weights: torch.Tensor


class Views:
    """The variations of every frame. They depend on the seed and the epoch alone."""

    def __init__(self, eyes: Eyes, augment: Augment, count: int, seed: int):
        """count are those beside the plain view, that return in each epoch."""
        self.eyes, self.augment, self.seed = eyes, augment, seed
        varied = self._drawn((count, *eyes.shape), seed)
        self.fixed = torch.cat([plain((1, *eyes.shape)).to(eyes.device), varied])  # (1 + count, frames, cameras, 6)

    def fresh(self, epoch: int) -> torch.Tensor:
        """(1, frames, cameras, 6): the one view of an epoch."""
        return self._drawn((1, *self.eyes.shape), (self.seed + 1 << 32) + epoch)

    def _drawn(self, shape: tuple[int, ...], seed: int) -> torch.Tensor:
        return self.augment.draw(shape, torch.Generator().manual_seed(seed)).to(self.eyes.device)


class Pictures:
    """Examples as a whole network sees them: pictures, plain, varied in fixed views, or varied anew in each epoch."""

    def __init__(self, examples: Examples, eyes: Eyes, views: Views | None = None, fresh: bool = False):
        """views None is the plain view alone."""
        self.examples, self.eyes, self.views, self.fresh = examples, eyes, views, fresh
        self.each = len(views.fixed) if views and not fresh else 1
        self.table = views.fixed if views and not fresh else None

    def __len__(self) -> int:
        return len(self.examples) * self.each

    def begin(self, epoch: int):
        """Draws what belongs to an epoch."""
        if not self.fresh or not self.views:
            return
        drawn = self.views.fresh(epoch)
        if self.table is None:
            self.table = drawn
        else:
            self.table.copy_(drawn)  # in place: a recorded step reads it where it was

    def batch(self, rows: torch.Tensor) -> Batch:
        """The examples of these rows, example by example and within one view by view."""
        of, view = rows // self.each, rows % self.each
        frames = self.examples.frames[of]
        draws = None if self.table is None else self.table[view[:, None], frames]
        seen = (self.eyes.see(frames, draws), self.examples.proprio[of])
        return Batch(seen, self.examples.targets[of], self.examples.weights[of])


class Features:
    """Examples as a head alone sees them: features that have been computed."""

    def __init__(self, features: torch.Tensor, examples: Examples):
        """features (examples * views, F), in the order of Pictures."""
        self.features, self.examples = features, examples
        self.each = len(features) // len(examples) if len(examples) else 1

    def __len__(self) -> int:
        return len(self.features)

    def begin(self, epoch: int):
        """The same in each."""

    def batch(self, rows: torch.Tensor) -> Batch:
        """As Pictures.batch."""
        of = rows // self.each
        return Batch((self.features[rows],), self.examples.targets[of], self.examples.weights[of])
