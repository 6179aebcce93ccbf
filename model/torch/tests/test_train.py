"""A whole run on the small dataset, and the stopwatch."""

import io
import json
import pathlib

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: pip install -r model/torch/requirements.lock")
pytest.importorskip("timm", reason="timm is not installed: pip install -r model/torch/requirements.lock")

from sim2real_torch import TrainingError, eyes, pictures, run, saving, step, tensorfile, training
from sim2real_torch.__main__ import parse

BASE = pathlib.Path(__file__).resolve().parents[2] / "train" / "testdata" / "torch"
SMALL = ["--size", "8", "--epochs", "2", "--batch", "4", "--device", "cpu", "--middle-width", "2", "--head", "linear"]


def options(folder, out, *more, family="vit"):
    files = ["--data", folder, "--base", BASE / f"{family}.safetensors", "--arch", BASE / f"{family}.arch.json"]
    return parse(["train", *map(str, files), "--out", str(out), *SMALL, *more])


def test_writes_what_go_imports(tmp_path, folder, data):
    out, lines = tmp_path / "trained.safetensors", []
    more = ["--history", "2", "--proprioception", "joint_positions", "--chunk", "3", "--held-out", "0.5"]
    fitted = run.train(options(folder, out, *more), lines.append)
    file = tensorfile.read(out)
    about = json.loads(file.metadata[saving.KEY])
    assert about["base"]["digest"] == tensorfile.digest(tensorfile.read(BASE / "vit.safetensors").tensors)
    assert about["adapters"]["placement"] == "bottom,middle,norms,top" and about["adapters"]["widths"] == []
    assert about["training"]["data_digest"] == data.digest and about["training"]["held_out"] == 1
    assert about["name"] == "trained" and fitted.epochs == about["training"]["epochs"] == 2
    assert file.tensors["head.0.weight"].shape == (9, 2 * 2 * 48 + 2)
    assert any("on cpu" in line for line in lines)


def test_the_same_seed_gives_the_same_file(tmp_path, folder):
    for name, seed in (("a", "5"), ("b", "5"), ("c", "6")):
        run.train(options(folder, tmp_path / name, "--name", "x", "--seed", seed), lambda _: None)
    a, b, c = ((tmp_path / n).read_bytes() for n in "abc")
    assert a == b != c


def test_refuses_a_device_that_is_not_there(tmp_path, folder):
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    with pytest.raises(TrainingError, match="finds no GPU"):
        run.train(options(folder, tmp_path / "x", "--device", "cuda"), lambda _: None)


def test_divergence_is_said(tmp_path, folder, monkeypatch):
    monkeypatch.setattr(training, "step", lambda *_: float("nan"))
    with pytest.raises(TrainingError, match="lower --rate"):
        run.train(options(folder, tmp_path / "x"), lambda _: None)
    assert not (tmp_path / "x").exists()


def test_eyes_see_what_the_robot_shows(data):
    """The same numbers on a device as pictures computes, which Go's are compared with."""
    spec = {"size": 8, "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}
    cameras = data.meta["cameras"]
    decoded = [pictures.decode(data.episodes[0].pictures[c["name"]][0], c["width"], c["height"]) for c in cameras]
    watching = eyes.Eyes(cameras, [d[None] for d in decoded], spec, torch.device("cpu"))
    seen = watching.see(torch.zeros(1, 2, dtype=torch.long), None, torch.Generator())
    assert seen.shape == (1, 4, 3, 8, 8) and torch.equal(seen[:, :2], seen[:, 2:])
    for camera, picture in enumerate(decoded):
        want = pictures.normalise(pictures.resize(picture, 8, 8), spec["mean"], spec["std"])
        assert torch.equal(seen[0, camera], torch.from_numpy(want))


def test_pictures_vary_by_their_draw():
    x = torch.randint(0, 256, (4, 3, 9, 7), generator=torch.Generator().manual_seed(0)).float()
    still = eyes.vary(x, eyes.Augment(0, 0.0), torch.Generator())
    assert torch.equal(still, x)
    moved = eyes.vary(x, eyes.Augment(2, 0.0), torch.Generator().manual_seed(3))
    inner = [
        any(
            torch.equal(m[:, 2:-2, 2:-2], torch.roll(o, (dy, dx), (1, 2))[:, 2:-2, 2:-2])
            for dy in range(-2, 3)
            for dx in range(-2, 3)
        )
        for m, o in zip(moved, x, strict=True)
    ]
    assert all(inner) and not torch.equal(moved, x)
    coloured = eyes.vary(x, eyes.Augment(0, 0.3), torch.Generator().manual_seed(3))
    assert torch.equal(coloured, coloured.round()) and coloured.min() >= 0 and coloured.max() <= 255
    assert not torch.equal(coloured, x)


def test_rate_rises_then_falls():
    rates = [training.cosine(1.0, s, 2, 10) for s in range(10)]
    assert rates[:3] == [0.5, 1.0, 1.0] and rates[9] < 0.05 and sorted(rates[2:], reverse=True) == rates[2:]


def test_stopwatch_answers_line_by_line():
    asked = parse(["step", "--model", "resnet18", "--size", "32", "--batch", "2", "--head", "linear"])
    answers = io.StringIO()
    questions = ["run 2\n", '{"do": "run", "times": 1}\n', '{"do": "load"}\n', "run 0\n", "run x\n", "stop\n", "[]\n"]
    step.serve(step.Stopwatch(asked), questions, answers)
    ready, ms, ns, says, *errors = [json.loads(line) for line in answers.getvalue().splitlines()]
    assert ready["model"] == "resnet18" and "middle" in ready["parameters"]
    assert len(ms["ms"]) == 2 and min(ms["ms"]) > 0
    assert len(ns["ns"]) == 1 and ns["ns"][0] > 0
    assert "says" in says
    assert len(errors) == 4 and all("error" in e for e in errors)
