"""The whole network: pictures through one adapted backbone, features side by side, then the head.

What belongs here: what Go's adapter.Network and adapter.Head are. What does not: the data and the loop.
"""

import contextlib
import itertools
import math

import numpy
import torch
from torch.nn import functional

from . import TrainingError, backbones
from .adapters import Adapters

ACTIVATIONS = {"relu": functional.relu, "gelu": functional.gelu}  # gelu is the exact one
FEATURE_FLOOR = 1e-3  # of standard deviations, as in the daemon's training


class Head(torch.nn.Module):
    """Standardises features, then hidden layers with an activation, then the last map. No hidden layer: linear."""

    def __init__(self, sizes: list[int], activation: str, seed: int):
        super().__init__()
        if activation not in ACTIVATIONS:
            raise TrainingError(f"--activation {activation!r}: want {' or '.join(ACTIVATIONS)}")
        if min(sizes) < 1:
            raise TrainingError(f"--head: layers of {sizes[1:-1]}, want 1 or more each")
        self.activation = ACTIVATIONS[activation]
        generator = torch.Generator().manual_seed(seed)
        self.weights, self.biases = torch.nn.ParameterList(), torch.nn.ParameterList()
        for into, out in itertools.pairwise(sizes):
            bound = 1 / math.sqrt(into)
            for values, shape in ((self.weights, (out, into)), (self.biases, (out,))):
                values.append(torch.nn.Parameter(torch.empty(shape).uniform_(-bound, bound, generator=generator)))
        self.register_buffer("mean", torch.zeros(sizes[0]))
        self.register_buffer("std", torch.ones(sizes[0]))

    def fit(self, features: torch.Tensor):
        """Takes mean and deviation of (n, F) features to standardise with; they are not learned."""
        wide = features.double()
        self.mean.copy_(wide.mean(0))
        self.std.copy_(wide.std(0, correction=0).clamp(min=FEATURE_FLOOR))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, out) of (B, F)."""
        x = (x - self.mean) / self.std
        last = len(self.weights) - 1
        for i, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            x = functional.linear(x, weight, bias)
            if i < last:
                x = self.activation(x)
        return x

    def named(self) -> dict[str, torch.Tensor]:
        """Every tensor by its name in a bundle."""
        out = {"head.mean": self.mean, "head.std": self.std}
        for i, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            out |= {f"head.{i}.weight": weight, f"head.{i}.bias": bias}
        return out


class Policy(torch.nn.Module):
    """A frozen model with adapters, or a whole one that learns, seen by a head."""

    def __init__(
        self, model: torch.nn.Module, adapters: Adapters, head: Head, base: dict[str, torch.nn.Parameter] | None = None
    ):
        """base are the model's parameters that learn, by their names in a bundle (full)."""
        super().__init__()
        self.model, self.adapters, self.head, self.base = model, adapters, head, base or {}
        self.within = contextlib.nullcontext  # what the model runs in, such as machine.in_bfloat16

    def train(self, mode: bool = True) -> "Policy":
        """As torch's, but the model stays as it is: in training mode a BatchNorm would move its statistics."""
        super().train(mode)
        self.model.eval()
        return self

    def features(self, pictures: torch.Tensor, proprio: torch.Tensor) -> torch.Tensor:
        """(B, F) of pictures (B, P, 3, H, W), observation by observation and camera by camera, and (B, joints or 0)."""
        batch = len(pictures)
        with self.within():
            seen = backbones.features(self.model, pictures.flatten(0, 1)).reshape(batch, -1)
        return torch.cat([seen.float(), proprio], 1)

    def forward(self, pictures: torch.Tensor, proprio: torch.Tensor) -> torch.Tensor:
        """Standardised actions, (B, chunk * actions)."""
        return self.head(self.features(pictures, proprio))

    def named(self) -> dict[str, torch.Tensor]:
        """Every tensor that a bundle holds of the network, by name."""
        return {**self.adapters.named(), **self.head.named(), **self.base}

    def begin(self, arrays: dict[str, numpy.ndarray], *, head: bool):
        """Begins with the tensors of a bundle: those of its head alone, or all."""
        for name, value in (self.head if head else self).named().items():
            if name not in arrays or arrays[name].shape != tuple(value.shape):
                said = "--init-head" if head else "--init"
                raise TrainingError(f"{said}: {name} is missing or not {list(value.shape)}; use a bundle of this shape")
            value.data.copy_(torch.from_numpy(numpy.array(arrays[name])))

    def arrays(self) -> dict[str, numpy.ndarray]:
        """The same as float32 arrays in this machine's memory."""
        return {name: value.detach().float().cpu().numpy() for name, value in self.named().items()}

    def learned(self) -> dict[str, torch.nn.Parameter]:
        """What gradients change."""
        return {name: p for name, p in self.named().items() if isinstance(p, torch.nn.Parameter)}

    def place(self, name: str) -> str:
        """Where a tensor of learned is trained."""
        return "base" if name in self.base else self.adapters.place_of.get(name, "top")

    def trained(self) -> dict[str, int]:
        """How many numbers learn, by place."""
        out: dict[str, int] = {}
        for name, parameter in self.learned().items():
            out[self.place(name)] = out.get(self.place(name), 0) + parameter.numel()
        return out

    def counts(self) -> str:
        """One line: numbers of parameters per place, with their share of the base."""
        base = sum(p.numel() for p in self.model.parameters())
        top = sum(p.numel() for p in self.head.parameters())
        places = [*self.adapters.counts.items(), ("top", top)]
        first = f"base {base} {'trained' if self.base else 'frozen'}"
        return ", ".join([first, *(f"{p} {n} ({100 * n / base:.2f} %)" for p, n in places)])


def feature_len(model: torch.nn.Module, size: int) -> int:
    """How many features one picture gives."""
    with torch.no_grad():
        return backbones.features(model, torch.zeros(1, 3, size, size)).shape[1]
