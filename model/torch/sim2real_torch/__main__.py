"""The command line: arguments to parts.

What belongs here: the tables of arguments, and the order in which a training run calls its parts. What does not:
behaviour.
"""

import argparse
import json
import math
import pathlib
import sys

from . import TrainingError

IMAGENET_MEAN, IMAGENET_STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]


def _widths(text: str) -> list[int]:
    return [] if text == "linear" else [int(width) for width in text.split(",")]


ADAPTERS = (
    (
        "--adapters",
        {"metavar": "P,P", "help": "places in the model: bottom, middle, norms; none given means all"},
    ),
    ("--middle-blocks", {"metavar": "N,N", "help": "blocks with middle adapters, from 0; none given means all"}),
    ("--middle-width", {"type": int, "metavar": "N", "help": "bottleneck; 0: dense 1x1, the default but for ViTs"}),
    ("--head", {"type": _widths, "default": [256, 256], "metavar": "N,N", "help": "hidden layers, or linear"}),
    ("--activation", {"default": "relu", "help": "of the head: relu or gelu"}),
    ("--seed", {"type": int, "default": 0, "help": "of everything that is drawn"}),
)
TRAIN = (
    ("--data", {"required": True, "type": pathlib.Path, "help": "dataset folder, as sim2reald collect leaves it"}),
    ("--base", {"required": True, "type": pathlib.Path, "help": "safetensors file of the frozen model"}),
    ("--arch", {"help": "timm's name, or architecture.json; none given means the record beside the base"}),
    ("--out", {"required": True, "type": pathlib.Path, "help": "file to write, for sim2reald bundle import"}),
    ("--name", {"help": "of the bundle; none given means that of the file"}),
    ("--size", {"type": int, "default": 224, "metavar": "PX", "help": "side of the pictures that the base sees"}),
    ("--mean", {"type": float, "nargs": 3, "default": IMAGENET_MEAN, "help": "of pixels in 0..1; ImageNet's"}),
    ("--std", {"type": float, "nargs": 3, "default": IMAGENET_STD, "help": "of pixels in 0..1; ImageNet's"}),
    ("--history", {"type": int, "default": 1, "help": "observations seen at once, 1 to 8"}),
    ("--proprioception", {"default": "none", "help": "none or joint_positions"}),
    ("--chunk", {"type": int, "default": 1, "help": "actions in one answer"}),
    ("--steps", {"type": int, "default": 1, "help": "of which so many are carried out"}),
    ("--epochs", {"type": int, "default": 60, "help": "passes over all frames"}),
    ("--batch", {"type": int, "default": 32, "help": "observations in one step"}),
    ("--rate", {"type": float, "default": 1e-3, "help": "peak learning rate"}),
    ("--warm-up", {"type": float, "default": 0.05, "help": "share of the steps in which the rate rises"}),
    ("--weight-decay", {"type": float, "default": 1e-4, "help": "of weights, not of biases and norms"}),
    ("--held-out", {"type": float, "default": 0.1, "help": "share of the episodes kept for validation"}),
    ("--shift", {"type": int, "default": 4, "metavar": "PX", "help": "largest shift of a varied picture"}),
    ("--colour", {"type": float, "default": 0.05, "help": "strength of varied brightness, contrast, saturation"}),
    ("--device", {"default": "auto", "help": "auto, cpu or cuda; auto takes a GPU if there is one, and says so"}),
    ("--tf32", {"action": "store_true", "help": "let a GPU round products to 10 bits: faster, less exact"}),
    ("--commit", {"default": "unknown", "help": "revision of this source, for the bundle's record"}),
)
STEP = (
    ("--model", {"required": True, "help": "timm's name"}),
    ("--threads", {"type": int, "default": 1}),
    ("--batch", {"type": int, "default": 8}),
    ("--size", {"type": int, "default": 224, "metavar": "PX"}),
    ("--actions", {"type": int, "default": 8, "help": "numbers in one answer"}),
    ("--device", {"default": "cpu"}),
)


class Parser(argparse.ArgumentParser):
    """An ArgumentParser whose complaint is one line."""

    def error(self, message: str):
        """Raises TrainingError."""
        raise TrainingError(f"{message}: see {self.prog} --help")


def parse(argv: list[str]) -> argparse.Namespace:
    """Reads arguments. Raises TrainingError."""
    parser = Parser(prog="python -m sim2real_torch", description="Trains sim2reald's adapters on timm models.")
    commands = parser.add_subparsers(dest="command", required=True, parser_class=Parser)
    for name, table, text in (
        ("train", TRAIN + ADAPTERS, "train adapters and head on demonstrations"),
        ("step", STEP + ADAPTERS, "time training steps, for the benchmark"),
    ):
        command = commands.add_parser(name, help=text)
        for flag, options in table:
            command.add_argument(flag, **options)
    options = parser.parse_args(argv)
    _check(options)
    return options


def _check(options: argparse.Namespace):
    """What one argument says wrong. What two say together is found where they meet."""
    most = {"size": 4096, "history": 8, "chunk": 256, "steps": 256, "threads": 256, "actions": 4096, "batch": 1 << 16}
    for name, high in most.items():
        value = getattr(options, name, 1)
        if not 1 <= value <= high:
            raise TrainingError(f"--{name} {value}: want 1 to {high}")
    if options.command == "step":
        return
    if options.steps > options.chunk:
        raise TrainingError(f"--steps {options.steps}: want at most --chunk {options.chunk}")
    if options.proprioception not in ("none", "joint_positions"):
        raise TrainingError(f"--proprioception {options.proprioception!r}: want none or joint_positions")
    if not 0 <= options.held_out < 1 or not 0 <= options.colour < 1 or not 0 <= options.shift <= 256:
        raise TrainingError("--held-out and --colour: want 0 to below 1; --shift: 0 to 256")
    if not all(math.isfinite(m) and s > 0 for m, s in zip(options.mean, options.std, strict=True)):
        raise TrainingError(f"--mean {options.mean} --std {options.std}: want finite, std above 0")


def train(options: argparse.Namespace):
    """One run, from the dataset to the file."""
    from . import run

    fitted = run.train(options, lambda line: print(f"train: {line}", file=sys.stderr, flush=True))
    if fitted.cancelled:
        raise TrainingError("interrupted; the file holds what was learned so far")


def step(options: argparse.Namespace):
    """Serves a stopwatch on standard input and output. Whatever a library prints goes to standard error."""
    from . import step as stopwatch

    answers, sys.stdout = sys.stdout, sys.stderr
    try:
        watch = stopwatch.Stopwatch(options)
    except TrainingError as error:
        print(json.dumps({"error": str(error)}), file=answers, flush=True)
        raise
    stopwatch.serve(watch, sys.stdin, answers)


def main() -> int:
    """Exit status: 0 done, 1 could not, with one line why."""
    try:
        options = parse(sys.argv[1:])
        {"train": train, "step": step}[options.command](options)
    except (TrainingError, OSError) as error:
        print(f"sim2real_torch: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
