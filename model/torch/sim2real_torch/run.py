"""One training run, from the dataset's folder to the files for the daemon.

What belongs here: the order of the parts, and what goes from one into the next. What does not: what they do.
"""

import argparse
import time
from collections.abc import Callable

import timm
import torch

from . import (
    TrainingError,
    adapters,
    backbones,
    demonstrations,
    examples,
    full,
    machine,
    policy,
    saving,
    training,
)
from .eyes import Augment, Eyes
from .rows import Rows

METHODS = {
    "head": "PyTorch, the head on cached features",
    "adapters": "PyTorch, end to end through the frozen base",
    "full": "PyTorch, end to end, the base as well",
}
REPORT_SCHEMA = "sim2reald.torch.training/1"


def train(options: argparse.Namespace, report: Callable[[str], None]) -> training.Fitted:
    """Trains, writes options.out, and says what it did. Raises TrainingError or OSError."""
    options.out.parent.mkdir(parents=True, exist_ok=True)
    run = Run(options, report)
    with training.Interruption() as stopped:
        fitted = run.stages(stopped)
    if not fitted.losses:
        raise TrainingError("interrupted before the first step; nothing was written")
    run.save(options.out, fitted)
    last = f"loss {fitted.losses[0]:.4f} to {fitted.losses[-1]:.4f}"
    report(f"wrote {options.out}: {fitted.epochs} epochs, {last}, {run.minutes():.1f} min")
    if options.report:
        saving.save_report(options.report, run.report(fitted))
    return fitted


class Run:
    """One training."""

    def __init__(self, options: argparse.Namespace, say: Callable[[str], None]):
        self.began, self.options, self.say = time.monotonic(), options, say
        if options.threads:
            torch.set_num_threads(options.threads)
        self.device, name = machine.pick(options.device)
        cuda = self.device.type == "cuda"
        if options.bf16 and cuda:
            raise TrainingError(f"--bf16 is for a CPU, this is {name}; take --tf32, or --device cpu")
        self.computer = name + (", TF32" if options.tf32 and cuda else "") + (", bfloat16" if options.bf16 else "")
        # Noise is drawn by a generator of its own, which a recorded step would repeat.
        self.eager = options.eager or not cuda or options.noise > 0
        machine.set_tf32(options.tf32)
        torch.manual_seed(options.seed)
        arch = backbones.architecture(options.base, options.arch)
        self.data = demonstrations.load(options.data)
        if options.labels:
            self.data = demonstrations.learn(self.data, options.labels)
        model, self.digest = backbones.load(options.base, arch, options.size)
        self.placement = placement(model, options)
        self.recipe, self.head_recipe = recipes(options, self.whole)
        self.rows = Rows(self.data, options)
        self.net = network(model, arch, self.placement, options, self.data).to(self.device)
        if options.bf16:
            self.net.within = machine.in_bfloat16
        steps = "one by one" if self.eager else "recorded"
        say(f"{self.net.counts()}; torch {torch.__version__} on {self.computer}, steps {steps}")
        augment = Augment(options.shift, options.brightness, options.contrast, options.saturation, options.noise)
        spec = {"size": options.size, "mean": options.mean, "std": options.std}
        eyes = Eyes(self.data.meta["cameras"], self.rows.frames, spec, self.device, options.noise > 0)
        self.views = examples.Views(eyes, augment, options.views, options.augment_seed)
        self.held = examples.Pictures(self.rows.held.to(self.device), eyes)
        self.eyes, self.head_losses = eyes, []
        self.fresh = self.whole if options.fresh is None else options.fresh and self.whole

    @property
    def whole(self) -> bool:
        """Whether training goes through the base."""
        return self.options.full or bool(self.placement.places)

    def stages(self, stopped: Callable[[], bool]) -> training.Fitted:
        """Trains the head, the whole network, or the one and then the other."""
        rows = self.rows.train.to(self.device)
        many = examples.Pictures(rows, self.eyes, self.views)
        seen = training.features(self.net, many)
        self.say(f"features of {len(many)} views after {60 * self.minutes():.0f} s")
        if self.rows.begun:
            self.net.begin(self.rows.begun, head=not self.options.init)
        else:
            self.net.head.fit(seen)
        if not self.whole or self.head_recipe:
            held = examples.Features(training.features(self.net, self.held), self.held.examples)
            shown = examples.Features(seen, rows), held
            if not self.whole:
                return self._fit(stopped, "training", self.net.head, shown, self.recipe, self._snapshot)
            fitted = self._fit(stopped, "head", self.net.head, shown, self.head_recipe, lambda _: None)
            if fitted.cancelled:
                return fitted
            self.head_losses = fitted.losses
        shown = examples.Pictures(rows, self.eyes, self.views, fresh=True) if self.fresh else many, self.held
        return self._fit(stopped, "training", self.net, shown, self.recipe, self._snapshot)

    def _fit(self, stopped, stage, net, shown, recipe: training.Recipe, ended) -> training.Fitted:
        learned = self.net.learned()
        if net is self.net.head:
            learned = {n: p for n, p in learned.items() if self.net.place(n) == "top"}
        adam = training.optimiser(learned, self.net.place, recipe.rates, recipe.weight_decay)
        trainer = training.Trainer(net, adam, shown, recipe, self.options.seed, self.eager)
        tell = training.Teller(stage, recipe.epochs, self.say)
        self.examples, self.trained = len(shown[0]), {self.net.place(n): 0 for n in learned}
        for name, parameter in learned.items():
            self.trained[self.net.place(name)] += parameter.numel()

        def each(fitted: training.Fitted):
            tell(fitted)
            ended(fitted)

        return trainer.run(stopped, each)

    def _snapshot(self, fitted: training.Fitted):
        o, every = self.options, self.options.every
        if not every or fitted.epochs % every:
            return
        self.save(saving.snapshot_path(o.out, fitted.epochs, self.recipe.epochs), fitted)
        if o.keep and fitted.epochs > o.keep * every:
            old = saving.snapshot_path(o.out, fitted.epochs - o.keep * every, self.recipe.epochs)
            old.unlink(missing_ok=True)

    def minutes(self) -> float:
        """Since the start."""
        return (time.monotonic() - self.began) / 60

    def save(self, path, fitted: training.Fitted):
        """Writes the file for `sim2reald bundle import`."""
        saving.save(path, self.net.arrays() | self.rows.statistics(self.options), self.manifest(fitted))

    def manifest(self, fitted: training.Fitted) -> dict:
        """What the file says about its tensors."""
        o = self.options
        head = {"kind": "mlp", "widths": o.head, "activation": o.activation}
        return saving.manifest(
            name=o.name or o.out.stem,
            kind="full" if o.full else "adapter",
            base={"name": o.base.stem, "digest": self.digest},
            adapters=self.placement.manifest(self.net.model) | head,
            meta=self.data.meta,
            image={k: getattr(o, k) for k in ("size", "mean", "std", "proprioception", "history")},
            action=self.rows.manifest_action() | {"chunk_size": o.chunk, "n_action_steps": o.steps},
            training=self.rows.counts()
            | {
                "data_digest": self.data.digest,
                "seed": o.seed,
                "epochs": fitted.epochs,
                "first_loss": fitted.losses[0],
                "last_loss": fitted.losses[-1],
                "validation_loss": fitted.validation,
                "commit": o.commit,
                "trainer": saving.trainer(torch.__version__, timm.__version__, self.computer),
                "recipe": self.recipe_record(),
            },
        )

    def recipe_record(self) -> dict:
        """How it was trained, as Go's bundle.Recipe."""
        o, r = self.options, self.recipe
        head = "trained first, on frozen features" if self.whole and self.head_recipe else "random"
        return {
            "arm": o.arm,
            "batch": r.batch,
            "rates": r.rates,
            "warm_up": r.warm_up,
            "weight_decay": r.weight_decay,
            "head": o.init_digest if o.init else o.init_head_digest if o.init_head else head,
            "augment": {
                "fresh": self.fresh,
                "views": o.views,
                "shift_px": o.shift,
                "brightness": o.brightness,
                "contrast": o.contrast,
                "saturation": o.saturation,
                "noise": o.noise,
                "seed": o.augment_seed,
            },
            "shift": self.data.meta.get("shift", ""),
        } | ({"init": o.init_digest} if o.init else {})

    def report(self, fitted: training.Fitted) -> dict:
        """What the run did, for the daemon's report."""
        o = self.options
        return self.rows.counts() | {
            "schema": REPORT_SCHEMA,
            "method": METHODS["full" if o.full else "adapters" if self.whole else "head"],
            "computer": f"torch {torch.__version__} on {self.computer}",
            "frames": len(self.rows.train),
            "examples": self.examples,
            "epochs": fitted.epochs,
            "steps": fitted.steps,
            "cancelled": fitted.cancelled,
            "losses": fitted.losses,
            "validations": fitted.validations,
            "head_losses": self.head_losses,
            "trained_parameters": self.trained,
            "minutes": self.minutes(),
        }


def placement(model: torch.nn.Module, options: argparse.Namespace) -> adapters.Placement:
    """What is trained inside the model."""
    if not options.full:
        o = options
        return adapters.Placement.parse(model, o.adapters, o.middle_blocks, o.middle_width, o.middle_branches)
    if options.adapters:
        raise TrainingError(f"--full --adapters {options.adapters}: the whole model learns; leave one out")
    return adapters.Placement.parse(model, "")


def recipes(options: argparse.Namespace, whole: bool) -> tuple[training.Recipe, training.Recipe | None]:
    """How the network is trained, and how its head before it, None for not; the project's own unless told."""
    o = options
    places = {"top": o.rate if o.rate is not None else 3e-4 if whole else 1e-3}
    if o.full:
        places["base"] = o.rate_base
    elif whole:
        inside = adapters.PLACES if o.adapters is None else o.adapters.split(",")
        places |= {p: getattr(o, f"rate_{p}") for p in inside if p in adapters.PLACES}
    recipe = training.Recipe(o.epochs or 60, o.batch or (32 if whole else 256), places, o.warm_up, o.weight_decay)
    recipe.check()
    if not whole or not o.head_epochs or o.init_head or o.init:
        return recipe, None
    head = training.Recipe(o.head_epochs, o.head_batch, {"top": o.head_rate}, o.head_warm_up, o.head_weight_decay)
    head.check()
    return recipe, head


def network(model, arch, place: adapters.Placement, options, data: demonstrations.Dataset) -> policy.Policy:
    """The whole network, untrained."""
    base = full.open_up(model, arch) if options.full else None
    parts = adapters.Adapters(model, place, options.seed)
    proprio = data.joints if options.proprioception != "none" else 0
    seen = options.history * len(data.meta["cameras"]) * policy.feature_len(model, options.size) + proprio
    sizes = [seen, *options.head, options.chunk * len(data.action["dimensions"])]
    return policy.Policy(model, parts, policy.Head(sizes, options.activation, options.seed), base)
