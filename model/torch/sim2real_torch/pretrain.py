"""Pretrains a small base of one's own by masked pictures, where no weights of a family can be had.

What belongs here: self-supervision on a dataset's pictures, from an architecture to a file with timm's names. What
does not: actions, adapters, or anything that a policy learns (training).

The objective is SimMIM's (Xie et al., CVPR 2022, arXiv 2111.09886), which asks nothing of the family: squares of the
picture are painted over with a learned colour, and a single 1x1 convolution on the model's last map has to paint what
was there; the loss is the mean distance over what was hidden. Contrastive objectives, which ask two crops of a picture
for one answer, would teach a base to forget where things are, and in a simulator all pictures are of one place.
"""

import dataclasses
import json
import pathlib
from collections.abc import Callable, Iterator

import numpy
import torch
from timm.models.vision_transformer import VisionTransformer

from . import TrainingError, backbones, demonstrations, eyes, machine, pictures, tensorfile, training


class Painter(torch.nn.Module):
    """A model, the colour that hides, and the layer that paints the hidden from the model's last map."""

    def __init__(self, model: torch.nn.Module, size: int):
        """size is the picture's side in px. What the map's last row and column paint beyond it is cut off."""
        super().__init__()
        self.model, self.size = model, size
        channels, side = self._map(torch.zeros(1, 3, size, size)).shape[1:3]
        self.scale = -(-size // side)
        self.colour = torch.nn.Parameter(torch.zeros(3, 1, 1))
        self.paint = torch.nn.Conv2d(channels, 3 * self.scale**2, 1)

    def _map(self, x: torch.Tensor) -> torch.Tensor:
        """(B, C, side, side)."""
        y = self.model.forward_features(x)
        if isinstance(self.model, VisionTransformer):
            y = y[:, self.model.num_prefix_tokens :].transpose(1, 2)
            side = int(y.shape[2] ** 0.5)
            y = y.unflatten(2, (side, side))
        return y

    def forward(self, x: torch.Tensor, hidden: torch.Tensor) -> torch.Tensor:
        """The loss of normal pictures (B, 3, size, size), of which hidden (B, 1, size, size) is 1."""
        seen = self._map(torch.where(hidden > 0, self.colour, x))
        painted = torch.nn.functional.pixel_shuffle(self.paint(seen), self.scale)[..., : self.size, : self.size]
        return ((painted - x).abs() * hidden).sum() / (3 * hidden.sum()).clamp(min=1)


def squares(count: int, size: int, square: int, share: float, generator: torch.Generator) -> torch.Tensor:
    """(count, 1, size, size): 1 in the given share of each picture's squares of square px, 0 elsewhere."""
    side = -(-size // square)
    chosen = torch.rand(count, side * side, generator=generator).argsort(1) < round(share * side * side)
    grid = chosen.float().view(count, 1, side, side)
    return grid.repeat_interleave(square, 2).repeat_interleave(square, 3)[..., :size, :size]


@dataclasses.dataclass
class Course:
    """How far a pretraining is."""

    losses: list[float] = dataclasses.field(default_factory=list)  # of each epoch, on what it learns from
    held_out: list[float] = dataclasses.field(default_factory=list)  # of each epoch, on the episodes kept back

    @property
    def epochs(self) -> int:
        """Epochs done."""
        return len(self.losses)


class Pretraining:
    """One run. What is drawn in an epoch hangs on the seed and the epoch alone, so that it can be gone on with."""

    def __init__(self, options, sights: list[eyes.Eyes], device: torch.device):
        """sights are of the pictures to learn from, and of those kept back."""
        self.options, self.device = options, device
        self.sights, self.course = sights, Course()
        torch.manual_seed(options.seed)
        model = backbones.build(json.loads(options.arch.read_text()), options.size)
        self.painter = Painter(model, options.size).to(device).train()
        learned = dict(self.painter.named_parameters())
        self.adam = training.optimiser(learned, lambda _: "base", {"base": options.rate}, options.weight_decay)

    def epoch(self):
        """Every picture once, in a new order, then the loss on the pictures kept back."""
        draws = self._draws()
        sight, batch = self.sights[0], self.options.batch
        order = torch.randperm(sight.shape[0], generator=draws)
        parts = order[: max(1, len(order) // batch) * batch].split(batch)
        total = torch.zeros((), device=self.device)
        for done, rows in enumerate(parts):
            self._set_rate(self.course.epochs + done / len(parts))
            loss = self._loss(sight, rows, draws)
            self.adam.zero_grad(set_to_none=True)
            loss.backward()
            self.adam.step()
            total += loss.detach()
        mean = total.item() / len(parts)
        if not numpy.isfinite(mean):
            raise TrainingError(f"pretraining diverged: loss {mean} in epoch {self.course.epochs}; lower --rate")
        self.course.held_out.append(self._held_out())
        self.course.losses.append(mean)

    def _draws(self) -> torch.Generator:
        seeds = numpy.random.SeedSequence([self.options.seed, self.course.epochs])
        return torch.Generator().manual_seed(int(seeds.generate_state(1, "u8")[0] >> 1))

    def _loss(self, sight: eyes.Eyes, rows: torch.Tensor, draws: torch.Generator) -> torch.Tensor:
        varied = eyes.Augment(shift_px=8, brightness=0.2, contrast=0.2, saturation=0.2).draw((len(rows), 1, 1), draws)
        hidden = squares(len(rows), self.options.size, self.options.square, self.options.hidden, draws).to(self.device)
        x = sight.see(rows[:, None].to(self.device), varied.to(self.device))[:, 0]
        return self.painter(x, hidden)

    def _set_rate(self, epochs: float):
        share = training.cosine(1.0, epochs, 0.05 * self.options.epochs, self.options.epochs)
        for group in self.adam.param_groups:
            if torch.is_tensor(group["lr"]):
                group["lr"].fill_(share * group["peak"])
            else:
                group["lr"] = share * group["peak"]

    @torch.no_grad()
    def _held_out(self) -> float:
        """The mean loss on what was kept back, the same squares hidden each time; nan where nothing was."""
        sight, draws = self.sights[1], torch.Generator().manual_seed(self.options.seed)
        rows = torch.arange(sight.shape[0]).split(self.options.batch)
        self.painter.eval()
        losses = [self._loss(sight, part, draws).item() * len(part) for part in rows]
        self.painter.train()
        return sum(losses) / sight.shape[0] if losses else float("nan")

    def state(self) -> dict:
        """All that another process needs to go on."""
        return {
            "course": dataclasses.asdict(self.course),
            "painter": self.painter.state_dict(),
            "adam": self.adam.state_dict(),
            "of": _settings(self.options),
        }

    def resume(self, path: pathlib.Path):
        """Goes on from a checkpoint, where there is one. Raises TrainingError for one of other settings."""
        if not path.is_file():
            return
        state = torch.load(path, map_location=self.device, weights_only=True)
        if state["of"] != _settings(self.options):
            raise TrainingError(f"{path} is of other settings, {state['of']}; remove it or give another --out")
        self.course = Course(**state["course"])
        self.painter.load_state_dict(state["painter"])
        self.adam.load_state_dict(state["adam"])


def _settings(options) -> str:
    """What a checkpoint must agree with."""
    numbers = ("size", "epochs", "batch", "rate", "weight_decay", "hidden", "square", "held_out", "seed")
    said = {name: getattr(options, name) for name in numbers}
    return json.dumps({"arch": json.loads(options.arch.read_text()), "data": [str(d) for d in options.data], **said})


def _sights(options, device: torch.device) -> tuple[list[eyes.Eyes], list[str]]:
    """The pictures of all cameras of all datasets, those to learn from and those kept back, and the data's digests."""
    kept: list[list[numpy.ndarray]] = [[], []]
    digests = []
    for folder in options.data:
        data = demonstrations.load(folder)
        digests.append(data.digest)
        held = demonstrations.split(len(data.episodes), options.held_out, options.seed)
        for episode, back in zip(data.episodes, held, strict=True):
            kept[back].extend(_small(data, episode, options.size))
    square = {"height": options.size, "width": options.size}
    spec = {"size": options.size, "mean": options.mean, "std": options.std}
    none = numpy.zeros((0, options.size, options.size, 3), "u1")
    return [eyes.Eyes([square], [numpy.stack(k) if k else none], spec, device) for k in kept], digests


def _small(data: demonstrations.Dataset, episode: demonstrations.Episode, size: int) -> Iterator[numpy.ndarray]:
    """An episode's pictures of all cameras, which may be of several sizes, in one."""
    for camera in data.meta["cameras"]:
        for png in episode.pictures[camera["name"]]:
            yield pictures.resize(pictures.decode(png, camera["width"], camera["height"]), size, size)


def pretrain(options, say: Callable[[str], None]) -> Course:
    """Runs, or goes on with, a pretraining, and writes the model's weights with timm's names."""
    if options.threads:
        torch.set_num_threads(options.threads)
    device, called = machine.pick(options.device)
    machine.set_tf32(options.tf32)
    sights, digests = _sights(options, device)
    run = Pretraining(options, sights, device)
    checkpoint = options.out.with_suffix(".checkpoint")
    run.resume(checkpoint)
    count = sum(p.numel() for p in run.painter.model.parameters())
    taught, kept = (sight.shape[0] for sight in sights)
    say(f"{count} parameters, {taught} pictures to learn from, {kept} kept back, on {called}")
    while run.course.epochs < options.epochs:
        run.epoch()
        loss, held = run.course.losses[-1], run.course.held_out[-1]
        say(f"epoch {run.course.epochs} of {options.epochs}: loss {loss:.4f}, kept back {held:.4f}")
        torch.save(run.state(), f"{checkpoint}.new")
        pathlib.Path(f"{checkpoint}.new").replace(checkpoint)
    _write(options, run, digests, called)
    return run.course


def _write(options, run: Pretraining, digests: list[str], called: str):
    state = run.painter.model.state_dict()
    weights = {k: v.float().cpu().numpy() for k, v in state.items() if backbones.weighs(k)}
    said = {
        "method": "masked pictures after SimMIM (arXiv 2111.09886)",
        "data": " ".join(digests),
        "settings": _settings(options),
        "loss": json.dumps([run.course.losses[0], run.course.losses[-1], run.course.held_out[-1]]),
        "computed": f"torch {torch.__version__} on {called}",
    }
    tensorfile.write(options.out, weights, said)
