"""Records what PyTorch computes with adapters, for the daemon's parity tests, which need no torch.

    pip install --require-hashes -r requirements.lock && python record.py

For each family NAME in model/train/testdata/torch: NAME.arch.json and NAME.safetensors, a tiny base with random
weights, none of them at a value that hides a mistake; NAME.recorded.safetensors with

    image (B, 3, H, W), target and weight (B, D)     one batch
    frozen, moved (B, F)                             features without adapters, and with those under moved/
    moved/TENSOR                                     adapters in every place, none of them zero
    start/TENSOR                                     adapters and head as training begins
    losses (10)                                      of ten steps in a row, on the same batch

and in the metadata "recording": the optimiser's numbers, and the placement. Also in model/bundle/testdata
torch.safetensors, a file for `sim2reald bundle import`, and torch.answer.safetensors, what its policy answers to one
observation; and for each family torch.full.NAME.safetensors and torch.full.NAME.answer.safetensors, the same of a whole
model that learned. All in float32, on one thread, with deterministic
algorithms. Losses in float64 are computed beside them, and it fails where the two are further apart than a tenth
of what the tests allow: then the tests would measure rounding.
"""

import json
import pathlib

import numpy
import timm
import torch
from safetensors.torch import save_file
from sim2real_torch import adapters, backbones, full, policy, saving, tensorfile, training
from sim2real_torch.examples import Batch

MODEL = pathlib.Path(__file__).resolve().parents[1]
FOLDER = MODEL / "train" / "testdata" / "torch"
BATCH, OUT, STEPS = 4, 6, 10
ADAM = {"rate": 2e-3, "weight_decay": 0.1}
TOLERANCE = 1e-5  # a tenth of the tests'
SIZE = 32  # px
CASES = {
    "vit": (
        {
            "family": "vit", "image_size": 32, "patch_size": 8, "width": 24, "depth": 2, "heads": 3, "mlp_ratio": 2.0,
            "pool": "token", "pre_norm": False, "activation": "gelu", "norm_eps": 1e-6, "layer_scale": True,
            "register_tokens": 0,
        },
        adapters.Placement(frozenset(adapters.PLACES), width=5),
    ),
    "resnet": (
        {
            "family": "resnet", "block": "bottleneck", "layers": [2, 1, 1, 1], "channels": [8, 8, 12, 12],
            "stem_width": 64,
        },
        adapters.Placement(frozenset(("bottom", "middle")), width=0),
    ),
    "nfnet": (
        {
            "family": "nfnet", "depths": [1, 2, 1, 1], "channels": [16, 32, 32, 32], "stem_channels": 32,
            "group_size": 8, "se_ratio": 0.5, "attn_gain": 2.0, "bottle_ratio": 0.5, "alpha": 0.2, "num_features": 48,
            "activation": "gelu", "same_padding": True, "std_conv_eps": 1e-5, "skipinit": True,
        },
        adapters.Placement(frozenset(("bottom", "middle")), width=3),
    ),
}  # fmt: skip


def main():
    torch.use_deterministic_algorithms(True)
    torch.set_num_threads(1)
    for folder in (FOLDER, MODEL / "bundle" / "testdata"):
        folder.mkdir(parents=True, exist_ok=True)
    for number, (name, (record, placement)) in enumerate(CASES.items()):
        write_base(name, record, number)
        write_recording(name, record, placement, number)
    write_import()
    for number, (name, (record, _)) in enumerate(CASES.items()):
        write_full(name, record, number)


@torch.no_grad()
def write_base(name, record, seed):
    torch.manual_seed(seed)
    state = backbones.build(record, SIZE).state_dict()
    values = {k: away(k, v) for k, v in state.items() if v.is_floating_point()}
    save(values, FOLDER / f"{name}.safetensors")
    (FOLDER / f"{name}.arch.json").write_text(json.dumps(record, indent=1) + "\n")


def away(name, value):
    """A value away from timm's first one; variances stay positive."""
    if name.endswith("running_var"):
        return 0.5 + torch.rand_like(value)
    if name.endswith(("gain", "gamma")):
        return 0.5 + torch.rand_like(value)
    return (value + 0.1 * torch.randn_like(value)).contiguous()


def network(name, record, placement, seed, dtype):
    model, _ = backbones.load(FOLDER / f"{name}.safetensors", record, SIZE)
    parts = adapters.Adapters(model, placement, seed)
    sizes = [policy.feature_len(model, SIZE), 16, OUT]
    return policy.Policy(model, parts, policy.Head(sizes, "gelu", seed)).to(dtype)


def write_recording(name, record, placement, seed):
    torch.manual_seed(100 + seed)
    image = torch.randn(BATCH, 3, SIZE, SIZE)
    weight = torch.ones(BATCH, OUT)
    weight[-1, OUT // 2 :] = 0  # past an episode's end
    target = torch.randn(BATCH, OUT) * weight
    net = network(name, record, placement, seed, torch.float32)
    batch = {"image": image, "target": target, "weight": weight}
    tensors = batch | features(net, image)
    with torch.no_grad():
        net.head.fit(tensors["frozen"])
    # A batch norms fewer features than it fits: without this, most deviations would be tiny.
    net.head.std.clamp_(min=0.1)
    tensors |= {f"start/{k}": v.detach().clone() for k, v in net.named().items()}
    exact = network(name, record, placement, seed, torch.float64)
    exact.head.load_state_dict(net.head.state_dict())
    tensors["losses"] = losses(net, batch)
    check(name, tensors["losses"], losses(exact, batch))
    # One key: safetensors writes several in an order that differs from run to run.
    about = {"recording": json.dumps({"adam": ADAM, "adapters": placement.manifest(net.model)})}
    save({k: v.contiguous() for k, v in tensors.items()}, FOLDER / f"{name}.recorded.safetensors", about)


def save(tensors, path, about=None):
    save_file(tensors, path, about)
    path.chmod(0o644)  # save_file leaves it to its owner alone


@torch.no_grad()
def features(net, image):
    """The frozen features, and those with every adapter moved off its start; the adapters are put back."""
    before = {k: v.clone() for k, v in net.adapters.named().items()}
    frozen = net.features(image[:, None], image.new_zeros(len(image), 0))
    for value in net.adapters.named().values():
        value.add_(0.05 * torch.randn_like(value))
    moved = net.features(image[:, None], image.new_zeros(len(image), 0))
    out = {"frozen": frozen, "moved": moved} | {f"moved/{k}": v.clone() for k, v in net.adapters.named().items()}
    for key, value in net.adapters.named().items():
        value.copy_(before[key])
    return out


def losses(net, batch):
    """Ten steps on one batch: the loss before each."""
    kind = net.head.mean.dtype
    none = torch.zeros(BATCH, 0, dtype=kind)
    seen = batch["image"][:, None].to(kind), none
    shown = Batch(seen, batch["target"].to(kind), batch["weight"].to(kind))
    rates = dict.fromkeys(training.PLACES, ADAM["rate"])
    adam = training.optimiser(net.learned(), net.place, rates, ADAM["weight_decay"])
    return torch.tensor([training.step(net, adam, shown).item() for _ in range(STEPS)], dtype=torch.float64)


def check(name, got, exact):
    apart = ((got - exact).abs() / exact).max().item()
    print(f"{name}: losses {got[0]:.4f} to {got[-1]:.4f}, float32 and float64 {apart:.1e} apart")
    if not apart < TOLERANCE or not got[-1] < 0.8 * got[0]:
        raise SystemExit(f"{name}: losses {got.tolist()} are no test; change ADAM or the case")


def write_import():
    """A policy of two cameras and two observations, with positions, on the tiny ViT."""
    record, _ = CASES["vit"]
    model, digest = backbones.load(FOLDER / "vit.safetensors", record, SIZE)
    placement = adapters.Placement(frozenset(adapters.PLACES), blocks=(1,), width=3)
    joints, cameras, history, chunk = ["a", "b"], ["front", "wrist"], 2, 2
    sizes = [history * len(cameras) * policy.feature_len(model, SIZE) + len(joints), 4, chunk * (len(joints) + 1)]
    net = policy.Policy(model, adapters.Adapters(model, placement, 0), policy.Head(sizes, "relu", 0))
    torch.manual_seed(200)
    with torch.no_grad():
        for value in net.adapters.parameters():
            value.add_(0.05 * torch.randn_like(value))
    folder = MODEL / "bundle" / "testdata"
    write_answer(folder / "torch.answer.safetensors", net, history * len(cameras), len(joints), SIZE)
    stats = {"action.mean": [0, 1, 2], "action.std": [1, 2, 3], "proprio.mean": [0, 1], "proprio.std": [1, 2]}
    arrays = net.arrays() | {k: numpy.array(v, "f4") for k, v in stats.items()}
    about = saving.manifest(
        name="recorded",
        base={"name": "vit", "digest": digest},
        adapters=placement.manifest(model) | {"kind": "mlp", "widths": [4], "activation": "relu"},
        meta=meta(joints, cameras),
        image={"size": SIZE, "mean": [0.5] * 3, "std": [0.25] * 3, "proprioception": "joint_positions", "history": 2},
        action={"chunk_size": chunk, "n_action_steps": 1},
        training=trained(),
    )
    saving.save(folder / "torch.safetensors", arrays, about)


def trained():
    """What a training would say of itself."""
    return {
        "data_digest": tensorfile.digest({}), "episodes": 3, "held_out": 1, "excluded": 0, "seed": 0, "epochs": 1,
        "first_loss": 1.0, "last_loss": 1e-7, "validation_loss": 0.5, "commit": "unknown",
        "trainer": saving.trainer(torch.__version__, timm.__version__, "cpu"),
    }  # fmt: skip


def write_full(name, record, seed):
    """A whole model with every tensor moved, on pictures of another size than the base's."""
    size, joints = SIZE // 2, ["a", "b"]
    model, digest = backbones.load(FOLDER / f"{name}.safetensors", record, size)
    base = full.open_up(model, record)
    none = adapters.Placement.parse(model, "")
    head = policy.Head([policy.feature_len(model, size), len(joints) + 1], "relu", seed)
    net = policy.Policy(model, adapters.Adapters(model, none, 0), head, base)
    torch.manual_seed(300 + seed)
    with torch.no_grad():
        for value in base.values():
            value.add_(0.05 * torch.randn_like(value))
    folder = MODEL / "bundle" / "testdata"
    write_answer(folder / f"torch.full.{name}.answer.safetensors", net, 1, 0, size)
    rates = {"top": 1e-3, "base": 3e-5}
    augment = {"fresh": True, "views": 1, "shift_px": 4, "seed": 0}
    augment |= dict.fromkeys(("brightness", "contrast", "saturation", "noise"), 0.05)
    recipe = {"arm": "full", "batch": 16, "rates": rates, "warm_up": 0.05, "weight_decay": 1e-4, "head": "random"}
    about = saving.manifest(
        name="recorded",
        kind="full",
        base={"name": name, "digest": digest},
        adapters=none.manifest(model) | {"kind": "mlp", "widths": [], "activation": "relu"},
        meta=meta(joints, ["front"]),
        image={"size": size, "mean": [0.5] * 3, "std": [0.25] * 3, "proprioception": "none", "history": 1},
        action={"chunk_size": 1, "n_action_steps": 1},
        training=trained() | {"recipe": recipe | {"augment": augment, "shift": ""}},
    )
    stats = {"action.mean": numpy.zeros(3, "f4"), "action.std": numpy.ones(3, "f4")}
    saving.save(folder / f"torch.full.{name}.safetensors", net.arrays() | stats, about)


@torch.no_grad()
def write_answer(path, net, views, joints, size):
    """Pictures oldest observation first and within one by camera, positions, and the actions."""
    pictures, positions = torch.randn(1, views, 3, size, size), torch.randn(1, joints)
    answer = {"pictures": pictures[0], "positions": positions[0], "actions": net(pictures, positions)[0]}
    save(answer, path)


def meta(joints, cameras):
    """What a dataset.json would say."""
    limits = {"position_min": [-1, -2.5], "position_max": [1, 2], "velocity_max": [2, 2], "acceleration_max": [7, 8]}
    return {
        "task": "slide",
        "robot": {"model": "panda", "joint_names": joints, "gripper": {"open": 0, "closed": 1}},
        "limits": limits | {"speed_scale": 0.5},
        "cameras": [{"name": n, "width": 64, "height": 48, "encoding": "png", "colour": "rgb"} for n in cameras],
        "control_rate_hz": 12.5,
        "software": {"mujoco": "3.3.0"},
        "daemon": "0.1.0",
    }


if __name__ == "__main__":
    main()
