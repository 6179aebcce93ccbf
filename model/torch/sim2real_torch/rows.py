"""The rows that a network learns from: a dataset's frames, examples and scales.

What belongs here: which episodes count, which are held out, and what is made of them. What does not: the files of a
dataset (demonstrations.py), and what one example is (examples.py).
"""

import argparse
import concurrent.futures
import os

import numpy

from . import TrainingError, demonstrations, examples, pictures, tensorfile


class Rows:
    """The dataset's successful episodes as frames and examples."""

    def __init__(self, data: demonstrations.Dataset, options: argparse.Namespace):
        self.data = data
        self.good = [e for e in data.episodes if e.success]
        self.excluded = len(data.episodes) - len(self.good)
        if not self.good:
            raise TrainingError(f"{options.data}: no successful episode among {self.excluded}; collect demonstrations")
        self.is_held = demonstrations.split(len(self.good), options.held_out, options.seed)
        trained = [e for e, held in zip(self.good, self.is_held, strict=True) if not held]
        labels = numpy.concatenate([data.labels(e) for e in trained])
        positions = demonstrations.moments(numpy.concatenate([e.q for e in trained]), demonstrations.PROPRIO_FLOOR)
        self.stats = {"action": demonstrations.moments(labels, demonstrations.ACTION_FLOOR), "proprio": positions}
        self.posture = positions[0]
        self.begun = None
        if options.init or options.init_head:
            self.begun = _begun(options.init or options.init_head, self.stats)
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            self.frames = [self._decoded(camera, pool) for camera in data.meta["cameras"]]
        self.train, self.held = (self._examples(data, options, held) for held in (False, True))

    def _decoded(self, camera: dict, pool: concurrent.futures.Executor) -> numpy.ndarray:
        name, width, height = camera["name"], camera["width"], camera["height"]
        pngs = [png for e in self.good for png in e.pictures[name]]
        return numpy.stack(list(pool.map(lambda png: pictures.decode(png, width, height), pngs)))

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

    def manifest_action(self) -> dict:
        """What the numbers of an action mean, as a manifest says it: a tool's with the demonstrations' mean posture."""
        said = self.data.action
        if "cartesian" not in said:
            return said
        limits = self.data.meta["limits"]
        rounded = [round(float(q), 6) for q in self.posture]  # no digits beyond what it means
        posture = numpy.clip(rounded, limits["position_min"], limits["position_max"]).tolist()
        return said | {"cartesian": said["cartesian"] | {"posture": posture}}

    def counts(self) -> dict[str, int]:
        """Of episodes: successful ones, those of them held out, and failures."""
        return {"episodes": len(self.good), "held_out": sum(self.is_held), "excluded": self.excluded}


def _begun(path, stats: dict) -> dict[str, numpy.ndarray]:
    """The tensors of a bundle, whose scales take the place of stats; the daemon has checked that it speaks the same."""
    tensors = {name: t.array() for name, t in tensorfile.read(path).tensors.items()}
    for kind in stats:
        if f"{kind}.mean" in tensors:
            stats[kind] = tensors[f"{kind}.mean"], tensors[f"{kind}.std"]
    return tensors
