"""Pictures on a device, prepared as the robot does, and varied for training.

What belongs here: the same arithmetic as in pictures, on tensors; augmentation, so that a policy does not hang on
the exact place and light of the simulator's camera. What does not: which pictures (examples).
"""

from dataclasses import dataclass

import numpy
import torch

from . import pictures

LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601


@dataclass(frozen=True)
class Augment:
    """How pictures vary: shift in source pixels with edges repeated, and factors about 1."""

    shift_px: int = 4
    colour: float = 0.05  # brightness, contrast and saturation, each uniform over 1 +- colour


class Eyes:
    """Prepares pictures on a device as the robot does, varied or plain."""

    def __init__(self, cameras: list[dict], frames: list[numpy.ndarray], spec: dict, device: torch.device):
        """frames are (N, H, W, 3) bytes, one array per camera; spec is size, mean and std."""
        self.device, self.size = device, spec["size"]
        self.frames = [torch.from_numpy(f) for f in frames]
        self.table = torch.from_numpy(pictures.normal_table(spec["mean"], spec["std"])).to(device)
        self.area = [self._area(c["height"], c["width"]) for c in cameras]

    def _area(self, height: int, width: int):
        if (height, width) == (self.size, self.size):
            return None
        weights = [torch.from_numpy(pictures.area_weights(s, self.size)).to(self.device) for s in (height, width)]
        return (*weights, pictures.halves_up((height, width), (self.size, self.size)))

    def see(self, rows: torch.Tensor, augment: Augment | None, generator: torch.Generator) -> torch.Tensor:
        """(B, history * cameras, 3, size, size) of rows (B, history)."""
        views = []
        for past in range(rows.shape[1]):
            for camera, frames in enumerate(self.frames):
                picture = frames[rows[:, past]].to(self.device).permute(0, 3, 1, 2).float()
                if augment is not None:
                    picture = vary(picture, augment, generator)
                views.append(self._normal(self._resize(picture, self.area[camera])))
        return torch.stack(views, 1)

    def _resize(self, x: torch.Tensor, area) -> torch.Tensor:
        if area is None:
            return x
        down, across, halves_up = area
        x = down @ x @ across.T
        return (torch.floor(x + 0.5) if halves_up else torch.round(x)).clamp(0, 255)

    def _normal(self, x: torch.Tensor) -> torch.Tensor:
        return torch.stack([self.table[c][x[:, c].long()] for c in range(3)], 1)


def vary(x: torch.Tensor, augment: Augment, generator: torch.Generator) -> torch.Tensor:
    """(B, 3, H, W) pictures in 0..255, each shifted and coloured by its own draw, in whole numbers again."""
    batch, _, height, width = x.shape
    draw = torch.rand(batch, 5, generator=generator)
    shift = (draw[:, :2] * (2 * augment.shift_px + 1)).long().sub(augment.shift_px).to(x.device)
    ys = (torch.arange(height, device=x.device) - shift[:, :1]).clamp(0, height - 1)
    xs = (torch.arange(width, device=x.device) - shift[:, 1:]).clamp(0, width - 1)
    x = x.gather(2, ys[:, None, :, None].expand_as(x)).gather(3, xs[:, None, None, :].expand_as(x))
    factors = (1 + augment.colour * (2 * draw[:, 2:] - 1)).to(x.device)
    brightness, contrast, saturation = (f[:, None, None, None] for f in factors.unbind(1))
    grey = (x * torch.tensor(LUMA, device=x.device)[:, None, None]).sum(1, keepdim=True)
    mean = grey.mean((2, 3), keepdim=True)
    x = grey + (x - grey) * saturation
    return ((mean + (x - mean) * contrast) * brightness).round().clamp(0, 255)
