"""A whole model that learns, as the daemon trains one: under Go's names, in Go's form.

What belongs here: what Go's backbone makes of a base's tensors (its recipes): norms folded into convolutions,
weights standardised once, constants folded into what they scale. A bundle of kind full holds these, so these are what
is trained here. What does not: models that stay as they are (backbones).
"""

import torch
from timm.layers import pad_same
from timm.models.nfnet import NormFreeNet
from timm.models.resnet import ResNet
from timm.models.vision_transformer import VisionTransformer
from torch.nn import functional

from . import TrainingError, backbones

SILU_UNIT = 1.702
PREFIX = "base."  # of every name, as Go's adapter.BasePrefix


def open_up(model: torch.nn.Module, record: dict | str) -> dict[str, torch.nn.Parameter]:
    """Changes the model so that its parameters are those that Go's network declares, and lets them learn.

    Gives them by their names in a bundle. What the model computes stays the same but for rounding.
    """
    makers = {VisionTransformer: _vit, ResNet: _resnet, NormFreeNet: _nfnet}
    if not isinstance(record, dict):
        raise TrainingError(
            f"--full --arch {record}: give the architecture as a file, as `sim2reald base add` writes it"
        )
    named = makers[type(model)](model, record)
    for parameter in named.values():
        parameter.requires_grad_(True)
    return {PREFIX + name: parameter for name, parameter in named.items()}


def _vit(model: VisionTransformer, record: dict) -> dict[str, torch.nn.Parameter]:
    rows, columns = model.patch_embed.grid_size
    side = record["image_size"] // record["patch_size"]
    own = (rows, columns) == (side, side) and not record["register_tokens"]
    if model.no_embed_class:  # as Go has it: class token and registers have rows too, which begin at zero
        bare = model.pos_embed.data
        prefix = bare.new_zeros(1, model.num_prefix_tokens, bare.shape[2])
        model.pos_embed = torch.nn.Parameter(torch.cat([prefix, bare], 1))
        model.no_embed_class = False
    named = dict(model.named_parameters())
    position = named.pop("pos_embed")
    return named | {"pos_embed" if own else f"pos_embed@{rows}x{columns}": position}


def _resnet(model: ResNet, _: dict) -> dict[str, torch.nn.Parameter]:
    named = _fold(model, "", "conv1", "bn1")
    for s, stage in enumerate(backbones.stages(model)):
        for b, block in enumerate(stage):
            at = f"layer{s + 1}.{b}."
            for i in range(1, 4 if hasattr(block, "conv3") else 3):
                named |= _fold(block, at, f"conv{i}", f"bn{i}")
            if block.downsample is not None:
                named |= _fold(block.downsample, f"{at}downsample.", "0", "1")
    return named


def _fold(parent: torch.nn.Module, at: str, conv: str, norm: str) -> dict[str, torch.nn.Parameter]:
    """Folds a BatchNorm into the convolution before it, in float64; see Go's foldWeight and foldBias."""
    layer, batch = getattr(parent, conv), getattr(parent, norm)
    scale = batch.weight.data.double() / (batch.running_var.double() + batch.eps).sqrt()
    weight = (layer.weight.data.double() * scale[:, None, None, None]).float()
    bias = (batch.bias.data.double() - batch.running_mean.double() * scale).float()
    layer.weight, layer.bias = torch.nn.Parameter(weight), torch.nn.Parameter(bias)
    setattr(parent, norm, torch.nn.Identity())
    return {f"{at}{conv}.weight@{at}{norm}": layer.weight, f"{at}{conv}.bias@{at}{norm}": layer.bias}


def _nfnet(model: NormFreeNet, record: dict) -> dict[str, torch.nn.Parameter]:
    # Go computes silu as a quick GELU of another unit, which goes into the weights behind it.
    gamma = model.final_act.gamma * (SILU_UNIT if record["activation"] == "silu" else 1.0)
    named = {}
    for i in range(1, 5):
        named |= _standardise(model.stem, "stem.", f"conv{i}", 1.0 if i == 1 else gamma)
    for s, stage in enumerate(model.stages):
        for b, block in enumerate(stage):
            named |= _block(block, f"stages.{s}.{b}.", gamma, record)
    if record["num_features"] > 0:
        named |= _standardise(model, "", "final_conv", 1.0)
    return named


def _block(block: torch.nn.Module, at: str, gamma: float, record: dict) -> dict[str, torch.nn.Parameter]:
    named = {}
    for conv, factor in (("conv1", gamma * block.beta), ("conv2", gamma), ("conv2b", gamma), ("conv3", gamma)):
        named |= _standardise(block, at, conv, factor)
    if block.downsample is not None:
        named |= _standardise(block.downsample, f"{at}downsample.", "conv", gamma * block.beta)
    for dense in ("fc1", "fc2"):
        matrix = Matrix(getattr(block.attn_last, dense))
        setattr(block.attn_last, dense, matrix)
        prefix = f"{at}attn_last.{dense}"
        named |= {f"{prefix}.weight@matrix": matrix.weight, f"{prefix}.bias": matrix.bias}
    if record["skipinit"]:
        block.drop_path = Gain(block)
        named[f"{at}skipinit_gain@channels"] = block.drop_path.gain
    return named


def _standardise(parent: torch.nn.Module, at: str, conv: str, factor: float) -> dict[str, torch.nn.Parameter]:
    layer = Standardised(getattr(parent, conv), factor)
    setattr(parent, conv, layer)
    return {f"{at}{conv}.weight@standardised": layer.weight, f"{at}{conv}.bias": layer.bias}


class Standardised(torch.nn.Module):
    """A ScaledStdConv2d whose weight has been standardised, times the factor of what comes before it.

    timm applies that factor itself, so it is taken out again: the parameter is Go's, and so are Adam's steps.
    """

    def __init__(self, layer: torch.nn.Conv2d, factor: float):
        super().__init__()
        self.stride, self.padding, self.groups = layer.stride, layer.padding, layer.groups
        self.kernel_size, self.same_pad, self.factor = layer.kernel_size, getattr(layer, "same_pad", False), factor
        wide = layer.weight.data.double()
        flat = wide.flatten(1)
        root = ((flat.var(1, correction=0) + layer.eps) * flat.shape[1]).sqrt()
        scale = layer.gain.data.double().flatten() * factor / root
        weight = (wide - flat.mean(1)[:, None, None, None]) * scale[:, None, None, None]
        self.weight, self.bias = torch.nn.Parameter(weight.float()), torch.nn.Parameter(layer.bias.data.clone())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The convolution."""
        if self.same_pad:
            x = pad_same(x, self.kernel_size, self.stride)
        return functional.conv2d(x, self.weight / self.factor, self.bias, self.stride, self.padding, 1, self.groups)


class Matrix(torch.nn.Module):
    """A 1x1 convolution by a matrix on the channels."""

    def __init__(self, layer: torch.nn.Conv2d):
        super().__init__()
        self.weight = torch.nn.Parameter(layer.weight.data[:, :, 0, 0].clone())
        self.bias = torch.nn.Parameter(layer.bias.data.clone())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The product, on every pixel."""
        return functional.conv2d(x, self.weight[:, :, None, None], self.bias)


class Gain(torch.nn.Module):
    """A block's gain by channels, with the constants that scale its branch folded in; it takes their place."""

    def __init__(self, block: torch.nn.Module):
        super().__init__()
        constant, skip = block.alpha * block.attn_gain, block.skipinit_gain.item()
        self.gain = torch.nn.Parameter(torch.full((block.conv3.weight.shape[0],), constant * skip))
        block.alpha, block.attn_gain, block.skipinit_gain = 1.0, 1.0, None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The map, scaled."""
        return x * self.gain[:, None, None]
