"""How often the scripted experts succeed: `python -m sim2real_bridge.measure --domain NAME` appends rows to a file.

What belongs here: episodes of an expert through shaped joint velocities, as a bridge runs them in lock-step, and the
rows and the table of them. What does not: learned policies; the daemon evaluates those. A row that the file has is not
measured again, so that a run can be ended and started anew.
"""

import argparse
import dataclasses
import hashlib
import json
import logging
import math
import os
import pathlib
import sys
from collections.abc import Callable, Iterable

import numpy as np

from . import BridgeError, __version__, domains, shaping

FOLDER = pathlib.Path(__file__).parents[1] / "experts"
TABLE = "table.md"
FIRST_SEED = 1_000_000  # where demonstrations begin
KEY = ("domain", "task", "jitter", "way", "first_seed", "episodes")
THROUGH_JOINTS = "joints"
Z95 = 1.959964


@dataclasses.dataclass(frozen=True)
class Outcome:
    """One episode: control steps until success, 0 without, and what the end is told apart by."""

    steps: int
    end: bytes


def episode(domain, seed: int, jitter: str, watch: Callable[[], None] = lambda: None) -> Outcome:
    """The expert's, from a start to success or the horizon; watch is called after every tick."""
    domain.reset(domain.task, seed, jitter)
    shaper, steps = shaping.Shaper(domain.limits, domain.tick_s), 0
    for step in range(1, domain.horizon_steps + 1):
        advice = domain.expert()
        for _ in range(domain.control_ticks):
            domain.tick(shaper.next(advice.velocity, domain.commanded_position()), advice.gripper)
            watch()
        if domain.succeeded():
            steps = step
            break
    return Outcome(steps, np.asarray(domain.data.qpos).tobytes())


def summary(seeds: Iterable[int], outcomes: list[Outcome], step_s: float) -> dict:
    """The figures of episodes; outcomes is a digest that the same software gives again."""
    good = [o.steps for o in outcomes if o.steps]
    return {
        "successes": len(good),
        "failed_seeds": [seed for seed, o in zip(seeds, outcomes, strict=True) if not o.steps],
        "median_s": round(float(np.median(good)) * step_s, 2) if good else None,
        "outcomes": "sha256:" + hashlib.sha256(b"".join(o.end for o in outcomes)).hexdigest(),
    }


def wilson(successes: int, episodes: int) -> tuple[float, float]:
    """The 95 % interval of a success rate."""
    rate, z2 = successes / episodes, Z95 * Z95
    middle = (rate + z2 / (2 * episodes)) / (1 + z2 / episodes)
    half = Z95 / (1 + z2 / episodes) * math.sqrt(rate * (1 - rate) / episodes + z2 / (4 * episodes * episodes))
    return max(0.0, middle - half), min(1.0, middle + half)


def through_joints(domain, seeds: range, jitter: str) -> dict:
    """The figures of the expert as demonstrations have it."""
    outcomes = [episode(domain, seed, jitter) for seed in seeds]
    return summary(seeds, outcomes, domain.tick_s * domain.control_ticks)


def ways(name: str) -> dict[str, Callable]:
    """How a domain's experts are measured, by name: each gives figures for (domain, seeds, jitter)."""
    if name == "metaworld":
        from . import metaworld_measure

        return {metaworld_measure.OWN: metaworld_measure.own, THROUGH_JOINTS: metaworld_measure.through_joints}
    return {THROUGH_JOINTS: through_joints}


def read(path: pathlib.Path) -> list[dict]:
    """The rows of a file, none if there is none."""
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def rows(folder: pathlib.Path) -> list[dict]:
    """Those of all files of a folder."""
    return [row for path in sorted(folder.glob("*.jsonl")) for row in read(path)]


def measure(path: pathlib.Path, name: str, tasks: list[str], jitters: list[str], seeds: range) -> None:
    """Appends each row that is not there yet, and writes the table anew."""
    module, known = domains.load(name), {tuple(row[k] for k in KEY) for row in read(path)}
    for task in tasks:
        domain = None
        for jitter in jitters:
            for way, figures in ways(name).items():
                key = (name, task, jitter, way, seeds.start, len(seeds))
                if key in known:
                    continue
                domain = domain or module.build(task)
                software = {"bridge": __version__, **domain.software()}
                row = dict(zip(KEY, key, strict=True)) | figures(domain, seeds, jitter) | {"software": software}
                with path.open("a") as file:
                    file.write(json.dumps(row) + "\n")
                (path.parent / TABLE).write_text(table(rows(path.parent)))
                print(f"{task} {jitter} {way}: {row['successes']} of {len(seeds)}", flush=True)


def table(of: list[dict]) -> str:
    """Markdown, a line for each row."""
    lines = [
        "| domain | task | jitter | commands | successes | 95 % interval | median s | hand error p50, p95 mm |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in sorted(of, key=lambda r: [r[k] for k in KEY[:4]]):
        low, high = wilson(row["successes"], row["episodes"])
        error = row.get("hand_error_mm")
        median = "" if row["median_s"] is None else f"{row['median_s']:.1f}"
        cells = [row[k] for k in KEY[:4]] + [f"{row['successes']} of {row['episodes']}", f"{low:.2f} to {high:.2f}"]
        cells += [median, f"{error['p50']}, {error['p95']}" if error else ""]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def main(argv: list[str]) -> int:
    """Measures, or with --table prints what has been measured."""
    os.environ.setdefault("MUJOCO_GL", "egl")
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING)
    parser = argparse.ArgumentParser(prog="python -m sim2real_bridge.measure", description=__doc__)
    parser.add_argument("--domain", choices=list(domains.DOMAINS), help="whose experts")
    parser.add_argument("--tasks", nargs="+", metavar="NAME", help="all that have an expert, unless given")
    parser.add_argument("--jitter", nargs="+", metavar="NAME", help="presets; the domain's own unless given")
    parser.add_argument("--seeds", type=int, default=50, metavar="N", help="episodes a row")
    parser.add_argument("--first-seed", type=int, default=FIRST_SEED, metavar="N", help=f"{FIRST_SEED} unless given")
    parser.add_argument("--out", type=pathlib.Path, default=FOLDER, metavar="DIR", help="where the files are")
    parser.add_argument("--table", action="store_true", help="print what all files hold, and measure nothing")
    args = parser.parse_args(argv)
    if args.table:
        print(table(rows(args.out)), end="")
        return 0
    if args.domain is None or args.seeds < 1 or args.first_seed < 0:
        parser.error("--domain is needed, --seeds of at least 1, and no --first-seed below 0")
    try:
        module = domains.load(args.domain)
    except BridgeError as err:
        parser.error(str(err))
    tasks, jitters = args.tasks or list(module.EXPERTS), args.jitter or [module.DEFAULT_PRESET]
    for given, known in ((tasks, module.EXPERTS), (jitters, module.PRESETS)):
        if odd := [name for name in given if name not in known]:
            parser.error(f"{odd[0]!r} is unknown: use {', '.join(known)}")
    args.out.mkdir(parents=True, exist_ok=True)
    seeds = range(args.first_seed, args.first_seed + args.seeds)
    measure(args.out / f"{args.domain}.jsonl", args.domain, tasks, jitters, seeds)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
