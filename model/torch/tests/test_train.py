"""A whole run on the small dataset, and the stopwatch."""

import io
import json
import math
import pathlib
import signal

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: pip install -r model/torch/requirements.lock")
pytest.importorskip("timm", reason="timm is not installed: pip install -r model/torch/requirements.lock")

import numpy
from sim2real_torch import TrainingError, examples, eyes, pictures, run, saving, step, tensorfile, training
from sim2real_torch.__main__ import parse

BASE = pathlib.Path(__file__).resolve().parents[2] / "train" / "testdata" / "torch"
SMALL = ["--size", "8", "--epochs", "2", "--batch", "4", "--device", "cpu", "--middle-width", "2", "--head", "linear"]


def options(folder, out, *more, family="vit"):
    files = ["--data", folder, "--base", BASE / f"{family}.safetensors", "--arch", BASE / f"{family}.arch.json"]
    return parse(["train", *map(str, files), "--out", str(out), *SMALL, *map(str, more)])


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


def test_learns_the_labels_that_it_is_given(tmp_path, folder, data, labels):
    """A tool's motion: as many numbers as that has, and the mean posture of the demonstrations."""
    out = tmp_path / "trained.safetensors"
    run.train(options(folder, out, "--labels", labels, "--held-out", 0, "--epochs", 1), lambda _: None)
    file = tensorfile.read(out)
    action = json.loads(file.metadata[saving.KEY])["action"]
    assert (action["kind"], action["dimensions"], action["rate_hz"]) == ("cartesian_velocity", ["vx", "gripper"], 12.5)
    q = numpy.concatenate([e.q for e in data.episodes if e.success])
    limits = data.meta["limits"]
    mean = numpy.clip(q.mean(0), limits["position_min"], limits["position_max"])
    numpy.testing.assert_allclose(action["cartesian"]["posture"], mean, atol=2e-6)
    numpy.testing.assert_allclose(file.tensors["action.mean"].array(), [0.25, 1.5])


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


@pytest.mark.parametrize("family", ["vit", "resnet", "nfnet"])
def test_bfloat16_is_near_and_said(tmp_path, folder, family):
    told = {}
    for name, more in (("exact", []), ("rounded", ["--bf16"])):
        report = tmp_path / f"{name}.json"
        run.train(options(folder, tmp_path / name, "--report", report, *more, family=family), lambda _: None)
        told[name] = json.loads(report.read_text())
    exact, rounded = (told[name]["losses"][0] for name in ("exact", "rounded"))
    assert rounded == pytest.approx(exact, rel=0.05) and rounded != exact
    assert "bfloat16" in told["rounded"]["computer"] and "bfloat16" not in told["exact"]["computer"]
    assert "bfloat16" in tensorfile.read(tmp_path / "rounded").metadata[saving.KEY]
    assert tensorfile.read(tmp_path / "rounded").tensors["head.0.weight"].dtype == "F32"


def test_divergence_is_said(tmp_path, folder, monkeypatch):
    monkeypatch.setattr(training, "step", lambda *_: torch.tensor(math.nan))
    with pytest.raises(TrainingError, match="lower --rate"):
        run.train(options(folder, tmp_path / "x"), lambda _: None)
    assert not (tmp_path / "x").exists()


def test_recorded_steps_are_the_eager_ones(tmp_path, folder):
    """On a GPU, as it computes: exact products, and sums in whatever order the kernels take."""
    if not torch.cuda.is_available():
        pytest.skip("no CUDA GPU: steps are recorded on none")
    told = {}
    for name, more in (("recorded", []), ("eager", ["--eager"])):
        report = tmp_path / f"{name}.json"
        settings = ["--device", "cuda", "--epochs", "6", "--report", report, *more]
        run.train(options(folder, tmp_path / name, *settings), lambda _: None)
        told[name] = json.loads(report.read_text())["losses"]
    assert told["recorded"] == pytest.approx(told["eager"], rel=1e-4)
    assert len({round(loss, 6) for loss in told["eager"]}) > 1  # it learned something


def test_eyes_see_what_the_robot_shows(data):
    """The same numbers on a device as pictures computes, which Go's are compared with."""
    spec = {"size": 8, "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}
    cameras = data.meta["cameras"]
    decoded = [pictures.decode(data.episodes[0].pictures[c["name"]][0], c["width"], c["height"]) for c in cameras]
    watching = eyes.Eyes(cameras, [d[None] for d in decoded], spec, torch.device("cpu"))
    seen = watching.see(torch.zeros(1, 2, dtype=torch.long))
    assert seen.shape == (1, 4, 3, 8, 8) and torch.equal(seen[:, :2], seen[:, 2:])
    for camera, picture in enumerate(decoded):
        want = pictures.normalise(pictures.resize(picture, 8, 8), spec["mean"], spec["std"])
        assert torch.equal(seen[0, camera], torch.from_numpy(want))


def test_pictures_vary_by_their_draw():
    frames = torch.randint(0, 256, (4, 9, 7, 3), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    x, rows = frames.permute(0, 3, 1, 2).float(), torch.arange(4)

    def varied(augment, noise=None):
        return eyes.vary(frames, rows, augment.draw((4,), torch.Generator().manual_seed(3)), noise)

    assert torch.equal(eyes.vary(frames, rows, eyes.plain((4,)), torch.Generator()), x)
    assert torch.equal(varied(eyes.Augment(0, 0, 0, 0)), x)
    moved = varied(eyes.Augment(2, 0, 0, 0))
    inner = [
        any(
            torch.equal(m[:, 2:-2, 2:-2], torch.roll(o, (dy, dx), (1, 2))[:, 2:-2, 2:-2])
            for dy in range(-2, 3)
            for dx in range(-2, 3)
        )
        for m, o in zip(moved, x, strict=True)
    ]
    assert all(inner) and not torch.equal(moved, x)
    grey = (x * torch.tensor(eyes.LUMA)[:, None, None]).sum(1)
    for augment in (eyes.Augment(0, 0.3, 0, 0), eyes.Augment(0, 0, 0.3, 0), eyes.Augment(0, 0, 0, 0.3)):
        coloured = varied(augment)
        assert torch.equal(coloured, coloured.round()) and coloured.min() >= 0 and coloured.max() <= 255
        assert not torch.equal(coloured, x)
    kept = (varied(eyes.Augment(0, 0, 0, 0.05)) * torch.tensor(eyes.LUMA)[:, None, None]).sum(1)
    assert (kept - grey).abs().mean() < 1  # saturation leaves the grey but for rounding and the ends of the range
    noisy = varied(eyes.Augment(0, 0, 0, 0, 0.02), torch.Generator().manual_seed(1))
    assert 3 < (noisy - x).std() < 6  # 0.02 of 255, less at the ends


def test_views_belong_to_seed_and_epoch(data):
    spec = {"size": 8, "mean": [0.5] * 3, "std": [0.5] * 3}
    camera = data.meta["cameras"][:1]
    one = pictures.decode(data.episodes[0].pictures[camera[0]["name"]][0], camera[0]["width"], camera[0]["height"])
    watching = eyes.Eyes(camera, [numpy.stack([one] * 3)], spec, torch.device("cpu"))
    views = examples.Views(watching, eyes.Augment(), 2, 5)
    again = examples.Views(watching, eyes.Augment(), 2, 5)
    assert views.fixed.shape == (3, 3, 1, 6) and torch.equal(views.fixed, again.fixed)
    assert torch.equal(views.fixed[0], eyes.plain((3, 1)))
    assert torch.equal(views.fresh(1), again.fresh(1)) and not torch.equal(views.fresh(1), views.fresh(2))
    assert not torch.equal(views.fixed, examples.Views(watching, eyes.Augment(), 2, 6).fixed)


@pytest.mark.parametrize("more", [["--adapters", "top"], ["--full"], ["--adapters", "bottom,norms"]])
def test_every_arm_reports_and_keeps_its_last_epochs(tmp_path, folder, more):
    out, told = tmp_path / "o.safetensors", tmp_path / "o.json"
    run.train(
        options(folder, out, *more, "--epochs", "4", "--every", "1", "--keep", "2", "--report", told), lambda _: None
    )
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "o.epoch03.safetensors", "o.epoch04.safetensors", "o.json", "o.safetensors",
    ]  # fmt: skip
    assert tensorfile.digest(tensorfile.read(out).tensors) == tensorfile.digest(
        tensorfile.read(tmp_path / "o.epoch04.safetensors").tensors
    )
    report, file = json.loads(told.read_text()), tensorfile.read(out)
    about = json.loads(file.metadata[saving.KEY])
    learned = ("head.0", "adapter.", "base.")
    assert sum(report["trained_parameters"].values()) == sum(
        math.prod(t.shape) for name, t in file.tensors.items() if name.startswith(learned)
    )
    assert len(report["losses"]) == 4 and report["epochs"] == 4 and report["steps"] == 4 * (report["examples"] // 4)
    assert len(report["head_losses"]) == (0 if "top" in more else 60) and not report["cancelled"]
    assert report["examples"] == report["frames"] * (2 if "top" in more else 1) == 8 * (2 if "top" in more else 1)
    assert about["kind"] == ("full" if "--full" in more else "adapter")
    assert about["training"]["recipe"]["rates"].keys() == report["trained_parameters"].keys()
    assert about["training"]["recipe"]["augment"]["fresh"] == ("top" not in more)


def test_the_whole_begins_where_the_head_ended(tmp_path, folder):
    """With all rates at zero, and the head's own views, the loss is that of the head."""
    rates = ["--rate", "0", "--rate-base", "0", "--weight-decay", "0", "--head-epochs", "30", "--head-batch", "16"]
    told = tmp_path / "o.json"
    still = [*rates, "--full", "--no-fresh", "--batch", "16", "--epochs", "1", "--report", told]
    run.train(options(folder, tmp_path / "o", *still), lambda _: None)
    report = json.loads(told.read_text())
    assert report["losses"][0] < 0.7 * report["head_losses"][0]
    assert report["losses"][0] == pytest.approx(report["head_losses"][-1], rel=0.02)


def test_begins_with_another_head(tmp_path, folder):
    run.train(options(folder, tmp_path / "a", "--adapters", "top", "--seed", "3"), lambda _: None)
    more = ["--init-head", tmp_path / "a", "--init-head-digest", "sha256:0", "--rate", "0", "--weight-decay", "0"]
    run.train(options(folder, tmp_path / "b", "--full", *more), lambda _: None)
    a, b = (tensorfile.read(tmp_path / name) for name in "ab")
    assert all(bytes(b.tensors[n].data) == bytes(t.data) for n, t in a.tensors.items())
    assert json.loads(b.metadata[saving.KEY])["training"]["recipe"]["head"] == "sha256:0"
    with pytest.raises(TrainingError, match=r"--init-head: .* of this shape"):
        run.train(options(folder, tmp_path / "c", *more, "--head", "7"), lambda _: None)


@pytest.mark.parametrize("parts", [["--adapters", "bottom,middle,norms,top", "--middle-width", "4"], ["--full"]])
def test_goes_on_from_a_bundle(tmp_path, folder, parts):
    """All of it, and its scales; one of other parts is refused."""
    few = [*parts, "--head-epochs", "0"]
    run.train(options(folder, tmp_path / "a", *few, "--seed", "3"), lambda _: None)
    still = [r for place in ("", "-base", "-bottom", "-middle", "-norms") for r in (f"--rate{place}", "0")]
    more = ["--init", tmp_path / "a", "--init-digest", "sha256:0", *still, "--weight-decay", "0"]
    run.train(options(folder, tmp_path / "b", *parts, *more), lambda _: None)
    a, b = (tensorfile.read(tmp_path / name) for name in "ab")
    assert len(a.tensors) == len(b.tensors) > 10
    assert all(bytes(b.tensors[n].data) == bytes(t.data) for n, t in a.tensors.items())
    recipe = json.loads(b.metadata[saving.KEY])["training"]["recipe"]
    assert recipe["init"] == recipe["head"] == "sha256:0"
    with pytest.raises(TrainingError, match=r"--init: .* use a bundle of this shape"):
        run.train(options(folder, tmp_path / "c", *parts, *more, "--head", "7"), lambda _: None)


def test_an_interrupt_keeps_what_was_learned(tmp_path, folder, monkeypatch):
    whole, steps = training.step, []

    def one(*given):
        steps.append(1)
        if len(steps) == 3:
            signal.raise_signal(signal.SIGTERM)
        return whole(*given)

    monkeypatch.setattr(training, "step", one)
    told = tmp_path / "o.json"
    fitted = run.train(options(folder, tmp_path / "o", "--adapters", "top", "--report", told), lambda _: None)
    report = json.loads(told.read_text())
    assert fitted.cancelled and report["cancelled"] and report["steps"] == 3
    assert report["epochs"] == 0 and len(report["losses"]) == 1 and (tmp_path / "o").exists()


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
