"""Writes golden features of tiny residual and normalizer-free networks with random weights: what timm computes.

    pip install torch timm==1.0.31 safetensors && python generate_conv.py

Not part of setup or tests, because torch is gigabytes. For each NAME: NAME.arch.json, the architecture in the
keys of a base's record; NAME.safetensors, timm's state dict, every parameter and every statistic of a norm
perturbed so that none hides behind 0 or 1; NAME.io.safetensors with input (2, 3, H, W), unpooled =
forward_features, pooled = the pooled feature before any classifier, and pooled_f64, the same computed in
float64.
"""

import json
import pathlib

import torch
from safetensors.torch import save_file
from timm.models.nfnet import NfCfg, NormFreeNet
from timm.models.resnet import BasicBlock, Bottleneck, ResNet

HERE = pathlib.Path(__file__).resolve().parent
RESNET = {"family": "resnet", "block": "basic", "layers": [1, 1, 1, 1], "channels": [8, 12, 16, 16], "stem_width": 64}
NFNET = {
    "family": "nfnet",
    "depths": [1, 2, 1, 1],
    "channels": [16, 24, 32, 32],
    "stem_channels": 32,
    "group_size": 8,
    "se_ratio": 0.5,
    "attn_gain": 2.0,
    "bottle_ratio": 0.5,
    "alpha": 0.2,
    "num_features": 0,
    "activation": "gelu",
    "same_padding": True,
    "std_conv_eps": 1e-5,
    "skipinit": True,
}
# Sizes are height and width of the picture: odd ones tell paddings and the pools' last windows apart.
MODELS = {
    "resnet_basic": ({"layers": [2, 1, 1, 2]}, (72, 56)),
    "resnet_bottleneck": ({"block": "bottleneck", "layers": [2, 1, 2, 1], "channels": [4, 6, 8, 8]}, (61, 77)),
    "resnet_wide": ({"block": "bottleneck", "channels": [16, 4, 8, 8], "stem_width": 32}, (33, 40)),
    "nfnet_plain": ({}, (64, 64)),
    "nfnet_finalconv": ({"num_features": 60, "alpha": 0.3, "se_ratio": 0.25}, (72, 56)),
    "nfnet_odd": ({"stem_channels": 20, "channels": [20, 28, 44, 20], "group_size": 4, "bottle_ratio": 0.75}, (61, 77)),
    "nfnet_gains": (
        {"skipinit": False, "attn_gain": 1.5, "group_size": 0, "std_conv_eps": 1e-3, "stem_channels": 0},
        (37, 50),
    ),
    "nfnet_symmetric": ({"same_padding": False, "activation": "relu", "depths": [2, 1, 3, 1]}, (61, 72)),
    "nfnet_silu": ({"activation": "silu", "depths": [1, 1], "channels": [16, 24], "num_features": 24}, (30, 45)),
}


def resnet(arch):
    block = {"basic": BasicBlock, "bottleneck": Bottleneck}[arch["block"]]
    return ResNet(block, arch["layers"], num_classes=0, channels=arch["channels"], stem_width=arch["stem_width"])


def nfnet(arch):
    same = {"depths", "channels", "group_size", "attn_gain", "bottle_ratio", "alpha", "num_features", "same_padding"}
    cfg = NfCfg(
        **{k: arch[k] for k in same | {"std_conv_eps", "skipinit"}},
        stem_type="deep_quad",
        stem_chs=arch["stem_channels"],
        attn_layer="se",
        attn_kwargs={"rd_ratio": arch["se_ratio"]},
        act_layer=arch["activation"],
        extra_conv=True,
        gamma_in_act=True,
    )
    return NormFreeNet(cfg, num_classes=0)


def perturb(model):
    for parameter in model.parameters():
        parameter.add_(0.1 * torch.randn_like(parameter))
    for name, buffer in model.named_buffers():
        if name.endswith("running_mean"):
            buffer.add_(0.1 * torch.randn_like(buffer))
        elif name.endswith("running_var"):
            buffer.mul_(torch.rand_like(buffer) + 0.5)


@torch.no_grad()
def generate(name, changes, size, seed):
    torch.manual_seed(seed)
    arch = (RESNET if name.startswith("resnet") else NFNET) | changes
    model = {"resnet": resnet, "nfnet": nfnet}[arch["family"]](arch).eval()
    perturb(model)
    save_file({k: v.contiguous() for k, v in model.state_dict().items()}, HERE / f"{name}.safetensors")
    image = torch.randn(2, 3, *size)
    features = model.forward_features(image)
    pooled = model.forward_head(features, pre_logits=True)
    model = model.double()
    exact = model.forward_head(model.forward_features(image.double()), pre_logits=True)
    tensors = {"input": image, "unpooled": features, "pooled": pooled, "pooled_f64": exact}
    save_file({k: v.contiguous() for k, v in tensors.items()}, HERE / f"{name}.io.safetensors")
    (HERE / f"{name}.arch.json").write_text(json.dumps(arch, indent=1))


for number, (name, (changes, size)) in enumerate(MODELS.items()):
    generate(name, changes, size, number)
