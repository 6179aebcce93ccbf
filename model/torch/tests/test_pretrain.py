"""Pretraining by masked pictures."""

import json
import pathlib

import numpy
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: make bench-setup")
pytest.importorskip("timm", reason="timm is not installed: make bench-setup")

from sim2real_torch import TrainingError, backbones, pretrain, tensorfile
from sim2real_torch.__main__ import parse

NFNET = {
    "family": "nfnet", "depths": [1, 1, 1, 1], "channels": [16, 16, 32, 32], "stem_channels": 16, "group_size": 8,
    "se_ratio": 0.5, "attn_gain": 2.0, "bottle_ratio": 0.5, "alpha": 0.2, "num_features": 0, "activation": "gelu",
    "same_padding": True, "std_conv_eps": 1e-5, "skipinit": True,
}  # fmt: skip
RESNET = {"family": "resnet", "block": "basic", "layers": [1, 1, 1, 1], "channels": [8, 8, 16, 16], "stem_width": 8}
VIT = {
    "family": "vit", "image_size": 12, "patch_size": 4, "width": 32, "depth": 2, "heads": 2, "mlp_ratio": 2.0,
    "pool": "token", "pre_norm": False, "activation": "gelu", "norm_eps": 1e-6, "layer_scale": False,
    "register_tokens": 0,
}  # fmt: skip


def options(folder: pathlib.Path, out: pathlib.Path, arch: dict, *extra: str):
    """Arguments of a small run."""
    file = out.with_suffix(".arch.json")
    file.write_text(json.dumps(arch))
    words = ["--data", folder, "--arch", file, "--out", out, "--size", 12, "--square", 4, "--batch", 4, "--epochs", 4]
    return parse(["pretrain", *map(str, words), "--threads", "1", "--device", "cpu", "--held-out", "0.34", *extra])


def quietly(_: str):
    """Says nothing."""


@pytest.mark.parametrize("arch", [NFNET, RESNET, VIT], ids=lambda a: a["family"])
def test_learns_and_leaves_what_timm_reads(folder, tmp_path, arch):
    out = tmp_path / "base.safetensors"
    course = pretrain.pretrain(options(folder, out, arch, "--epochs", "40", "--rate", "3e-3"), quietly)
    assert course.losses[-1] < 0.9 * course.losses[0]
    model, digest = backbones.load(out, arch, 12)
    assert digest == tensorfile.digest(tensorfile.read(out).tensors)
    assert model.forward_features(torch.zeros(1, 3, 12, 12)).isfinite().all()


def test_goes_on_from_a_checkpoint_to_the_same_weights(folder, tmp_path, monkeypatch):
    whole = pretrain.pretrain(options(folder, tmp_path / "whole.safetensors", NFNET), quietly)
    cut = options(folder, tmp_path / "cut.safetensors", NFNET)
    monkeypatch.setattr(pretrain.Pretraining, "epoch", stop_after(2, pretrain.Pretraining.epoch))
    with pytest.raises(KeyboardInterrupt):
        pretrain.pretrain(cut, quietly)
    monkeypatch.undo()
    assert pretrain.pretrain(cut, quietly).losses == whole.losses
    digests = [tensorfile.digest(tensorfile.read(tmp_path / f"{n}.safetensors").tensors) for n in ("whole", "cut")]
    assert digests[0] == digests[1]


def stop_after(epochs: int, epoch):
    """An epoch method that is interrupted after so many."""

    def limited(run):
        if run.course.epochs == epochs:
            raise KeyboardInterrupt
        epoch(run)

    return limited


def test_a_checkpoint_of_other_settings_is_refused(folder, tmp_path):
    out = tmp_path / "base.safetensors"
    pretrain.pretrain(options(folder, out, NFNET, "--epochs", "1"), quietly)
    with pytest.raises(TrainingError, match="other settings"):
        pretrain.pretrain(options(folder, out, NFNET, "--epochs", "2"), quietly)


def test_squares_hide_their_share():
    hidden = pretrain.squares(50, 112, 16, 0.6, torch.Generator().manual_seed(1)).numpy()
    assert hidden.shape == (50, 1, 112, 112) and set(numpy.unique(hidden)) == {0, 1}
    assert abs(hidden.mean() - 0.6) < 0.01
    assert (hidden[:, 0, :16, :16].std((1, 2)) == 0).all()


def test_what_is_hidden_is_not_seen(folder, tmp_path):
    run = pretrain.Painter(backbones.build(NFNET, 32), 32)
    hidden = pretrain.squares(2, 32, 8, 0.5, torch.Generator().manual_seed(3))
    x = torch.randn(2, 3, 32, 32)
    other = torch.where(hidden > 0, torch.randn_like(x), x)
    seen = []
    run.paint.register_forward_hook(lambda _, taken, __: seen.append(taken[0]))
    run(x, hidden), run(other, hidden)
    assert torch.equal(seen[0], seen[1])
