"""One training run, from the dataset's folder to the file for `sim2reald bundle import`.

What belongs here: the order of the parts, and what goes from one into the next. What does not: what they do.
"""

import argparse
import math
from collections.abc import Callable

import numpy
import timm
import torch

from . import TrainingError, adapters, backbones, demonstrations, examples, pictures, policy, saving, training
from .eyes import Augment, Eyes


def train(options: argparse.Namespace, report: Callable[[str], None]) -> training.Fitted:
    """Trains, writes options.out, and says what it did. Raises TrainingError or OSError."""
    device, device_name = pick(options.device)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = options.tf32
    torch.manual_seed(options.seed)
    how = training.Options(
        epochs=options.epochs, batch=options.batch, rate=options.rate, warm_up=options.warm_up,
        weight_decay=options.weight_decay, seed=options.seed, augment=Augment(options.shift, options.colour),
    )  # fmt: skip
    how.check()
    arch = backbones.architecture(options.base, options.arch)
    data = demonstrations.load(options.data)
    model, digest = backbones.load(options.base, arch, options.size)
    rows = Rows(data, options)
    placement = adapters.Placement.parse(model, options.adapters, options.middle_blocks, options.middle_width)
    net = network(model, placement, options, data)
    report(f"{net.counts()}; torch {torch.__version__} on {device_name}")
    spec = {"size": options.size, "mean": options.mean, "std": options.std}
    eyes = Eyes(data.meta["cameras"], rows.frames, spec, device)
    fitted = training.Trainer(net.to(device), eyes, rows.train, rows.held, how).run(report)
    said = saving.trainer(torch.__version__, timm.__version__, device_name)
    about = manifest(options, digest, placement.manifest(model), data, rows.history(data, options, fitted, said))
    saving.save(options.out, net.arrays() | rows.statistics(options), about)
    report(f"wrote {options.out}: {fitted.epochs} epochs, loss {fitted.first:.4f} to {fitted.last:.4f}")
    return fitted


def pick(asked: str) -> tuple[torch.device, str]:
    """The device, and what to call it. What is asked for and cannot be had is an error."""
    there = torch.cuda.is_available()
    if asked == "cpu" or (asked == "auto" and not there):
        reason = "" if asked == "cpu" else ", no CUDA GPU being found"
        return torch.device("cpu"), f"cpu, threads {torch.get_num_threads()}{reason}"
    if asked not in ("auto", "cuda"):
        raise TrainingError(f"--device {asked!r}: want auto, cpu or cuda")
    if not there:
        raise TrainingError("--device cuda: torch finds no GPU; install NVIDIA's driver and a CUDA build of torch")
    return torch.device("cuda"), torch.cuda.get_device_name()


class Rows:
    """The dataset's successful episodes as frames and examples."""

    def __init__(self, data: demonstrations.Dataset, options: argparse.Namespace):
        self.good = [e for e in data.episodes if e.success]
        self.excluded = len(data.episodes) - len(self.good)
        if not self.good:
            raise TrainingError(f"{options.data}: no successful episode among {self.excluded}; collect demonstrations")
        self.is_held = demonstrations.split(len(self.good), options.held_out, options.seed)
        trained = [e for e, held in zip(self.good, self.is_held, strict=True) if not held]
        labels = numpy.concatenate([data.labels(e) for e in trained])
        self.stats = {
            "action": demonstrations.moments(labels, demonstrations.ACTION_FLOOR),
            "proprio": demonstrations.moments(numpy.concatenate([e.q for e in trained]), demonstrations.PROPRIO_FLOOR),
        }
        self.frames = [self._decoded(camera) for camera in data.meta["cameras"]]
        self.train, self.held = (self._examples(data, options, held) for held in (False, True))

    def _decoded(self, camera: dict) -> numpy.ndarray:
        name, width, height = camera["name"], camera["width"], camera["height"]
        return numpy.stack([pictures.decode(png, width, height) for e in self.good for png in e.pictures[name]])

    def _examples(self, data, options, held: bool) -> examples.Examples:
        first = numpy.cumsum([0] + [len(e) for e in self.good])[:-1].tolist()
        chosen = [(e, at) for e, at, h in zip(self.good, first, self.is_held, strict=True) if h == held]
        shape = {"history": options.history, "chunk": options.chunk, "proprio": options.proprioception != "none"}
        return examples.collect(data, [e for e, _ in chosen], [at for _, at in chosen], shape, self.stats)

    def statistics(self, options: argparse.Namespace) -> dict[str, numpy.ndarray]:
        """The tensors that normalise actions and positions."""
        out = dict(zip(("action.mean", "action.std"), self.stats["action"], strict=True))
        if options.proprioception != "none":
            out |= zip(("proprio.mean", "proprio.std"), self.stats["proprio"], strict=True)
        return out

    def history(
        self, data: demonstrations.Dataset, options: argparse.Namespace, fitted: training.Fitted, said: str
    ) -> dict:
        """Where the tensors come from; a validation loss without held-out episodes is 0, as JSON has no NaN."""
        return {
            "data_digest": data.digest,
            "episodes": len(self.good),
            "held_out": sum(self.is_held),
            "excluded": self.excluded,
            "seed": options.seed,
            "epochs": fitted.epochs,
            "first_loss": fitted.first,
            "last_loss": fitted.last,
            "validation_loss": 0.0 if math.isnan(fitted.validation) else fitted.validation,
            "commit": options.commit,
            "trainer": said,
        }


def network(model, placement: adapters.Placement, options, data: demonstrations.Dataset) -> policy.Policy:
    """The whole network, untrained."""
    parts = adapters.Adapters(model, placement, options.seed)
    proprio = data.joints if options.proprioception != "none" else 0
    seen = options.history * len(data.meta["cameras"]) * policy.feature_len(model, options.size) + proprio
    sizes = [seen, *options.head, options.chunk * (data.joints + 1)]
    return policy.Policy(model, parts, policy.Head(sizes, options.activation, options.seed))


def manifest(options: argparse.Namespace, digest: str, placed: dict, data, history: dict) -> dict:
    """What the file says about its tensors."""
    return saving.manifest(
        name=options.name or options.out.stem,
        base={"name": options.base.stem, "digest": digest},
        adapters=placed | {"kind": "mlp", "widths": options.head, "activation": options.activation},
        meta=data.meta,
        image={k: getattr(options, k) for k in ("size", "mean", "std", "proprioception", "history")},
        action={"chunk_size": options.chunk, "n_action_steps": options.steps},
        training=history,
    )
