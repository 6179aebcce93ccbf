"""Behaviour cloning of adapters and head: loss, optimiser, loop.

What belongs here: the same loss, update and rate as in the daemon's own training (Go's model/train). What does
not: examples (examples) and pixels (eyes).
"""

import math
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import torch

from . import TrainingError
from .examples import Batch, Features, Pictures
from .policy import Policy

PLACES = ("top", "middle", "norms", "bottom", "base")  # that have a rate of their own
AT_ONCE = 128  # examples, where no gradient is asked for


@dataclass(frozen=True)
class Recipe:
    """How long and how fast something is trained, as Go's train.Recipe. Shares are of 1."""

    epochs: int
    batch: int
    rates: dict[str, float]  # peak, by place
    warm_up: float
    weight_decay: float

    def check(self):
        """Raises TrainingError for numbers that make no sense. A comparison with NaN is false."""
        if self.epochs < 1 or self.batch < 1:
            raise TrainingError(f"--epochs {self.epochs}, --batch {self.batch}: want 1 or more")
        shares = {"--weight-decay": self.weight_decay, "--warm-up": self.warm_up}
        shares |= {"--rate" if place == "top" else f"--rate-{place}": rate for place, rate in self.rates.items()}
        for flag, value in shares.items():
            if not 0 <= value < 1:
                raise TrainingError(f"{flag} {value}: want 0 to below 1")


@dataclass
class Fitted:
    """What a stage did."""

    epochs: int = 0  # finished
    steps: int = 0
    losses: list[float] = field(default_factory=list)  # means of the epochs, the last of which may be unfinished
    validations: list[float] = field(default_factory=list)  # of the finished ones; none without held-out episodes
    cancelled: bool = False

    @property
    def validation(self) -> float:
        """The last one; 0 without, as JSON has no NaN."""
        return self.validations[-1] if self.validations else 0.0


def optimiser(
    learned: dict[str, torch.nn.Parameter], place: Callable[[str], str], rates: dict[str, float], weight_decay: float
) -> torch.optim.Optimizer:
    """AdamW, whose update is that of the daemon's training; weights decay, biases and norms do not."""
    groups: dict[tuple[str, bool], list] = {}
    for name, parameter in learned.items():
        groups.setdefault((place(name), parameter.ndim > 1), []).append(parameter)
    rows = [
        {"params": params, "peak": rates[at], "lr": rates[at], "weight_decay": weight_decay if matrix else 0.0}
        for (at, matrix), params in groups.items()
    ]
    fused = all(p.is_cuda for p in learned.values())
    if fused:  # a recorded step reads its rates where they were when it was recorded: on the GPU
        for row in rows:
            row["lr"] = torch.tensor(row["peak"], device="cuda")
    return torch.optim.AdamW(rows, lr=0.0, betas=(0.9, 0.999), eps=1e-8, fused=fused, capturable=fused)


def cosine(peak: float, step: int, warm: int, total: int) -> float:
    """The rate of a step: a linear rise over the first warm steps, then half a cosine down to zero."""
    if step < warm:
        return peak * (step + 1) / warm
    return peak * 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, total - warm)))


def loss(actions: torch.Tensor, targets: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Mean square error over all numbers of the batch; those with weight 0 count as right."""
    return (weights * (actions - targets).square()).mean()


def step(net: torch.nn.Module, adam: torch.optim.Optimizer, batch: Batch) -> torch.Tensor:
    """One update; gives the loss before it, on the device: to read it waits for all that was asked of a GPU."""
    adam.zero_grad(set_to_none=True)
    value = loss(net(*batch.seen), batch.targets, batch.weights)
    value.backward()
    adam.step()
    return value.detach()


class Recorded:
    """One update after another on a GPU, recorded as a CUDA graph and then replayed.

    A small model's step is a thousand small kernels; to launch them one by one takes longer than to run them.
    """

    EAGER = 3  # steps before, in which the libraries set themselves up

    def __init__(self, net: torch.nn.Module, adam: torch.optim.Optimizer, shown: Pictures | Features, batch: int):
        """batch is the number of rows of every step."""
        self.net, self.adam, self.shown = net, adam, shown
        device = next(net.parameters()).device
        self.rows = torch.zeros(batch, dtype=torch.long, device=device)
        self.stream, self.graph, self.made = torch.cuda.Stream(device), None, 0

    def __call__(self, rows: torch.Tensor) -> torch.Tensor:
        """As step; the loss is valid until the next call."""
        self.rows.copy_(rows)
        if self.made < self.EAGER:
            self.made += 1
            return self._beside()
        if self.graph is None:
            self._record()
        self.graph.replay()
        return self.value

    def _step(self) -> torch.Tensor:
        return step(self.net, self.adam, self.shown.batch(self.rows))

    def _beside(self) -> torch.Tensor:
        """A step on the stream that will be recorded."""
        now = torch.cuda.current_stream()
        self.stream.wait_stream(now)
        with torch.cuda.stream(self.stream):
            value = self._step()
        now.wait_stream(self.stream)
        return value

    def _record(self):
        self.graph = torch.cuda.CUDAGraph()
        try:
            with torch.cuda.graph(self.graph, stream=self.stream):
                self.value = self._step()
        except RuntimeError as error:
            raise TrainingError(f"the step cannot be recorded: {error}; add --eager") from error


@torch.no_grad()
def features(policy: Policy, shown: Pictures) -> torch.Tensor:
    """(n, F): what the head would see of all examples."""
    if not len(shown):
        return torch.zeros(0, 1, device=shown.eyes.device)
    rows = torch.arange(len(shown), device=shown.eyes.device).split(AT_ONCE)
    return torch.cat([policy.features(*shown.batch(part).seen) for part in rows])


class Trainer:
    """One stage: a network, what it is shown, and how it is trained."""

    def __init__(
        self,
        net: torch.nn.Module,
        adam: torch.optim.Optimizer,
        shown: tuple[Pictures | Features, Pictures | Features],
        recipe: Recipe,
        seed: int,
        eager: bool = True,
    ):
        """shown is to train on and to validate with; eager False records the step, on a GPU."""
        self.net, self.adam, self.recipe = net, adam, recipe
        self.train, self.held = shown
        self.batch = min(recipe.batch, len(self.train))
        self.each = len(self.train) // self.batch
        self.draws = torch.Generator().manual_seed(seed)
        self.device = next(net.parameters()).device
        self.fitted = Fitted()
        self.step = self._eagerly if eager else Recorded(net, adam, self.train, self.batch)

    @property
    def total(self) -> int:
        """Steps."""
        return self.recipe.epochs * self.each

    def run(self, stopped: Callable[[], bool], ended: Callable[[Fitted], None]) -> Fitted:
        """Trains until the end, or until stopped says so between two steps, which keeps what was learned."""
        fitted = self.fitted
        while fitted.epochs < self.recipe.epochs:
            whole = self._epoch(stopped)
            if not whole:
                fitted.cancelled = True
                return fitted
            fitted.epochs += 1
            if len(self.held):
                fitted.validations.append(self._validate())
            ended(fitted)
        return fitted

    def _epoch(self, stopped: Callable[[], bool]) -> bool:
        """Visits every example once, in a new order, but for a rest smaller than a batch. False: it was stopped."""
        order = torch.randperm(len(self.train), generator=self.draws).to(self.device)
        total, made = torch.zeros((), dtype=torch.float64, device=self.device), 0
        self.train.begin(self.fitted.epochs)
        for rows in order[: self.each * self.batch].split(self.batch):
            if stopped():
                break
            self._set_rates()
            total += self.step(rows)
            made += 1
            self.fitted.steps += 1
        if made:
            self.fitted.losses.append(self._finite(total.item() / made))
        return made == self.each

    def _eagerly(self, rows: torch.Tensor) -> torch.Tensor:
        return step(self.net, self.adam, self.train.batch(rows))

    def _set_rates(self):
        warm = int(self.recipe.warm_up * self.total)
        share = cosine(1.0, self.fitted.steps, warm, self.total)
        for group in self.adam.param_groups:
            if torch.is_tensor(group["lr"]):
                group["lr"].fill_(share * group["peak"])
            else:
                group["lr"] = share * group["peak"]

    def _finite(self, value: float) -> float:
        if not math.isfinite(value):
            raise TrainingError(f"training diverged: loss {value} before step {self.fitted.steps}; lower --rate")
        return value

    @torch.no_grad()
    def _validate(self) -> float:
        total = torch.zeros((), dtype=torch.float64, device=self.device)
        for rows in torch.arange(len(self.held), device=self.device).split(AT_ONCE):
            batch = self.held.batch(rows)
            total += loss(self.net(*batch.seen), batch.targets, batch.weights) * len(rows)
        return self._finite(total.item() / len(self.held))


class Teller:
    """A line every few seconds, at the end of an epoch, and at the end of all."""

    EVERY = 5  # s

    def __init__(self, stage: str, epochs: int, report: Callable[[str], None]):
        self.stage, self.epochs, self.report = stage, epochs, report
        self.began = self.told = time.monotonic()

    def __call__(self, fitted: Fitted):
        """As Trainer.run's ended."""
        now = time.monotonic()
        if now - self.told < self.EVERY and fitted.epochs < self.epochs:
            return
        self.told = now
        left = (now - self.began) / fitted.epochs * (self.epochs - fitted.epochs)
        held = f"  validation {fitted.validation:.4f}" if fitted.validations else ""
        self.report(
            f"{self.stage} {fitted.epochs}/{self.epochs}  loss {fitted.losses[-1]:.4f}{held}  {left:.0f} s left"
        )


class Interruption:
    """Turns Ctrl-C and SIGTERM into a true value for the with block, so that a run ends between two steps."""

    SIGNALS = (signal.SIGINT, signal.SIGTERM)

    def __init__(self):
        self.came = False

    def __call__(self) -> bool:
        return self.came

    def __enter__(self):
        self.before = [signal.signal(s, self._note) for s in self.SIGNALS]
        return self

    def _note(self, number, _):
        self.came = True
        signal.signal(number, signal.default_int_handler)  # a second one ends at once

    def __exit__(self, *_):
        for number, before in zip(self.SIGNALS, self.before, strict=True):
            signal.signal(number, before)
