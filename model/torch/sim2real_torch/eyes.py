"""Pictures on a device, prepared as the robot does, and varied for training.

What belongs here: the same arithmetic as in pictures, on tensors; augmentation, so that a policy does not hang on
the exact place and light of the simulator's camera. What does not: which pictures (examples).
"""

from dataclasses import dataclass

import numpy
import torch

from . import machine, pictures

LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601
DY, DX, BRIGHTNESS, CONTRAST, SATURATION, NOISE = range(6)  # columns of a draw


@dataclass(frozen=True)
class Augment:
    """How pictures vary, as Go's train.Augment: shift in source pixels with edges repeated, factors about 1."""

    shift_px: int = 4
    brightness: float = 0.05  # each uniform over 1 +- its strength
    contrast: float = 0.05
    saturation: float = 0.05
    noise: float = 0.0  # deviation of what is added to each number, of the range of pixels

    def draw(self, shape: tuple[int, ...], generator: torch.Generator) -> torch.Tensor:
        """(shape, 6): as many variations."""
        out = torch.rand(*shape, 6, generator=generator)
        shift = (out[..., :BRIGHTNESS] * (2 * self.shift_px + 1)).floor() - self.shift_px
        strength = torch.tensor([self.brightness, self.contrast, self.saturation])
        factors = 1 + strength * (2 * out[..., BRIGHTNESS:NOISE] - 1)
        return torch.cat([shift, factors, torch.full_like(out[..., NOISE:], 255 * self.noise)], -1)


def plain(shape: tuple[int, ...]) -> torch.Tensor:
    """(shape, 6): draws that leave a picture as it is."""
    return torch.tensor([0.0, 0.0, 1.0, 1.0, 1.0, 0.0]).expand(*shape, 6)


class Eyes:
    """Prepares pictures on a device as the robot does, varied or plain."""

    def __init__(self, cameras: list[dict], frames: list[numpy.ndarray], spec: dict, device: torch.device, noisy=False):
        """frames are (N, H, W, 3) bytes, one array per camera; spec is size, mean and std.

        noisy says that draws ask for noise.
        """
        self.device, self.size = device, spec["size"]
        self.frames = [torch.from_numpy(f).to(device) for f in frames]
        self.table = torch.from_numpy(pictures.normal_table(spec["mean"], spec["std"])).flatten().to(device)
        self.offset = (256 * torch.arange(3, device=device))[:, None, None]
        self.area = [self._area(c["height"], c["width"]) for c in cameras]
        self.noise = torch.Generator(device).manual_seed(0) if noisy else None

    @property
    def shape(self) -> tuple[int, int]:
        """Frames and cameras."""
        return len(self.frames[0]), len(self.frames)

    def _area(self, height: int, width: int):
        if (height, width) == (self.size, self.size):
            return None
        weights = [torch.from_numpy(pictures.area_weights(s, self.size)).to(self.device) for s in (height, width)]
        return (*weights, pictures.halves_up((height, width), (self.size, self.size)))

    def see(self, rows: torch.Tensor, draws: torch.Tensor | None = None) -> torch.Tensor:
        """(B, history * cameras, 3, size, size) of rows (B, history), varied by draws (B, history, cameras, 6)."""
        views = []
        for past in range(rows.shape[1]):
            for camera, frames in enumerate(self.frames):
                if draws is None:
                    x = frames[rows[:, past]].permute(0, 3, 1, 2).float()
                else:
                    x = vary(frames, rows[:, past], draws[:, past, camera], self.noise)
                views.append(self._normal(self._resize(x, self.area[camera])))
        return torch.stack(views, 1)

    def _resize(self, x: torch.Tensor, area) -> torch.Tensor:
        if area is None:
            return x
        down, across, halves_up = area
        with machine.exactly():
            x = down @ x @ across.T
        return (torch.floor(x + 0.5) if halves_up else torch.round(x)).clamp(0, 255)

    def _normal(self, x: torch.Tensor) -> torch.Tensor:
        return self.table[x.long() + self.offset]


def vary(frames: torch.Tensor, rows: torch.Tensor, draws: torch.Tensor, noise: torch.Generator | None):
    """(B, 3, H, W) in 0..255, whole numbers: rows of frames (N, H, W, 3), each by its own draw (B, 6)."""
    _, height, width, _ = frames.shape
    ys = (torch.arange(height, device=rows.device) - draws[:, DY, None].long()).clamp(0, height - 1)
    xs = (torch.arange(width, device=rows.device) - draws[:, DX, None].long()).clamp(0, width - 1)
    x = frames[rows[:, None, None], ys[:, :, None], xs[:, None, :]].permute(0, 3, 1, 2).float()
    brightness, contrast, saturation, deviation = (d[:, None, None, None] for d in draws[:, BRIGHTNESS:].unbind(1))
    grey = (LUMA[0] * x[:, 0] + LUMA[1] * x[:, 1] + LUMA[2] * x[:, 2])[:, None]
    mean = grey.mean((2, 3), keepdim=True)
    x = grey + (x - grey) * saturation
    x = ((mean + (x - mean) * contrast) * brightness).round().clamp(0, 255)
    if noise is None:
        return x
    return (x + deviation * torch.randn(x.shape, generator=noise, device=x.device)).round().clamp(0, 255)
