"""timm models by architecture, with a base's weights, frozen.

What belongs here: what the keys of an architecture record mean in timm, and which of timm's variants the daemon
can run. What does not: what is trained inside them (adapters).
"""

import functools
import json
import pathlib

import timm
import torch
from timm.layers import resample_abs_pos_embed
from timm.models.nfnet import GammaAct, NfCfg, NormFreeNet
from timm.models.resnet import BasicBlock, Bottleneck, ResNet
from timm.models.vision_transformer import Block, VisionTransformer

from . import TrainingError, tensorfile

BLOCKS = {"basic": BasicBlock, "bottleneck": Bottleneck}


def build(record: dict, size: int, positions: int | None = None) -> torch.nn.Module:
    """The model of an architecture record (see Go's model/backbone), with timm's first values, for size px.

    positions is the length of the base's position embedding, which says whether it covers the patches alone.
    """
    makers = {"vit": _vit, "resnet": _resnet, "nfnet": _nfnet}
    family = record.get("family")
    if family not in makers:
        raise TrainingError(f"architecture: family {family!r}, this package knows {', '.join(makers)}")
    try:
        return makers[family](record, size, positions).eval()
    except (KeyError, TypeError, ValueError, AssertionError) as error:
        raise TrainingError(f"architecture of family {family}: {error!r}; compare it with the base's record") from error


def _vit(record: dict, size: int, positions: int | None) -> VisionTransformer:
    patches = (record["image_size"] // record["patch_size"]) ** 2
    return VisionTransformer(
        img_size=size,
        patch_size=record["patch_size"],
        embed_dim=record["width"],
        depth=record["depth"],
        num_heads=record["heads"],
        mlp_ratio=record["mlp_ratio"],
        num_classes=0,
        global_pool=record["pool"],
        pre_norm=record["pre_norm"],
        act_layer=record["activation"],
        norm_layer=functools.partial(torch.nn.LayerNorm, eps=record["norm_eps"]),
        init_values=1e-5 if record["layer_scale"] else None,
        reg_tokens=record["register_tokens"],
        no_embed_class=positions == patches,
    )


def _resnet(record: dict, *_) -> ResNet:
    return ResNet(
        BLOCKS[record["block"]],
        layers=tuple(record["layers"]),
        channels=tuple(record["channels"]),
        stem_width=record["stem_width"],
        num_classes=0,
    )


def _nfnet(record: dict, *_) -> NormFreeNet:
    return NormFreeNet(
        NfCfg(
            depths=tuple(record["depths"]),
            channels=tuple(record["channels"]),
            alpha=record["alpha"],
            stem_type="deep_quad",
            stem_chs=record["stem_channels"],  # 0: those of the first stage
            group_size=record["group_size"],
            attn_layer="se",
            attn_kwargs={"rd_ratio": record["se_ratio"]},
            attn_gain=record["attn_gain"],
            bottle_ratio=record["bottle_ratio"],
            num_features=record["num_features"],
            extra_conv=True,
            gamma_in_act=True,
            same_padding=record["same_padding"],
            std_conv_eps=record["std_conv_eps"],
            skipinit=record["skipinit"],
            act_layer=record["activation"],
        ),
        num_classes=0,
    )


def create(name: str, size: int) -> torch.nn.Module:
    """timm's model of that name, with first values. Raises TrainingError for one that the daemon cannot run."""
    try:
        try:
            model = timm.create_model(name, pretrained=False, num_classes=0, img_size=size).eval()
        except TypeError:  # a convolutional model takes pictures of any size
            model = timm.create_model(name, pretrained=False, num_classes=0).eval()
    except (RuntimeError, TypeError, AssertionError) as error:
        raise TrainingError(f"timm's model {name!r}: {error}; give an architecture file instead") from error
    if not _supported(model):
        raise TrainingError(f"timm's model {name!r} is none that sim2reald runs: plain ViT, ResNet or dm_nfnet")
    return model


def _supported(model: torch.nn.Module) -> bool:
    if type(model) is VisionTransformer:
        plain = all(type(b) is Block for b in model.blocks)
        return plain and model.cls_token is not None and model.attn_pool is None
    if type(model) is ResNet:
        parts = [block for stage in stages(model) for block in stage]
        plain = all(b.se is None and isinstance(b.aa, torch.nn.Identity) for b in parts)
        return plain and isinstance(model.conv1, torch.nn.Conv2d)
    return type(model) is NormFreeNet and isinstance(model.final_act, GammaAct) and hasattr(model.stem, "conv4")


def stages(model: torch.nn.Module) -> list[torch.nn.Module]:
    """The stages of a convolutional model, in order."""
    if isinstance(model, ResNet):
        return [model.layer1, model.layer2, model.layer3, model.layer4]
    return list(model.stages)


def architecture(base: pathlib.Path, given: str | None) -> dict | str:
    """The record given as a file, timm's name if it is one, or else the one in the base's own record."""
    path = base.with_suffix(".json") if given is None else pathlib.Path(given)
    if given is not None and path.suffix != ".json":
        return given
    if not path.is_file():
        raise TrainingError(f"{path} is not there; `sim2reald base add` writes a base's record, or give --arch")
    try:
        record = json.loads(path.read_text())
        return record.get("architecture", record)
    except (ValueError, AttributeError) as error:
        raise TrainingError(f"{path}: {error}; give an architecture as JSON") from error


def load(path: pathlib.Path, arch: dict | str, size: int) -> tuple[torch.nn.Module, str]:
    """The frozen model with the file's weights, in float32, and the canonical digest over the file's tensors.

    Tensors beyond the architecture, like a classifier's, are let be: the daemon's rule.
    """
    file = tensorfile.read(path)
    positions = file.tensors["pos_embed"].shape[1] if "pos_embed" in file.tensors else None
    model = create(arch, size) if isinstance(arch, str) else build(arch, size, positions)
    state = {name: _value(file, path, name, model) for name in model.state_dict() if weighs(name)}
    model.load_state_dict(state, strict=False)
    return freeze(model), tensorfile.digest(file.tensors)


def weighs(name: str) -> bool:
    """BatchNorm counts its batches in training; the count computes nothing."""
    return not name.endswith("num_batches_tracked")


def _value(file: tensorfile.TensorFile, path: pathlib.Path, name: str, model: torch.nn.Module) -> torch.Tensor:
    if name not in file.tensors:
        raise TrainingError(f"{path}: tensor {name!r} is missing; give the base that belongs to the architecture")
    value = torch.from_numpy(file.tensors[name].array().astype("f4"))
    if not value.isfinite().all():
        raise TrainingError(f"{path}: tensor {name!r} is not finite; get another copy of the base")
    want = model.state_dict()[name].shape
    if name == "pos_embed" and value.shape != want:
        prefix = 0 if model.no_embed_class else model.num_prefix_tokens
        value = resample_abs_pos_embed(value, model.patch_embed.grid_size, num_prefix_tokens=prefix)
    if value.shape != want:
        raise TrainingError(f"{path}: tensor {name!r} has shape {list(value.shape)}, the architecture {list(want)}")
    return value


def freeze(model: torch.nn.Module) -> torch.nn.Module:
    """No parameter learns, and no statistics move."""
    return model.eval().requires_grad_(False)


def features(model: torch.nn.Module, pictures: torch.Tensor) -> torch.Tensor:
    """(B, F): what the head sees. ViT: class token, then mean patch, both normed; else the pooled map."""
    x = model.forward_features(pictures)
    if not isinstance(model, VisionTransformer):
        return x.mean((2, 3))
    token, patches = x[:, 0], x[:, model.num_prefix_tokens :].mean(1)
    # timm norms what it pools; the class token passes the same norm, see Go's model/backbone.
    return torch.cat([model.fc_norm(token), model.fc_norm(patches)], 1)
