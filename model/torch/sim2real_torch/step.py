"""A stopwatch for one training step of adapters: what the daemon's benchmark compares Gorgonia with.

What belongs here: the loop and its line protocol. What does not: what a step is (training).

    python -m sim2real_torch step --model vit_base_patch16_224 --threads 1

Says what it loaded in one line of JSON, then answers each line of its input with one: "run 3" with {"ms": [a, b, c]},
and {"do": "run", "times": 3}, the benchmark's own way to ask, with {"ns": [a, b, c]}. It ends with its input. An
error is {"error": "..."}. A step is forward, backward and update of all trained parameters, on pictures and labels
that stay the same; decoding is not in it.
"""

import json
import math
import time
from collections.abc import Iterable
from typing import TextIO

import torch

from . import TrainingError, adapters, backbones, policy, training
from .examples import Batch

MOST_RUNS = 10_000


class Stopwatch:
    """One loaded policy, ready to step."""

    def __init__(self, options):
        torch.set_num_threads(options.threads)
        torch.manual_seed(options.seed)
        self.device = torch.device(options.device)
        model = backbones.freeze(backbones.create(options.model, options.size))
        _perturb(model)
        placement = adapters.Placement.parse(model, options.adapters, options.middle_blocks, options.middle_width)
        parts = adapters.Adapters(model, placement, options.seed)
        sizes = [policy.feature_len(model, options.size), *options.head, options.actions]
        head = policy.Head(sizes, options.activation, options.seed)
        self.policy = policy.Policy(model, parts, head).to(self.device)
        seen = torch.randn(options.batch, 1, 3, options.size, options.size).to(self.device)
        targets = torch.randn(options.batch, options.actions).to(self.device)
        none = torch.zeros(options.batch, 0).to(self.device)
        self.batch = Batch((seen, none), targets, torch.ones_like(targets))
        rates = dict.fromkeys(training.PLACES, 1e-4)
        self.adam = training.optimiser(self.policy.learned(), self.policy.place, rates, 1e-4)
        self.says = {
            "model": options.model,
            "batch": options.batch,
            "adapters": placement.manifest(model),
            "parameters": self.policy.counts(),
            "torch": torch.__version__,
            "threads": torch.get_num_threads(),
            "device": str(self.device),
        }

    def run(self, times: int) -> list[int]:
        """How long each of so many steps took, in ns."""
        if not 1 <= times <= MOST_RUNS:
            raise TrainingError(f"run {times}: want 1 to {MOST_RUNS}")
        return [self._one() for _ in range(times)]

    def _one(self) -> int:
        start = time.perf_counter_ns()
        loss = training.step(self.policy, self.adam, self.batch).item()
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        took = time.perf_counter_ns() - start
        if not math.isfinite(loss):
            raise TrainingError(f"the loss is {loss}: such steps may take any time; choose another --seed")
        return took

    def answer(self, line: str) -> dict:
        """What a line of input asks for."""
        try:
            word, _, number = line.partition(" ")
            if word == "run":
                return {"ms": [ns / 1e6 for ns in self.run(int(number))]}
            asked = json.loads(line)
            if asked["do"] == "load":
                return {"says": json.dumps(self.says)}
            if asked["do"] == "run":
                return {"ns": self.run(asked["times"])}
            raise TrainingError(f"{line!r}: do is neither load nor run")
        except (TrainingError, ValueError, KeyError, TypeError) as error:
            return {"error": " ".join(f"{line!r}: {error}".split())}


@torch.no_grad()
def _perturb(model: torch.nn.Module):
    """Moves every weight off its first value: a skip gain of zero would make half of the work vanish."""
    for parameter in model.parameters():
        parameter.add_(0.01 * torch.randn_like(parameter))


def serve(stopwatch: Stopwatch, questions: Iterable[str], answers: TextIO):
    """Answers until the input ends."""
    print(json.dumps(stopwatch.says), file=answers, flush=True)
    for line in questions:
        print(json.dumps(stopwatch.answer(line.strip())), file=answers, flush=True)
