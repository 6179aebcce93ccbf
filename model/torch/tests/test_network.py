"""Adapters on timm models, against what was recorded and against the frozen model."""

import json
import pathlib

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: pip install -r model/torch/requirements.lock")
pytest.importorskip("timm", reason="timm is not installed: pip install -r model/torch/requirements.lock")

from sim2real_torch import TrainingError, adapters, backbones, full, policy, tensorfile, training
from sim2real_torch.examples import Batch

RECORDED = pathlib.Path(__file__).resolve().parents[2] / "train" / "testdata" / "torch"
FAMILIES = ("vit", "resnet", "nfnet")
SIZE = 32


def frozen(name):
    record = json.loads((RECORDED / f"{name}.arch.json").read_text())
    return backbones.load(RECORDED / f"{name}.safetensors", record, SIZE)[0]


def placement(name, **changes):
    places = adapters.PLACES if name == "vit" else ("bottom", "middle")
    return adapters.Placement(frozenset(places), **changes)


def network(name, model=None, **changes):
    model = model or frozen(name)
    parts = adapters.Adapters(model, placement(name, **changes), 1)
    return policy.Policy(model, parts, policy.Head([policy.feature_len(model, SIZE), 5, 3], "relu", 1))


@pytest.fixture
def image():
    return torch.randn(2, 1, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("name", FAMILIES)
def test_starts_as_the_frozen_model_and_leaves_it(name, image):
    model = frozen(name)
    before = {k: v.clone() for k, v in model.state_dict().items()}
    with torch.no_grad():
        plain = backbones.features(model, image[:, 0])
    net = network(name, model)
    with torch.no_grad():
        assert torch.equal(net.features(image, torch.zeros(2, 0)), plain)
    net.train()
    batch = Batch((image, torch.zeros(2, 0)), torch.ones(2, 3), torch.ones(2, 3))
    adam = training.optimiser(net.learned(), net.place, dict.fromkeys(training.PLACES, 1e-2), 1e-2)
    losses = [training.step(net, adam, batch) for _ in range(3)]
    assert losses[2] < losses[0]
    assert not torch.equal(net.features(image, torch.zeros(2, 0)), plain)
    after = model.state_dict()
    assert after.keys() == before.keys() and all(torch.equal(after[k], v) for k, v in before.items())
    with torch.no_grad():
        for value in net.adapters.parameters():
            value.zero_()
        assert torch.equal(net.features(image, torch.zeros(2, 0)), plain), "zero adapters are not the frozen model"


@pytest.mark.parametrize("name", FAMILIES)
def test_everything_that_is_named_learns(name, image):
    net = network(name, width=3)
    for value in net.adapters.parameters():
        torch.nn.init.normal_(value, 0, 0.1)
    net(image, torch.zeros(2, 0)).square().sum().backward()
    assert [n for n, p in net.learned().items() if p.grad is None or not p.grad.any()] == []
    assert all(p.grad is None for p in net.model.parameters())


@pytest.mark.parametrize("name", FAMILIES)
def test_a_whole_model_learns_all_of_it(name, image):
    model, record = frozen(name), json.loads((RECORDED / f"{name}.arch.json").read_text())
    with torch.no_grad():
        plain = backbones.features(model, image[:, 0])
    base = full.open_up(model, record)
    torch.testing.assert_close(backbones.features(model, image[:, 0]), plain, rtol=1e-5, atol=1e-5)
    assert {id(p) for p in base.values()} == {id(p) for p in model.parameters()}
    parts = adapters.Adapters(model, adapters.Placement.parse(model, ""), 0)
    net = policy.Policy(model, parts, policy.Head([plain.shape[1], 3], "relu", 1), base)
    batch = Batch((image, torch.zeros(2, 0)), torch.ones(2, 3), torch.ones(2, 3))
    adam = training.optimiser(net.learned(), net.place, {"top": 0.0, "base": 1e-3}, 0)
    before = {k: v.clone() for k, v in net.named().items()}
    losses = [training.step(net, adam, batch) for _ in range(3)]
    assert losses[2] < losses[0] and net.trained()["base"] == sum(v.numel() for v in base.values())
    still = [k for k, v in net.named().items() if torch.equal(v, before[k])]
    assert still == ["head.mean", "head.std", "head.0.weight", "head.0.bias"]


@pytest.mark.parametrize(
    ("size", "change", "name"),
    [(32, {}, "pos_embed"), (16, {}, "pos_embed@2x2"), (32, {"register_tokens": 2}, "pos_embed@4x4")],
)
def test_positions_of_a_whole_model_are_go_s(size, change, name):
    record = json.loads((RECORDED / "vit.arch.json").read_text()) | change
    model = backbones.build(record, size, 16)  # positions of the patches alone
    pictures = torch.randn(2, 3, size, size)
    plain = backbones.features(model, pictures)
    base = full.open_up(model, record)
    tokens = 1 + record["register_tokens"] + (size // 8) ** 2
    assert base[f"base.{name}"].shape == (1, tokens, 24)
    assert torch.equal(backbones.features(model, pictures), plain)


def test_names_and_counts():
    net = network("vit", width=4, blocks=(1,))
    assert net.adapters.named()["adapter.blocks.1.mlp.down.weight"].shape == (4, 24)
    assert not any(n.startswith("adapter.blocks.0.mlp") for n in net.named())
    assert net.adapters.counts == {"bottom": 24 * 3 * 64 + 24, "middle": 2 * (24 * 4 * 2 + 24 + 4), "norms": 10 * 24}
    assert network("resnet").adapters.named()["adapter.layer1.1.conv2.weight"].shape == (8, 8, 1, 1)
    assert "top" in net.counts() and "bottom 4632" in net.counts()


@pytest.mark.parametrize(
    ("name", "changes", "says"),
    [
        ("vit", {"width": 0}, "give a width"),
        ("vit", {"blocks": (2,)}, "blocks 0 to 1"),
        ("vit", {"branches": ("conv1",)}, "the model has attn, mlp"),
        ("nfnet", {"places": frozenset(("norms",))}, "no place for these"),
    ],
)
def test_refuses_what_has_no_place(name, changes, says):
    chosen = adapters.Placement(
        changes.get("places", placement(name).places),
        changes.get("blocks"),
        changes.get("width"),
        changes.get("branches"),
    )
    with pytest.raises(TrainingError, match=says):
        adapters.Adapters(frozen(name), chosen, 0)


def test_placement_is_what_is_asked_for_or_all():
    assert adapters.Placement.parse(frozen("resnet")).manifest(frozen("resnet")) == {
        "placement": "bottom,middle,top",
        "middle": {"width": 0},
    }
    some = adapters.Placement.parse(frozen("vit"), "top,norms,middle", "1,0")
    assert some.manifest(frozen("vit")) == {"placement": "middle,norms,top", "middle": {"blocks": [0, 1], "width": 8}}
    ends = adapters.Placement.parse(frozen("vit"), "middle", None, 4, "mlp")
    assert ends.manifest(frozen("vit"))["middle"] == {"branches": ["mlp"], "width": 4}
    assert not any(".attn." in name for name in adapters.Adapters(frozen("vit"), ends, 0).named())
    assert adapters.Placement.parse(frozen("vit"), "").manifest(frozen("vit")) == {"placement": "top"}


@pytest.mark.parametrize("given", [("side",), ("bottom,bottom",), ("middle", "x"), ("middle", "0", -1)])
def test_refuses_other_places(given):
    with pytest.raises(TrainingError, match=r"none of|want"):
        adapters.Placement.parse(frozen("vit"), *given)


def test_average_pooling_norms_both_halves(image):
    record = json.loads((RECORDED / "vit.arch.json").read_text()) | {"pool": "avg"}
    model = backbones.freeze(backbones.build(record, SIZE))
    torch.nn.init.normal_(model.fc_norm.weight)
    tokens = model.forward_features(image[:, 0])
    got = backbones.features(model, image[:, 0])
    torch.testing.assert_close(got[:, :24], model.fc_norm(tokens[:, 0]))
    torch.testing.assert_close(got[:, 24:], model.forward_head(tokens, pre_logits=True))


def test_position_embedding_follows_the_picture():
    record = json.loads((RECORDED / "vit.arch.json").read_text())
    model, _ = backbones.load(RECORDED / "vit.safetensors", record, 16)
    assert model.pos_embed.shape == (1, 5, 24)


@pytest.mark.parametrize(("name", "alone"), [("vit_token", False), ("vit_reg", True), ("vit_bare", True)])
def test_features_are_timm_s(name, alone):
    """The goldens of Go's model/backbone, with and without a class token in the position embedding."""
    goldens = RECORDED.parents[2] / "backbone" / "testdata"
    record = json.loads((goldens / f"{name}.arch.json").read_text())
    model, _ = backbones.load(goldens / f"{name}.safetensors", record, record["image_size"])
    assert model.no_embed_class == alone
    io = tensorfile.read(goldens / f"{name}.io.safetensors").tensors
    with torch.no_grad():
        got = backbones.features(model, torch.tensor(io["input"].array()))
    torch.testing.assert_close(got[:, : record["width"]], torch.tensor(io["pooled"].array()))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"depth": 3}, "blocks.2.norm1.weight' is missing"),
        ({"width": 48}, "has shape"),
        ({"family": "swin"}, "knows vit, resnet, nfnet"),
        ({"depth": None}, "compare it with the base's record"),
    ],
)
def test_refuses_another_architecture(change, says):
    record = json.loads((RECORDED / "vit.arch.json").read_text()) | change
    with pytest.raises(TrainingError, match=says):
        backbones.load(RECORDED / "vit.safetensors", record, SIZE)


@pytest.mark.parametrize("name", ["swin_tiny_patch4_window7_224", "seresnet50", "resnet50d", "nfnet_f0", "nothing"])
def test_refuses_models_that_the_daemon_cannot_run(name):
    with pytest.raises(TrainingError, match="timm's model"):
        backbones.create(name, 224)
