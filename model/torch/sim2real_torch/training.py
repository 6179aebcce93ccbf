"""Behaviour cloning of adapters and head: loss, optimiser, loop.

What belongs here: the same loss, update and rate as in the daemon's own training (Go's model/train). What does
not: examples (examples) and pixels (eyes).
"""

import math
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch

from . import TrainingError
from .examples import Examples
from .eyes import Augment, Eyes
from .policy import Policy

MOST_FOR_STATISTICS = 1024  # observations that the features' mean and deviation are taken over


@dataclass(frozen=True)
class Options:
    """How to train. Rates are shares of 1."""

    epochs: int
    batch: int
    rate: float
    warm_up: float
    weight_decay: float
    seed: int
    augment: Augment | None

    def check(self):
        """Raises TrainingError for numbers that make no sense. A comparison with NaN is false."""
        if self.epochs < 1 or self.batch < 1 or self.seed < 0:
            raise TrainingError(
                f"--epochs {self.epochs}, --batch {self.batch}: want 1 or more; --seed {self.seed}: 0 or more"
            )
        for flag, value in (("--rate", self.rate), ("--weight-decay", self.weight_decay), ("--warm-up", self.warm_up)):
            if not 0 <= value < 1:
                raise TrainingError(f"{flag} {value}: want 0 to below 1")


@dataclass
class Fitted:
    """What a run did."""

    epochs: int = 0
    first: float = math.nan
    last: float = math.nan
    validation: float = math.nan
    cancelled: bool = False


def optimiser(policy: Policy, rate: float, weight_decay: float) -> torch.optim.Optimizer:
    """AdamW, whose update is that of the daemon's training; weights decay, biases and norms do not."""
    learned = list(policy.learned().values())
    groups = [
        {"params": [p for p in learned if p.ndim > 1], "weight_decay": weight_decay},
        {"params": [p for p in learned if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW([g for g in groups if g["params"]], lr=rate, betas=(0.9, 0.999), eps=1e-8)


def cosine(peak: float, step: int, warm: int, total: int) -> float:
    """The rate of a step: a linear rise over the first warm steps, then half a cosine down to zero."""
    if step < warm:
        return peak * (step + 1) / warm
    return peak * 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, total - warm)))


def loss(actions: torch.Tensor, targets: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Mean square error over all numbers of the batch; those with weight 0 count as right."""
    return (weights * (actions - targets).square()).mean()


def step(policy: Policy, adam: torch.optim.Optimizer, seen: torch.Tensor, batch: Examples) -> float:
    """One update; gives the loss before it."""
    adam.zero_grad(set_to_none=True)
    value = loss(policy(seen, batch.proprio), batch.targets, batch.weights)
    value.backward()
    adam.step()
    return value.item()


class Trainer:
    """Epochs over examples."""

    def __init__(self, policy: Policy, eyes: Eyes, train: Examples, held: Examples, options: Options):
        self.policy, self.eyes, self.train, self.held, self.options = policy, eyes, train, held, options
        self.batch = min(options.batch, len(train))
        self.total = options.epochs * (len(train) // self.batch)
        self.adam = optimiser(policy, options.rate, options.weight_decay)
        self.draws = torch.Generator().manual_seed(options.seed)
        self.done = 0

    def run(self, report: Callable[[str], None]) -> Fitted:
        """Trains until the end, or until Ctrl-C after the first epoch, which keeps what was learned."""
        self._standardise()
        fitted, start = Fitted(), time.monotonic()
        with _interruption() as interrupted:
            while fitted.epochs < self.options.epochs and not interrupted:
                fitted.last = self._epoch()
                fitted.first = fitted.last if fitted.epochs == 0 else fitted.first
                fitted.validation = self._validate()
                fitted.epochs += 1
                left = (time.monotonic() - start) / fitted.epochs * (self.options.epochs - fitted.epochs)
                report(
                    f"training {fitted.epochs}/{self.options.epochs}  loss {fitted.last:.4f}"
                    f"  validation {fitted.validation:.4f}  {left:.0f} s left"
                )
        fitted.cancelled = fitted.epochs < self.options.epochs
        return fitted

    @torch.no_grad()
    def _standardise(self):
        """The head standardises with the frozen model's features: adapters begin as nothing."""
        stride = -(-len(self.train) // MOST_FOR_STATISTICS)
        rows = torch.arange(0, len(self.train), stride)
        parts = [self.policy.features(*self._observe(self.train, chunk, None)) for chunk in rows.split(self.batch)]
        self.policy.head.fit(torch.cat(parts))

    def _observe(self, examples: Examples, rows: torch.Tensor, augment: Augment | None):
        seen = self.eyes.see(examples.frames[rows], augment, self.draws)
        return seen, examples.proprio[rows].to(self.eyes.device)

    def _take(self, examples: Examples, rows: torch.Tensor, augment: Augment | None) -> tuple[torch.Tensor, Examples]:
        seen, proprio = self._observe(examples, rows, augment)
        device = self.eyes.device
        return seen, Examples(rows, proprio, examples.targets[rows].to(device), examples.weights[rows].to(device))

    def _epoch(self) -> float:
        """Visits every example once, in a new order, but for a rest smaller than a batch; gives the mean loss."""
        order, losses = torch.randperm(len(self.train), generator=self.draws), []
        for rows in order[: len(order) // self.batch * self.batch].split(self.batch):
            warm = int(self.options.warm_up * self.total)
            for group in self.adam.param_groups:
                group["lr"] = cosine(self.options.rate, self.done, warm, self.total)
            losses.append(step(self.policy, self.adam, *self._take(self.train, rows, self.options.augment)))
            self.done += 1
            if not math.isfinite(losses[-1]):
                raise TrainingError(f"training diverged: loss {losses[-1]} at step {self.done}; lower --rate")
        return sum(losses) / len(losses)

    @torch.no_grad()
    def _validate(self) -> float:
        if not len(self.held):
            return math.nan
        total = 0.0
        for rows in torch.arange(len(self.held)).split(self.batch):
            seen, batch = self._take(self.held, rows, None)
            total += loss(self.policy(seen, batch.proprio), batch.targets, batch.weights).item() * len(rows)
        return total / len(self.held)


class _interruption:  # noqa: N801 used as a function
    """Turns Ctrl-C into a true value for the with block, so that a run ends between two epochs."""

    def __init__(self):
        self.came = False

    def __bool__(self) -> bool:
        return self.came

    def __enter__(self):
        self.before = signal.signal(signal.SIGINT, self._note)
        return self

    def _note(self, *_):
        self.came = True
        signal.signal(signal.SIGINT, signal.default_int_handler)  # a second one ends at once

    def __exit__(self, *_):
        signal.signal(signal.SIGINT, self.before)
