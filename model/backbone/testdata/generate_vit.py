"""Writes golden features of tiny vision transformers with random weights: what timm computes.

    pip install torch timm==1.0.31 safetensors && python generate_vit.py

Not part of setup or tests, because torch is gigabytes. For each NAME: NAME.arch.json, the architecture in the
keys of a base's record; NAME.safetensors, timm's state dict, every parameter perturbed so that none hides
behind 0 or 1; NAME.io.safetensors with input (2, 3, H, W), unpooled = forward_features, pooled = the pooled
feature before any classifier, and pooled_f64, the same computed in float64.
"""

import functools
import json
import pathlib

import torch
from safetensors.torch import save_file
from timm.models.vision_transformer import VisionTransformer

HERE = pathlib.Path(__file__).resolve().parent
TINY = {
    "family": "vit",
    "image_size": 32,
    "patch_size": 8,
    "width": 48,
    "depth": 2,
    "heads": 3,
    "mlp_ratio": 4.0,
    "pool": "token",
    "pre_norm": False,
    "activation": "gelu",
    "norm_eps": 1e-6,
    "layer_scale": False,
    "register_tokens": 0,
}
MODELS = {
    "vit_token": {},
    "vit_avg": {"pool": "avg"},
    "vit_clip": {"pre_norm": True, "activation": "quick_gelu", "norm_eps": 1e-5},
    "vit_dinov2": {"image_size": 28, "patch_size": 14, "layer_scale": True},
    "vit_reg": {"layer_scale": True, "register_tokens": 3},
    "vit_reg_embedded": {"pool": "avg", "register_tokens": 2, "mlp_ratio": 2.572},
    "vit_bare": {"patch_size": 16, "heads": 1, "pre_norm": True, "depth": 3},
    "vit_resized": {"width": 40, "heads": 5, "pool": "avg"},
}
# Cases whose position embedding covers the patches alone, and those whose picture is not the pretraining's
# size.
PATCHES_ALONE = {"vit_reg", "vit_bare"}
SIZES = {"vit_resized": (24, 56)}


def build(name, arch):
    return VisionTransformer(
        img_size=arch["image_size"],
        patch_size=arch["patch_size"],
        embed_dim=arch["width"],
        depth=arch["depth"],
        num_heads=arch["heads"],
        mlp_ratio=arch["mlp_ratio"],
        num_classes=0,
        global_pool=arch["pool"],
        pre_norm=arch["pre_norm"],
        act_layer=arch["activation"],
        norm_layer=functools.partial(torch.nn.LayerNorm, eps=arch["norm_eps"]),
        init_values=1e-5 if arch["layer_scale"] else None,
        reg_tokens=arch["register_tokens"],
        no_embed_class=name in PATCHES_ALONE,
        dynamic_img_size=name in SIZES,
    ).eval()


@torch.no_grad()
def generate(name, changes, seed):
    torch.manual_seed(seed)
    arch = TINY | changes
    model = build(name, arch)
    for parameter in model.parameters():
        parameter.add_(0.1 * torch.randn_like(parameter))
    save_file({k: v.contiguous() for k, v in model.state_dict().items()}, HERE / f"{name}.safetensors")
    image = torch.randn(2, 3, *SIZES.get(name, (arch["image_size"], arch["image_size"])))
    tokens = model.forward_features(image)
    pooled = model.forward_head(tokens, pre_logits=True)
    model = model.double()
    exact = model.forward_head(model.forward_features(image.double()), pre_logits=True)
    features = {"input": image, "unpooled": tokens, "pooled": pooled, "pooled_f64": exact}
    save_file({k: v.contiguous() for k, v in features.items()}, HERE / f"{name}.io.safetensors")
    (HERE / f"{name}.arch.json").write_text(json.dumps(arch, indent=1))


for number, (name, changes) in enumerate(MODELS.items()):
    generate(name, changes, number)
