"""The trained parts inside a frozen timm model: bottom, middle and norms.

What belongs here: where they sit, their names, shapes, first values and arithmetic, the same as in Go's
model/adapter. What does not: the head on top (policy).

They are hung into the model by hooks and by replaced forward methods; the model's own parameters and its state
dict stay as they are. All adapters at zero is the frozen model, bit for bit, and so is the start, where every
projection back into the model is zero.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from timm.layers import pad_same
from timm.models.resnet import Bottleneck, ResNet
from timm.models.vision_transformer import VisionTransformer
from torch.nn import functional

from . import TrainingError, backbones

PLACES = ("bottom", "middle", "norms")
PREFIX = "adapter."
# The width of a bottleneck in a ViT unless told otherwise, as the daemon has it: a 24th of the tokens' width in whole
# eights. Convolutional networks get a dense 1x1 convolution.
SHARE, STEP = 24, 8


def places_of(model: torch.nn.Module) -> tuple[str, ...]:
    """Where the model can be adapted; a convolutional one has no LayerNorm."""
    return PLACES if isinstance(model, VisionTransformer) else PLACES[:2]


@dataclass(frozen=True)
class Placement:
    """What is trained inside the model. blocks and branches None is all; width 0 is a dense 1x1 convolution."""

    places: frozenset[str]
    blocks: tuple[int, ...] | None = None
    width: int | None = None
    branches: tuple[str, ...] | None = None

    @staticmethod
    def parse(
        model: torch.nn.Module,
        text: str | None = None,
        blocks: str | None = None,
        width: int | None = None,
        branches: str | None = None,
    ) -> "Placement":
        """Reads "bottom,middle,norms" in any order, "top" allowed, "0,1,2" for blocks, "attn,mlp" for branches.

        None is all there are.
        """
        places = list(places_of(model)) if text is None else [place for place in text.split(",") if place]
        for place in places:
            if place not in (*PLACES, "top") or places.count(place) > 1:
                known = ", ".join((*PLACES, "top"))
                raise TrainingError(f"--adapters {text!r}: {place!r} is none of {known}, or there twice")
        try:
            chosen = None if blocks is None else tuple(sorted({int(b) for b in blocks.split(",")}))
        except ValueError as error:
            raise TrainingError(f"--middle-blocks {blocks!r}: want numbers from 0, like 0,1,2") from error
        if width is not None and width < 0:
            raise TrainingError(f"--middle-width {width}: want 0 or more")
        ends = tuple(branches.split(",")) if branches else None
        return Placement(frozenset(places) - {"top"}, chosen, width, ends)

    def manifest(self, model: torch.nn.Module) -> dict:
        """The keys of a bundle's manifest that belong to it."""
        named = [place for place in PLACES if place in self.places]
        out = {"placement": ",".join([*named, "top"])}
        if "middle" in self.places:
            blocks = {} if self.blocks is None else {"blocks": list(self.blocks)}
            branches = {} if self.branches is None else {"branches": list(self.branches)}
            out["middle"] = {**blocks, **branches, "width": self.chosen_width(model)}
        return out

    def chosen_width(self, model: torch.nn.Module) -> int:
        """The width, with the default of the model's family."""
        if self.width is not None:
            return self.width
        if not isinstance(model, VisionTransformer):
            return 0
        return max(STEP, (model.embed_dim + SHARE * STEP // 2) // (SHARE * STEP) * STEP)


class Adapters(torch.nn.Module):
    """The parameters, by the bundle's names, and their places in one model."""

    def __init__(self, model: torch.nn.Module, placement: Placement, seed: int):
        super().__init__()
        self._generator = torch.Generator().manual_seed(seed)
        self._names: dict[str, str] = {}
        self.place_of: dict[str, str] = {}  # of each tensor, by its name in a bundle
        self._place = ""
        self.counts = dict.fromkeys((p for p in PLACES if p in placement.places), 0)
        attach = {"bottom": self._bottom, "middle": self._middle, "norms": self._norms}
        for place in self.counts:
            self._place = place
            attach[place](model, placement)
            if not self.counts[place]:
                raise TrainingError(f"--adapters {place}: a {type(model).__name__} has no place for these")

    def named(self) -> dict[str, torch.nn.Parameter]:
        """Every trained tensor by its name in a bundle."""
        return {name: self._parameters[key] for name, key in self._names.items()}

    def _add(self, name: str, shape: tuple[int, ...], fan_in: int = 0) -> torch.nn.Parameter:
        """A parameter: zero, or uniform within 1/sqrt(fan_in)."""
        value = torch.zeros(shape)
        if fan_in:
            value.uniform_(-1 / math.sqrt(fan_in), 1 / math.sqrt(fan_in), generator=self._generator)
        key = (PREFIX + name).replace(".", "/")  # torch allows no dot in a parameter's name
        self.register_parameter(key, torch.nn.Parameter(value))
        self._names[PREFIX + name] = key
        self.place_of[PREFIX + name] = self._place
        self.counts[self._place] += value.numel()
        return self._parameters[key]

    def _bottom(self, model: torch.nn.Module, _: Placement):
        name, layer, after = _stem(model)
        weight = self._add(f"{name}.weight", tuple(layer.weight.shape))
        unbiased = isinstance(model, VisionTransformer) and layer.bias is None
        bias = None if unbiased else self._add(f"{name}.bias", (layer.out_channels,))
        _beside(layer, after, weight, bias)

    def _norms(self, model: torch.nn.Module, _: Placement):
        for name, norm in model.named_modules():
            if isinstance(norm, torch.nn.LayerNorm):
                shape = tuple(norm.normalized_shape)
                _shift_norm(norm, self._add(f"{name}.weight", shape), self._add(f"{name}.bias", shape))

    def _middle(self, model: torch.nn.Module, placement: Placement):
        branches, width = list(_branches(model)), placement.chosen_width(model)
        blocks = max(b.block for b in branches) + 1
        beyond = [b for b in placement.blocks or () if not 0 <= b < blocks]
        if beyond:
            raise TrainingError(f"--middle-blocks {beyond[0]}: the model has blocks 0 to {blocks - 1}")
        ends = {b.name.rsplit(".", 1)[1] for b in branches}
        unknown = [end for end in placement.branches or () if end not in ends]
        if unknown:
            raise TrainingError(f"--middle-branches {unknown[0]}: the model has {', '.join(sorted(ends))}")
        for branch in branches:
            blocked = placement.blocks is None or branch.block in placement.blocks
            if blocked and (placement.branches is None or branch.name.rsplit(".", 1)[1] in placement.branches):
                branch.module.register_forward_hook(_residual(self._bottleneck(branch, width)))

    def _bottleneck(self, branch: "Branch", width: int) -> Callable[[torch.Tensor], torch.Tensor]:
        """What is added to a branch's end: down, exact GELU, up; or one dense 1x1 convolution."""
        maps, name, channels = branch.maps, branch.name, branch.channels
        if not width and not maps:
            raise TrainingError("--middle-width 0 is for convolutional models; give a width, like 32")
        apply = functional.conv2d if maps else functional.linear
        tail = (1, 1) if maps else ()
        if not width:
            w, b = self._add(f"{name}.weight", (channels, channels, *tail)), self._add(f"{name}.bias", (channels,))
            return lambda x: apply(x, w, b)
        dw = self._add(f"{name}.down.weight", (width, channels, *tail), channels)
        db = self._add(f"{name}.down.bias", (width,))
        uw = self._add(f"{name}.up.weight", (channels, width, *tail))
        ub = self._add(f"{name}.up.bias", (channels,))
        return lambda x: apply(functional.gelu(apply(x, dw, db)), uw, ub)


@dataclass(frozen=True)
class Branch:
    """The end of a branch: the module whose output is adapted."""

    block: int
    name: str
    module: torch.nn.Module
    channels: int
    maps: bool  # (B, C, H, W), else tokens (B, N, W)


def _branches(model: torch.nn.Module) -> Iterator[Branch]:
    """Every place for a middle adapter, see Go's backbone.Branch."""
    if isinstance(model, VisionTransformer):
        for i, block in enumerate(model.blocks):
            # The layer scales end the branches; where there are none, timm has identities in their place.
            yield Branch(i, f"blocks.{i}.attn", block.ls1, model.embed_dim, False)
            yield Branch(i, f"blocks.{i}.mlp", block.ls2, model.embed_dim, False)
        return
    resnet, number = isinstance(model, ResNet), 0
    for s, stage in enumerate(backbones.stages(model)):
        for b, block in enumerate(stage):
            # The first 3x3 convolution of the block; in a ResNet behind its norm.
            conv = "conv1" if resnet and not isinstance(block, Bottleneck) else "conv2"
            module = getattr(block, conv.replace("conv", "bn")) if resnet else block.conv2
            prefix = f"layer{s + 1}.{b}" if resnet else f"stages.{s}.{b}"
            yield Branch(number, f"{prefix}.{conv}", module, getattr(block, conv).out_channels, True)
            number += 1


def _residual(branch: Callable[[torch.Tensor], torch.Tensor]) -> Callable:
    return lambda module, inputs, output: output + branch(output)


def _stem(model: torch.nn.Module) -> tuple[str, torch.nn.Conv2d, torch.nn.Module]:
    """Name of the layer that sees the picture, the layer, and the module behind which the delta is added."""
    if isinstance(model, VisionTransformer):
        return "patch_embed.proj", model.patch_embed.proj, model.patch_embed.proj
    if isinstance(model, ResNet):
        return "conv1", model.conv1, model.bn1
    return "stem.conv1", model.stem.conv1, model.stem.conv1


def _beside(layer: torch.nn.Conv2d, after: torch.nn.Module, weight: torch.Tensor, bias: torch.Tensor | None):
    """Adds a convolution of the layer's own input, with the layer's own geometry, behind after."""
    seen = {}

    def remember(module, inputs):
        seen["x"] = inputs[0]

    def add(module, inputs, output):
        x, padding = seen.pop("x"), layer.padding
        if getattr(layer, "same_pad", False):
            x, padding = pad_same(x, layer.kernel_size, layer.stride), 0
        return output + functional.conv2d(x, weight, bias, layer.stride, padding)

    layer.register_forward_pre_hook(remember)
    after.register_forward_hook(add)


def _shift_norm(norm: torch.nn.LayerNorm, scale: torch.Tensor, offset: torch.Tensor):
    """Replaces the forward method alone: a hook would have to compute the norm twice."""

    def forward(x):
        return functional.layer_norm(x, norm.normalized_shape, norm.weight + scale, norm.bias + offset, norm.eps)

    norm.forward = forward
