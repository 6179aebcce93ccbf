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
    ("--middle-branches", {"metavar": "N,N", "help": "attn or mlp in a ViT; none given means all"}),
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
    ("--labels", {"type": pathlib.Path, "help": "what to learn instead of the joints' velocities, by sim2reald train"}),
    ("--chunk", {"type": int, "default": 1, "help": "actions in one answer"}),
    ("--steps", {"type": int, "default": 1, "help": "of which so many are carried out"}),
    ("--full", {"action": "store_true", "help": "train the whole model instead of adapters"}),
    ("--arm", {"default": "", "help": "name of what is trained, for the record"}),
    ("--epochs", {"type": int, "help": "passes over all frames; none given means 60"}),
    ("--batch", {"type": int, "help": "observations in one step; 32 through the base, 256 of a head alone"}),
    ("--rate", {"type": float, "help": "peak learning rate of the head; 3e-4 through the base, 1e-3 alone"}),
    ("--rate-middle", {"type": float, "default": 1e-3, "help": "of middle adapters"}),
    ("--rate-norms", {"type": float, "default": 2e-4, "help": "of the norms' scales and offsets"}),
    ("--rate-bottom", {"type": float, "default": 5e-5, "help": "of the layer that sees the picture"}),
    ("--rate-base", {"type": float, "default": 5e-5, "help": "of the whole model, with --full"}),
    ("--warm-up", {"type": float, "default": 0.05, "help": "share of the steps in which the rates rise"}),
    ("--weight-decay", {"type": float, "default": 1e-4, "help": "of weights, not of biases and norms"}),
    ("--head-epochs", {"type": int, "default": 60, "help": "of the head on frozen features before; 0: none"}),
    ("--head-batch", {"type": int, "default": 256, "help": "the same of its batch"}),
    ("--head-rate", {"type": float, "default": 1e-3, "help": "the same of its rate"}),
    ("--head-warm-up", {"type": float, "default": 0.05, "help": "the same of its warm-up"}),
    ("--head-weight-decay", {"type": float, "default": 1e-4, "help": "the same of its weight decay"}),
    ("--init-head", {"type": pathlib.Path, "help": "bundle whose head, and scale of actions, it begins with"}),
    ("--init-head-digest", {"default": "", "help": "its digest, for the record"}),
    ("--init", {"type": pathlib.Path, "help": "bundle of the same parts that all of it goes on from, with its scales"}),
    ("--init-digest", {"default": "", "help": "its digest, for the record"}),
    ("--held-out", {"type": float, "default": 0.1, "help": "share of the episodes kept for validation"}),
    ("--fresh", {"action": argparse.BooleanOptionalAction, "help": "a new view of each frame in each epoch"}),
    ("--views", {"type": int, "default": 1, "help": "varied views beside the plain one that return"}),
    ("--shift", {"type": int, "default": 4, "metavar": "PX", "help": "largest shift of a varied picture"}),
    ("--brightness", {"type": float, "default": 0.05, "help": "largest change of a varied one's brightness"}),
    ("--contrast", {"type": float, "default": 0.05, "help": "the same of its contrast"}),
    ("--saturation", {"type": float, "default": 0.05, "help": "the same of its saturation"}),
    ("--noise", {"type": float, "default": 0.0, "help": "deviation of noise, of a pixel's range"}),
    ("--augment-seed", {"type": int, "default": 0, "help": "of the variations"}),
    ("--every", {"type": int, "default": 0, "help": "epochs between two files OUT.epochNN; 0: none"}),
    ("--keep", {"type": int, "default": 0, "help": "how many of these are kept, the last ones; 0: all"}),
    ("--report", {"type": pathlib.Path, "help": "file to write what was done to, as JSON"}),
    ("--threads", {"type": int, "default": 0, "help": "of the CPU; 0: torch's own choice"}),
    ("--device", {"default": "auto", "help": "auto, cpu or cuda; auto takes a GPU if there is one, and says so"}),
    ("--eager", {"action": "store_true", "help": "launch every kernel by itself, where a GPU replays a recorded step"}),
    ("--tf32", {"action": "store_true", "help": "let a GPU round products to 10 bits: faster, less exact"}),
    ("--bf16", {"action": "store_true", "help": "let a CPU compute in bfloat16, 8 bits: faster with AMX, less exact"}),
    ("--commit", {"default": "unknown", "help": "revision of this source, for the bundle's record"}),
)
PRETRAIN = (
    (
        "--data",
        {"required": True, "type": pathlib.Path, "action": "append", "help": "dataset folder; repeat for more"},
    ),
    ("--arch", {"required": True, "type": pathlib.Path, "help": "architecture.json of the model to make"}),
    ("--out", {"required": True, "type": pathlib.Path, "help": "safetensors file to write, for sim2reald base add"}),
    ("--size", {"type": int, "default": 112, "metavar": "PX", "help": "side of the pictures"}),
    ("--mean", {"type": float, "nargs": 3, "default": IMAGENET_MEAN, "help": "of pixels in 0..1; ImageNet's"}),
    ("--std", {"type": float, "nargs": 3, "default": IMAGENET_STD, "help": "of pixels in 0..1; ImageNet's"}),
    ("--hidden", {"type": float, "default": 0.6, "help": "share of each picture that is painted over"}),
    ("--square", {"type": int, "default": 16, "metavar": "PX", "help": "side of what is painted over at once"}),
    ("--epochs", {"type": int, "default": 100, "help": "passes over all pictures"}),
    ("--batch", {"type": int, "default": 64, "help": "pictures in one step"}),
    ("--rate", {"type": float, "default": 1e-3, "help": "peak learning rate"}),
    ("--weight-decay", {"type": float, "default": 0.05, "help": "of weights, not of biases and norms"}),
    ("--held-out", {"type": float, "default": 0.05, "help": "share of the episodes that is not learned from"}),
    ("--seed", {"type": int, "default": 0, "help": "of everything that is drawn"}),
    ("--threads", {"type": int, "default": 0, "help": "of the CPU; 0: torch's own choice"}),
    ("--device", {"default": "auto", "help": "auto, cpu or cuda; auto takes a GPU if there is one, and says so"}),
    ("--tf32", {"action": "store_true", "help": "let a GPU round products to 10 bits: faster, less exact"}),
)
STEP = (
    ("--model", {"required": True, "help": "timm's name"}),
    ("--threads", {"type": int, "default": 1}),
    ("--batch", {"type": int, "default": 8}),
    ("--size", {"type": int, "default": 224, "metavar": "PX"}),
    ("--actions", {"type": int, "default": 8, "help": "numbers in one answer"}),
    ("--device", {"default": "cpu"}),
)

WHOLE = {  # whole numbers, from the least to the most that they may be
    "size": (1, 4096),
    "history": (1, 8),
    "chunk": (1, 256),
    "steps": (1, 256),
    "actions": (1, 4096),
    "batch": (1, 1 << 16),
    "square": (1, 4096),
    "shift": (0, 256),
    "views": (0, 64),
    "seed": (0, 1 << 62),
    "augment_seed": (0, 1 << 30),
    "every": (0, 1 << 30),
    "keep": (0, 1 << 30),
    "epochs": (0, 1 << 20),
    "head_epochs": (0, 1 << 20),
}


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
        ("pretrain", PRETRAIN, "make a small base of pictures alone"),
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
    timing = options.command == "step"
    for name, (low, high) in (WHOLE | {"threads": (int(timing), 256)}).items():
        value = getattr(options, name, None)  # None is the recipe's own
        if value is not None and not low <= value <= high:
            raise TrainingError(f"--{name.replace('_', '-')} {value}: want {low} to {high}")
    if timing:
        return
    if options.command == "train":
        _check_policy(options)
    for name in ("held_out", "brightness", "contrast", "saturation", "noise", "hidden"):
        if not 0 <= getattr(options, name, 0) < 1:
            raise TrainingError(f"--{name.replace('_', '-')} {getattr(options, name)}: want 0 to below 1")
    if not all(math.isfinite(m) and s > 0 for m, s in zip(options.mean, options.std, strict=True)):
        raise TrainingError(f"--mean {options.mean} --std {options.std}: want finite, std above 0")


def _check_policy(options: argparse.Namespace):
    if options.steps > options.chunk:
        raise TrainingError(f"--steps {options.steps}: want at most --chunk {options.chunk}")
    if options.proprioception not in ("none", "joint_positions"):
        raise TrainingError(f"--proprioception {options.proprioception!r}: want none or joint_positions")


def train(options: argparse.Namespace):
    """One run, from the dataset to the file."""
    from . import run

    try:
        fitted = run.train(options, lambda line: print(f"train: {line}", file=sys.stderr, flush=True))
    except KeyboardInterrupt as error:
        raise TrainingError("interrupted before the first step; nothing was written") from error
    if fitted.cancelled:
        raise TrainingError("interrupted; the file holds what was learned so far")


def pretrain(options: argparse.Namespace):
    """One pretraining, from pictures to the base's file."""
    from . import pretrain as course

    course.pretrain(options, lambda line: print(f"pretrain: {line}", file=sys.stderr, flush=True))


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
        {"train": train, "pretrain": pretrain, "step": step}[options.command](options)
    except (TrainingError, OSError) as error:
        print(f"sim2real_torch: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
